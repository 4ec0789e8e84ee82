/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of a body is looked at only as far as it must be: runs of bytes that
 * stay as they are go to the sink in one piece.
 */
#include "canon.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

static const char *
line_end(const char *p, const char *end)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));

	return lf != NULL ? lf + 1 : end;
}

static const char *
cut_line_end(const char *p, const char *end)
{
	if (end > p && end[-1] == '\n')
		end--;
	if (end > p && end[-1] == '\r')
		end--;
	return end;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A bit is set in each byte of x that is zero. */
static uint64_t
zero_bytes(uint64_t x)
{
	return (x - UINT64_C(0x0101010101010101)) & ~x &
	       UINT64_C(0x8080808080808080);
}

static uint64_t
load(const char *p)
{
	uint64_t eight;

	memcpy(&eight, p, sizeof(eight));
	return eight;
}

/* May there be, in the eight bytes at p, a blank that does not stay? */
static bool
may_change(const char *p)
{
	uint64_t here = load(p), next = load(p + 1);
	uint64_t tabs = zero_bytes(here ^ UINT64_C(0x0909090909090909));
	uint64_t spaces = zero_bytes(here ^ UINT64_C(0x2020202020202020));
	uint64_t blanks = zero_bytes(next ^ UINT64_C(0x2020202020202020)) |
			  zero_bytes(next ^ UINT64_C(0x0909090909090909));

	return (tabs | (spaces & blanks)) != 0;
}

/* The next tab, or space before another blank; or end. */
static const char *
find_change(const char *p, const char *end)
{
	while (p < end) {
		const char *stop;

		while (end - p > 8 && !may_change(p))
			p += 8;
		stop = end - p > 8 ? p + 8 : end;
		for (; p < stop; p++)
			if (*p == '\t' ||
			    (*p == ' ' && p + 1 < end && is_blank(p[1])))
				return p;
	}
	return end;
}

/* Runs of blanks as one space; there are none at the end. */
static void
put_relaxed(const char *p, const char *end, canon_sink *sink, void *arg)
{
	while (p < end) {
		const char *change = find_change(p, end);

		sink(arg, p, (size_t)(change - p));
		if (change < end)
			sink(arg, " ", 1);
		for (p = change; p < end && is_blank(*p);)
			p++;
	}
}

void
canon_body(
    bool relaxed, const char *body, size_t n, canon_sink *sink, void *arg)
{
	const char *p = body, *end = body + n;
	size_t pending = 0; /* line ends that count if more text follows */
	bool text = false;

	while (p < end) {
		const char *next = line_end(p, end);
		const char *last = cut_line_end(p, next);

		while (relaxed && last > p && is_blank(last[-1]))
			last--;
		if (last == p) {
			pending++;
			p = next;
			continue;
		}
		for (; pending > 0; pending--)
			sink(arg, "\r\n", 2);
		if (relaxed)
			put_relaxed(p, last, sink, arg);
		else
			sink(arg, p, (size_t)(last - p));
		text = true;
		pending = 1;
		p = next;
	}
	/* Without text: CRLF if simple (3.4.3), nothing if relaxed (3.4.4). */
	if (text || !relaxed)
		sink(arg, "\r\n", 2);
}

/* Folds are undone, runs of blanks are one space, none at the ends. */
static void
put_relaxed_value(const char *v, canon_sink *sink, void *arg)
{
	bool blank = false, begun = false;

	while (*v != '\0') {
		size_t n = strcspn(v, " \t\r\n");

		if (n > 0) {
			if (blank && begun)
				sink(arg, " ", 1);
			sink(arg, v, n);
			begun = true;
			blank = false;
			v += n;
		} else {
			blank = true;
			v++;
		}
	}
}

static void
put_simple_value(const char *v, canon_sink *sink, void *arg)
{
	while (*v != '\0') {
		size_t n = strcspn(v, "\r\n");

		sink(arg, v, n);
		v += n;
		if (*v == '\0')
			break;
		sink(arg, "\r\n", 2);
		v += *v == '\r' && v[1] == '\n' ? 2 : 1;
	}
}

static void
put_lower(const char *name, canon_sink *sink, void *arg)
{
	size_t n = strlen(name);

	while (n > 0 && is_blank(name[n - 1]))
		n--;
	for (size_t i = 0; i < n; i++) {
		char c = name[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		sink(arg, &c, 1);
	}
}

void
canon_field(bool relaxed, const char *name, const char *value, bool last,
    canon_sink *sink, void *arg)
{
	if (relaxed) {
		put_lower(name, sink, arg);
		sink(arg, ":", 1);
		put_relaxed_value(value, sink, arg);
	} else {
		sink(arg, name, strlen(name));
		sink(arg, ":", 1);
		put_simple_value(value, sink, arg);
	}
	if (!last)
		sink(arg, "\r\n", 2);
}

enum canon_fault
canon_check(const char *body, size_t n)
{
	const char *p = body, *end = body + n;

	while (p < end) {
		const char *next = line_end(p, end);
		size_t length = (size_t)(next - p);
		const char *cr = memchr(p, '\r', length);

		if (cr != NULL && cr + 2 != next)
			return CANON_BARE_CR;
		if (next[-1] == '\n' && cr == NULL)
			return CANON_BARE_LF;
		if (cr != NULL && next[-1] != '\n')
			return CANON_BARE_CR;
		p = next;
	}
	return CANON_CLEAN;
}
