/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wire.h"

#include <assert.h>
#include <string.h>

_Static_assert(sizeof(struct wire_frame) == 8, "written as it is");

void
wire_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, sizeof(v));
}

void
wire_u32(struct buf *b, uint32_t v)
{
	buf_put(b, &v, sizeof(v));
}

void
wire_u64(struct buf *b, uint64_t v)
{
	buf_put(b, &v, sizeof(v));
}

void
wire_real(struct buf *b, double v)
{
	buf_put(b, &v, sizeof(v));
}

void
wire_bytes(struct buf *b, struct span s)
{
	assert(s.n <= UINT32_MAX);
	wire_u32(b, (uint32_t)s.n);
	buf_put(b, s.p, s.n);
}

/* With its NUL, so that a length of 0 is free to mean NULL. */
void
wire_text(struct buf *b, const char *text)
{
	if (text == NULL)
		wire_u32(b, 0);
	else
		wire_bytes(b, (struct span){ text, strlen(text) + 1 });
}

size_t
wire_begin(struct buf *b, uint8_t type, uint8_t flags, uint16_t extra)
{
	struct wire_frame frame = { 0, type, flags, extra };
	size_t began = b->n;

	buf_put(b, &frame, sizeof(frame));
	return began;
}

void
wire_end(struct buf *b, size_t began)
{
	size_t length = b->n - began - sizeof(struct wire_frame);
	uint32_t written = (uint32_t)length;

	assert(began + sizeof(struct wire_frame) <= b->n);
	assert(length <= WIRE_FRAME_MAX); /* the reader would refuse it */
	memcpy(b->p + began, &written, sizeof(written));
}

/* Move n bytes out of the input, or fail and stay failed. */
static bool
get(struct wire *w, void *out, size_t n)
{
	if (w->bad || w->in.n < n) {
		w->bad = true;
		memset(out, 0, n);
		return false;
	}
	memcpy(out, w->in.p, n);
	w->in.p += n;
	w->in.n -= n;
	return true;
}

uint8_t
wire_get_u8(struct wire *w)
{
	uint8_t v;

	get(w, &v, sizeof(v));
	return v;
}

uint32_t
wire_get_u32(struct wire *w)
{
	uint32_t v;

	get(w, &v, sizeof(v));
	return v;
}

uint64_t
wire_get_u64(struct wire *w)
{
	uint64_t v;

	get(w, &v, sizeof(v));
	return v;
}

double
wire_get_real(struct wire *w)
{
	double v;

	get(w, &v, sizeof(v));
	return v;
}

struct span
wire_get_bytes(struct wire *w)
{
	uint32_t n = wire_get_u32(w);
	struct span s = { w->in.p, n };

	if (w->bad || n > w->in.n) {
		w->bad = true;
		return (struct span){ "", 0 };
	}
	if (n == 0)
		return (struct span){ "", 0 };
	w->in.p += n;
	w->in.n -= n;
	return s;
}

const char *
wire_get_text(struct wire *w)
{
	struct span s = wire_get_bytes(w);

	if (s.n == 0)
		return NULL;
	if (memchr(s.p, '\0', s.n) != s.p + s.n - 1) {
		w->bad = true;
		return NULL;
	}
	return s.p;
}

int
wire_next(struct span *in, struct wire_frame *frame, struct span *body)
{
	struct wire_frame head;

	if (in->n < sizeof(head))
		return 0;
	memcpy(&head, in->p, sizeof(head));
	if (head.length > WIRE_FRAME_MAX)
		return -1;
	if (in->n - sizeof(head) < head.length)
		return 0;
	*frame = head;
	*body = (struct span){ in->p + sizeof(head), head.length };
	in->p += sizeof(head) + head.length;
	in->n -= sizeof(head) + head.length;
	return 1;
}
