/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What front and worker tell each other: a stream of frames, each given to
 * the decoder of its type.  What is understood must survive being written
 * and read once more.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "link/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

/* The one frame in b. */
static struct span
only_frame(const struct buf *b, struct wire_frame *f)
{
	struct span in = { b->p, b->n }, body = { NULL, 0 };

	must(wire_next(&in, f, &body) == 1 && in.n == 0);
	return body;
}

static void
must_equal(struct buf *a, struct buf *b)
{
	must(a->n == b->n && memcmp(a->p, b->p, a->n) == 0);
	buf_finish(a);
	buf_finish(b);
}

static void
check_open(struct span body)
{
	struct buf one = { 0 }, two = { 0 };
	struct link_open open, again;
	struct wire_frame f;

	if (!frame_get_open(body, &open))
		return;
	frame_open(&one, &open);
	must(frame_get_open(only_frame(&one, &f), &again));
	frame_open(&two, &again);
	must_equal(&one, &two);
}

static void
check_event(
    const struct wire_frame *frame, struct span body, struct arena *arena)
{
	struct buf one = { 0 }, two = { 0 };
	struct body_range range, range2;
	struct event e, again;
	struct wire_frame f;
	struct span written;

	if (!frame_get_event(frame, body, arena, &e, &range))
		return;
	frame_event(&one, &e, frame->flags, &range);
	frame_mark_told(one.p, e.given);
	written = only_frame(&one, &f);
	must(frame_get_event(&f, written, arena, &again, &range2));
	must(again.stage == e.stage && again.given == e.given && again.told);
	frame_event(&two, &again, frame->flags, &range2);
	frame_mark_told(two.p, again.given);
	must_equal(&one, &two);
}

static void
check_answer(struct span body, struct arena *arena)
{
	struct buf one = { 0 }, two = { 0 };
	const struct span no_body = { NULL, 0 };
	struct answer a, again;
	struct wire_frame f;

	if (!frame_get_answer(body, arena, no_body, &a))
		return;
	frame_answer(&one, &a);
	must(frame_get_answer(only_frame(&one, &f), arena, no_body, &again));
	must(again.kind == a.kind && again.nedits == a.nedits);
	frame_answer(&two, &again);
	must_equal(&one, &two);
}

static void
check_frame(const struct wire_frame *f, struct span body)
{
	struct arena *arena = arena_create(1024);
	struct link_hello hello;
	int32_t instance;

	switch (f->type) {
	case FRAME_OPEN:
		check_open(body);
		break;
	case FRAME_EVENT:
		check_event(f, body, arena);
		break;
	case FRAME_ANSWER:
		check_answer(body, arena);
		break;
	case FRAME_HELLO:
		must(frame_get_hello(body, &hello) == (body.n >= 4));
		break;
	case FRAME_OVERRUN:
		must(frame_get_overrun(body, &instance) == (body.n >= 4));
		break;
	default:
		break;
	}
	arena_destroy(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n }, body;
	struct wire_frame f;

	while (wire_next(&in, &f, &body) == 1)
		check_frame(&f, body);
	return 0;
}
