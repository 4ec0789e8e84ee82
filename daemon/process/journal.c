/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two sides of one socket: senders, who never wait, and the process that
 * collects packets and writes them in batches.  A database that cannot be
 * used costs records, never mail: packets are taken off the socket all the
 * same.
 */
#include "process/journal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "process/journal_packet.h"
#include "process/journal_store.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define DAY    (86400 * SECOND)
#define NEVER  INT64_MAX

enum {
	SEND_BYTES = 8 * 1024 * 1024,
	BATCH_ROWS = 1000,
	BATCH_BYTES = 4 * 1024 * 1024,
	BATCH_US = 500 * 1000,
	GATHER_US = 20 * 1000,
	KEEP_BYTES = 8 * 1024 * 1024, /* while the database is unusable */
	PRUNE_ROWS = 2000,
	WAITERS = 16,
};

static int journal_sock = -1;

void
journal_use(int sock)
{
	int n = SEND_BYTES;

	journal_sock = sock;
	if (sock != -1 &&
	    setsockopt(sock, SOL_SOCKET, SO_SNDBUFFORCE, &n, sizeof(n)) == -1)
		setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
}

/* client: a descriptor that goes with it, or -1. */
static bool
send_packet(int sock, const struct buf *b, int client)
{
	struct iovec part = { b->p, b->n };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *c;
	ssize_t n;

	if (client != -1) {
		m.msg_control = control;
		m.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &client, sizeof(client));
	}
	do
		n = sendmsg(sock, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	return n == (ssize_t)b->n;
}

bool
journal_send(const struct record *r)
{
	struct buf b = { 0 };
	bool ok;

	if (journal_sock == -1)
		return true;
	journal_packet_put(&b, r);
	ok = send_packet(journal_sock, &b, -1);
	buf_finish(&b);
	return ok;
}

bool
journal_flush_for(int sock, int client)
{
	struct buf b = { 0 };
	bool ok;

	journal_packet_put_flush(&b);
	ok = send_packet(sock, &b, client);
	buf_finish(&b);
	return ok;
}

bool
journal_flush(int sock)
{
	return journal_flush_for(sock, -1);
}

/* The journal's process. */
struct journal {
	const struct journal_settings *settings;
	struct journal_store *store; /* NULL: not open now */
	char *packet;                /* one, as it comes */
	struct buf pending;          /* u32 length, packet, ... */
	size_t rows;
	int64_t write_at; /* steady clock, NEVER: nothing is pending */
	int64_t prune_at;
	int64_t retry_at;    /* not before this, after a failure */
	int64_t complain_at; /* the next complaint may be logged then */
	uint64_t lost, malformed;
	int waiters[WAITERS]; /* told when all is written */
	size_t nwaiters;
};

static const char written[] = "{\"ok\":true}\n";
static const char unusable[] =
    "{\"error\":\"the journal is unusable: see the daemon's log\"}\n";

static void
hang_up(struct journal *j, const char *answer)
{
	for (size_t i = 0; i < j->nwaiters; i++) {
		/* who does not read it loses it */
		(void)!send(j->waiters[i], answer, strlen(answer),
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		close(j->waiters[i]);
	}
	j->nwaiters = 0;
}

/* An unusable database: say so, but not for every message. */
static void
complain(struct journal *j, int64_t now, char *why)
{
	if (now >= j->complain_at) {
		log_error("%s (%llu records lost so far)", why,
		    (unsigned long long)j->lost);
		j->complain_at = now + MINUTE;
	}
	free(why);
}

static void
forget_pending(struct journal *j)
{
	buf_cut(&j->pending, 0);
	j->rows = 0;
	j->write_at = NEVER;
}

static void
fell_out(struct journal *j, int64_t now, char *why)
{
	complain(j, now, why);
	journal_store_close(&j->store);
	j->retry_at = now + SECOND;
	if (j->pending.n > KEEP_BYTES) {
		j->lost += j->rows;
		forget_pending(j);
	}
	if (j->write_at != NEVER)
		j->write_at = j->retry_at;
}

static bool
is_open(struct journal *j, int64_t now)
{
	char *why;

	if (j->store != NULL)
		return true;
	if (now < j->retry_at)
		return false;
	if ((j->store = journal_store_open(j->settings->path, &why)) != NULL)
		return true;
	fell_out(j, now, why);
	return false;
}

static void
drop_malformed(struct journal *j)
{
	if (j->malformed++ % 1000 == 0)
		log_warn("a malformed record for the journal was dropped (%llu "
			 "so far)",
		    (unsigned long long)j->malformed);
}

static bool
write_rows(struct journal *j, char **why)
{
	struct span in = { j->pending.p, j->pending.n };
	enum journal_packet kind;
	struct journal_row row;
	uint32_t n;

	if (!journal_store_begin(j->store, why))
		return false;
	while (in.n > 0) {
		memcpy(&n, in.p, sizeof(n));
		in.p += sizeof(n);
		if (!journal_packet_get((struct span){ in.p, n }, &kind, &row))
			drop_malformed(j);
		else if (!journal_store_put(j->store, &row, why))
			return false;
		in.p += n;
		in.n -= sizeof(n) + n;
	}
	return journal_store_commit(j->store, why);
}

static void
write_pending(struct journal *j)
{
	int64_t now = clock_steady_us();
	char *why;

	if (j->rows == 0) {
		hang_up(j, written);
		return;
	}
	j->write_at = now + BATCH_US;
	if (!is_open(j, now)) {
		hang_up(j, unusable);
		return;
	}
	if (!write_rows(j, &why)) {
		fell_out(j, now, why);
		hang_up(j, unusable);
		return;
	}
	forget_pending(j);
	hang_up(j, written);
}

/* Old rows go in small steps; while there are many, after each batch. */
static void
prune(struct journal *j, int64_t now)
{
	int64_t oldest = clock_wall_us() - j->settings->days * DAY;
	char *why;
	int n;

	if (now < j->prune_at)
		return;
	j->prune_at = now + SECOND;
	if (!is_open(j, now))
		return;
	n = journal_store_prune(j->store, oldest, PRUNE_ROWS, &why);
	if (n == -1)
		fell_out(j, now, why);
	j->prune_at = now + (n == PRUNE_ROWS ? BATCH_US : MINUTE);
}

static void
keep(struct journal *j, size_t size)
{
	uint32_t n = (uint32_t)size;

	if (j->pending.n > KEEP_BYTES) { /* the database is unusable */
		j->lost++;
		return;
	}
	buf_put(&j->pending, &n, sizeof(n));
	buf_put(&j->pending, j->packet, size);
	if (j->rows++ == 0 && j->write_at == NEVER)
		j->write_at = clock_steady_us() + BATCH_US;
}

static int
descriptor_of(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static void
take_flush(struct journal *j, int client)
{
	if (client != -1 && j->nwaiters == WAITERS)
		close(client);
	else if (client != -1)
		j->waiters[j->nwaiters++] = client;
	write_pending(j);
}

/* 1: one packet taken; 0: there is none now; -1: there is no sender. */
static int
take_packet(struct journal *j)
{
	struct iovec part = { j->packet, JOURNAL_PACKET_MAX };
	char control[CMSG_SPACE(sizeof(int))];
	struct msghdr m = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_LEN(sizeof(int)) /* one, no more */ };
	ssize_t n =
	    recvmsg(j->settings->sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	int client;

	if (n == -1)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0)
		return -1;
	client = descriptor_of(&m);
	if (j->packet[0] == JOURNAL_FLUSH && n == 1) {
		take_flush(j, client);
		return 1;
	}
	if (client != -1)
		close(client);
	if (m.msg_flags & MSG_TRUNC)
		drop_malformed(j);
	else
		keep(j, (size_t)n);
	return 1;
}

static void
wait_for_packets(const struct journal *j)
{
	struct pollfd p = { .fd = j->settings->sock, .events = POLLIN };
	int64_t now = clock_steady_us();
	int64_t until = j->write_at < j->prune_at ? j->write_at : j->prune_at;

	if (until > now + MINUTE)
		until = now + MINUTE;
	/* A wake-up for each record would cost more than the record. */
	if (poll(&p, 1, until > now ? (int)((until - now) / 1000) + 1 : 0) > 0)
		usleep(GATHER_US);
}

static bool
is_due(const struct journal *j)
{
	int64_t now = clock_steady_us();

	if (now >= j->write_at)
		return true;
	return now >= j->retry_at &&
	       (j->rows >= BATCH_ROWS || j->pending.n >= BATCH_BYTES);
}

/* False: there is no sender any more. */
static bool
take_batch(struct journal *j)
{
	int n;

	do
		n = take_packet(j);
	while (n == 1 && !is_due(j));
	return n >= 0;
}

static void
ignore_signals(void)
{
	static const int all[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		signal(all[i], SIG_IGN);
}

void
journal_run(const struct journal_settings *settings)
{
	struct journal j = { .settings = settings,
		.packet = memory_zalloc(JOURNAL_PACKET_MAX),
		.write_at = NEVER };
	bool senders = true;

	if (settings->days <= 0)
		j.prune_at = NEVER;
	ignore_signals();
	umask(027);
	is_open(&j, clock_steady_us());
	while (senders) {
		wait_for_packets(&j);
		senders = take_batch(&j);
		if (is_due(&j))
			write_pending(&j);
		prune(&j, clock_steady_us());
	}
	j.retry_at = 0;
	write_pending(&j);
	if (j.rows > 0)
		log_error("journal %s: %zu records could not be written at the "
			  "end",
		    settings->path, j.rows);
	hang_up(&j, written);
	journal_store_close(&j.store);
	buf_finish(&j.pending);
	free(j.packet);
}
