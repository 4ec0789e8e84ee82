/* SPDX-License-Identifier: Apache-2.0 */
#include "process/serve.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "link/channel.h"
#include "link/frame.h"
#include "process/watch.h"

enum {
	SEND_LIMIT_US = 5 * 1000 * 1000,
	EVENT_ARENA = 1024,
	CHUNK_MAX = 1024 * 1024
};

struct served {
	struct core *core;
	struct generation_board *board;
	struct worker_board *own;
	int sock;
	struct buf in;
	struct session *session;
	bool moved;            /* another worker goes on with it */
	_Atomic unsigned turn; /* see served_pass */

	/* The body of the open message. */
	struct buf body;
	int body_file; /* -1: it is in body */
	void *mapped;
	size_t mapped_size;
};

struct served *
served_create(struct core *core, struct generation_board *board,
    struct worker_board *own, int sock)
{
	struct served *s = memory_zalloc(sizeof(*s));

	s->core = core;
	s->board = board;
	s->own = own;
	s->sock = sock;
	s->body_file = -1;
	atomic_fetch_add(&own->sessions, 1);
	return s;
}

int
served_socket(const struct served *s)
{
	return s->sock;
}

static void
forget_body(struct served *s)
{
	buf_finish(&s->body);
	if (s->mapped != NULL)
		munmap(s->mapped, s->mapped_size);
	s->mapped = NULL;
	if (s->body_file != -1)
		close(s->body_file);
	s->body_file = -1;
}

void
served_destroy(struct served **served)
{
	struct served *s = *served;

	if (s == NULL)
		return;
	watch_serving(-1);
	session_destroy(&s->session, s->moved);
	forget_body(s);
	buf_finish(&s->in);
	close(s->sock);
	atomic_fetch_add(&s->own->sessions, (uint64_t)-1);
	free(s);
	*served = NULL;
}

static bool
send_frames(struct served *s, struct buf *b)
{
	bool ok = channel_send(s->sock, (struct span){ b->p, b->n }, -1,
	    clock_steady_us() + SEND_LIMIT_US);

	buf_finish(b);
	return ok;
}

static const struct chain *
chain_on(const struct core *core, const char *socket)
{
	for (size_t i = 0; i < core_chains(core); i++)
		if (strcmp(core_chain(core, i)->listener->socket, socket) == 0)
			return core_chain(core, i);
	return NULL;
}

/* What brought the session here, if another worker failed. */
static void
note_fault(struct served *s, const struct link_open *o)
{
	char what[128] = "over its deadline";
	const char *stage = "-";
	int instance = -1;

	switch (o->fault) {
	case FAULT_NONE:
		return;
	case FAULT_DIED:
		instance =
		    board_blame(s->board, o->pid, o->session, what, &stage);
		break;
	case FAULT_OVERRUN:
		board_running(s->board, o->pid, o->session, &stage);
		instance = o->instance;
		break;
	case FAULT_SILENT:
		instance = board_running(s->board, o->pid, o->session, &stage);
		break;
	}
	session_fault(s->session, instance, what, stage);
}

static bool
take_open(struct served *s, struct span body)
{
	struct link_hello hello = { .pid = getpid() };
	const struct chain *chain;
	struct link_open open;
	struct buf b = { 0 };

	if (s->session != NULL || !frame_get_open(body, &open))
		return false;
	if ((chain = chain_on(s->core, open.socket)) == NULL) {
		log_error("no chain for a session from %s", open.socket);
		return false;
	}
	/* The front must know whom it is talking to before anything runs. */
	frame_hello(&b, &hello);
	if (!send_frames(s, &b))
		return false;
	s->session = session_create(s->core, chain, open.session);
	note_fault(s, &open);
	return true;
}

static bool
map_body(struct served *s, uint64_t size)
{
	if (size == 0)
		return true;
	s->mapped = mmap(NULL, size, PROT_READ, MAP_PRIVATE, s->body_file, 0);
	if (s->mapped == MAP_FAILED) {
		s->mapped = NULL;
		return false;
	}
	s->mapped_size = size;
	return true;
}

static bool
chunk_of_file(struct served *s, struct arena *arena, const struct body_range *r,
    struct span *out)
{
	char *p;

	if (r->length > CHUNK_MAX)
		return false;
	p = arena_alloc(arena, r->length + 1);
	*out = (struct span){ p, r->length };
	return pread(s->body_file, p, r->length, (off_t)r->offset) ==
	       (ssize_t)r->length;
}

/* Give the event the bytes that its frame only speaks of. */
static bool
find_bytes(struct served *s, struct arena *arena, struct event *e,
    const struct body_range *r)
{
	if (e->stage != STAGE_BODY && e->stage != STAGE_EOM)
		return true;
	if (s->body_file == -1) {
		if (r->offset > s->body.n || r->length > s->body.n - r->offset)
			return false;
		e->bytes = (struct span){ s->body.p + r->offset, r->length };
		return true;
	}
	if (e->stage == STAGE_BODY)
		return chunk_of_file(s, arena, r, &e->bytes);
	if (!map_body(s, r->length))
		return false;
	e->bytes = (struct span){ s->mapped, s->mapped_size };
	return true;
}

static bool
send_answer(struct served *s, const struct answer *answer)
{
	struct buf b = { 0 };

	frame_answer(&b, answer);
	return send_frames(s, &b);
}

/* Between messages a worker that is to end lets go of its sessions. */
static bool
park_if_retiring(struct served *s)
{
	struct buf b = { 0 };
	size_t at;

	if (!atomic_load(&s->own->retire) || session_in_message(s->session))
		return true;
	at = wire_begin(&b, FRAME_PARKED, 0, 0);
	wire_end(&b, at);
	send_frames(s, &b);
	s->moved = true;
	return false;
}

static bool
run_event(struct served *s, const struct wire_frame *f, const struct event *e)
{
	struct answer answer;
	bool ok = true;

	if (e->stage == STAGE_MAIL) {
		forget_body(s);
		atomic_fetch_add(&s->own->served, 1);
	}
	if (!session_event(s->session, e, &answer)) {
		s->moved = true;
		return false;
	}
	if (f->flags & EVENT_ASKS)
		ok = send_answer(s, &answer);
	if (session_in_message(s->session))
		return ok;
	session_rest(s->session);
	forget_body(s);
	return ok && park_if_retiring(s);
}

static bool
take_event(struct served *s, const struct wire_frame *f, struct span body)
{
	struct arena *arena = arena_create(EVENT_ARENA);
	struct body_range range;
	struct event e;
	bool ok;

	ok = s->session != NULL &&
	     frame_get_event(f, body, arena, &e, &range) &&
	     find_bytes(s, arena, &e, &range) && run_event(s, f, &e);
	arena_destroy(&arena);
	return ok;
}

static bool
take_frame(
    struct served *s, const struct wire_frame *f, struct span body, int *fd)
{
	switch (f->type) {
	case FRAME_OPEN:
		return take_open(s, body);
	case FRAME_EVENT:
		return take_event(s, f, body);
	case FRAME_BODY:
		buf_put(&s->body, body.p, body.n);
		return true;
	case FRAME_BODY_FILE:
		if (*fd == -1)
			return false;
		if (s->body_file != -1)
			close(s->body_file);
		s->body_file = *fd;
		*fd = -1;
		return true;
	default:
		return false;
	}
}

/* All whole frames that are there; a part of one stays. */
static bool
take_frames(struct served *s, int *fd)
{
	struct span in = { s->in.p, s->in.n };
	struct wire_frame f;
	struct span body;
	int n;

	while ((n = wire_next(&in, &f, &body)) == 1)
		if (!take_frame(s, &f, body, fd))
			return false;
	if (n < 0)
		return false;
	if (in.n == 0)
		buf_finish(&s->in);
	else
		buf_drop(&s->in, s->in.n - in.n);
	return true;
}

void
served_pass(struct served *s)
{
	atomic_fetch_add_explicit(&s->turn, 1, memory_order_release);
}

bool
served_read(struct served *s)
{
	enum channel_read r;
	int fd = -1;
	bool ok = true;

	atomic_load_explicit(&s->turn, memory_order_acquire);
	watch_serving(s->sock);
	r = channel_read(s->sock, &s->in, &fd);
	if (r == CHANNEL_GOT)
		ok = take_frames(s, &fd);
	if (fd != -1)
		close(fd);
	watch_serving(-1);
	return ok && r != CHANNEL_END;
}
