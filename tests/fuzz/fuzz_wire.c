/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames and what is read from them.  The type of a frame says what to read;
 * its flags say how often.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

static void
read_text(struct wire *w)
{
	const char *text = wire_get_text(w);

	if (text != NULL)
		must(text + strlen(text) + 1 == w->in.p);
}

static void
read_bytes(struct wire *w)
{
	struct span s = wire_get_bytes(w);
	unsigned sum = 0;

	for (size_t i = 0; i < s.n; i++)
		sum += (unsigned char)s.p[i];
	must(sum <= 255 * s.n);
}

static void
read_one(struct wire *w, unsigned what)
{
	size_t before = w->in.n;

	switch (what % 6) {
	case 0:
		wire_get_u8(w);
		break;
	case 1:
		wire_get_u32(w);
		break;
	case 2:
		wire_get_u64(w);
		break;
	case 3:
		wire_get_real(w);
		break;
	case 4:
		read_bytes(w);
		break;
	default:
		read_text(w);
		break;
	}
	must(w->in.n <= before);
}

static void
read_frame(const struct wire_frame *f, struct span body)
{
	struct wire w = { body, false };

	must(f->length == body.n);
	for (unsigned i = 0; i <= f->flags; i++) {
		bool bad = w.bad;

		read_one(&w, f->type + i * f->extra);
		must(!bad || w.bad);
	}
	must(w.in.p + w.in.n == body.p + body.n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n }, body;
	struct wire_frame f;
	int got;

	while ((got = wire_next(&in, &f, &body)) == 1)
		read_frame(&f, body);
	must(got == -1 || in.n < sizeof(f) + WIRE_FRAME_MAX);
	return 0;
}
