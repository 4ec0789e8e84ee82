/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Part of <millrace/fake.h>: the service "stream/1", with the answers that a
 * test has written down.  It belongs to the test:
 *
 *	fake_stream_clear();
 *	fake_stream_answer("stream: OK", 11);	the next question's; and so on
 *
 * A question without an answer finds nobody.  The answer is shown to read()
 * byte by byte, as a slow server would send it.  fake_stream.asked is what
 * was sent last.
 */
#ifndef MR_FAKE_STREAM_H
#define MR_FAKE_STREAM_H

#include <millrace/stream.h>

enum { FAKE_ANSWERS = 16 };

static struct {
	struct {
		const char *p;
		size_t n;
	} answers[FAKE_ANSWERS];
	uint32_t nanswers, given;
	char *asked; /* n bytes, and a NUL */
	size_t n;
} fake_stream;

MR_FAKE void
fake_stream_clear(void)
{
	free(fake_stream.asked);
	memset(&fake_stream, 0, sizeof(fake_stream));
}

/* bytes are not copied. */
MR_FAKE void
fake_stream_answer(const char *bytes, size_t n)
{
	if (fake_stream.nanswers == FAKE_ANSWERS)
		fake_broken("stream", "too many answers");
	fake_stream.answers[fake_stream.nanswers].p = bytes;
	fake_stream.answers[fake_stream.nanswers++].n = n;
}

MR_FAKE struct mr_stream *
fake_stream_open(
    const struct mr_list *servers, int64_t retry_ms, char why[MR_STREAM_WHY])
{
	void *s;

	(void)retry_ms;
	for (uint32_t i = 0; i < servers->count; i++)
		if (strncmp(servers->items[i], "unix:/", 6) != 0 &&
		    strncmp(servers->items[i], "inet:", 5) != 0 &&
		    strncmp(servers->items[i], "inet6:", 6) != 0) {
			snprintf(why, MR_STREAM_WHY, "\"%s\" is not a socket",
			    servers->items[i]);
			return NULL;
		}
	if (servers->count == 0 || servers->count > MR_STREAM_SERVERS) {
		snprintf(why, MR_STREAM_WHY, "name at least one server");
		return NULL;
	}
	s = malloc(1); /* something to close */
	if (s == NULL)
		fake_broken("memory", "there is none");
	return s;
}

MR_FAKE void
fake_stream_close(struct mr_stream *s)
{
	free(s);
}

MR_FAKE void
fake_stream_keep(const struct mr_stream_question *q)
{
	size_t n = 0;

	free(fake_stream.asked);
	for (uint32_t i = 0; i < q->count; i++)
		n += q->pieces[i].n;
	fake_stream.asked = calloc(1, n + 1);
	if (fake_stream.asked == NULL)
		fake_broken("memory", "there is none");
	fake_stream.n = 0;
	for (uint32_t i = 0; i < q->count; i++) {
		if (q->pieces[i].n > 0)
			memcpy(fake_stream.asked + fake_stream.n,
			    q->pieces[i].p, q->pieces[i].n);
		fake_stream.n += q->pieces[i].n;
	}
}

/* In memory of just that size, so that a sanitizer sees who reads on. */
MR_FAKE mr_stream_state
fake_stream_show(
    const struct mr_stream_question *q, const char *bytes, size_t n, bool end)
{
	char *copy = malloc(n > 0 ? n : 1);
	mr_stream_state state;

	if (copy == NULL)
		fake_broken("memory", "there is none");
	memcpy(copy, bytes, n);
	state = q->read(q->arg, copy, n, end);
	free(copy);
	return state;
}

MR_FAKE bool
fake_stream_ask(struct mr_ctx *c, struct mr_stream *s,
    const struct mr_stream_question *q, const char **bytes, size_t *n,
    const char **why)
{
	mr_stream_state state = MR_STREAM_MORE;
	uint32_t i = fake_stream.given;
	size_t have = 0, all;

	(void)s;
	if (q->count > MR_STREAM_PIECES)
		fake_broken("stream", "too many pieces");
	fake_stream_keep(q);
	*why = "nobody answers";
	if (i == fake_stream.nanswers)
		return false;
	fake_stream.given++;
	all = fake_stream.answers[i].n;
	while (have < all && have < q->answer_max && state == MR_STREAM_MORE)
		state = fake_stream_show(
		    q, fake_stream.answers[i].p, ++have, false);
	if (state == MR_STREAM_MORE && have == all)
		state =
		    fake_stream_show(q, fake_stream.answers[i].p, have, true);
	if (state == MR_STREAM_NEXT)
		return fake_stream_ask(c, s, q, bytes, n, why);
	if (state != MR_STREAM_DONE) {
		*why = "its answer makes no sense";
		return false;
	}
	*bytes = memcpy(fake_alloc(fake_scope(fake_of(c)), have + 1),
	    fake_stream.answers[i].p, have);
	*n = have;
	return true;
}

MR_FAKE const char *
fake_stream_header(struct mr_ctx *c, size_t *n)
{
	const struct fake *f = fake_of(c);
	size_t size = 3, at = 0;
	char *text;

	for (size_t i = 0; i < f->nfields; i++)
		size += strlen(f->fields[i].name) +
			2 * strlen(f->fields[i].value) + 3;
	text = fake_alloc(fake_scope(fake_of(c)), size);
	for (size_t i = 0; i < f->nfields; i++) {
		at += (size_t)sprintf(text + at, "%s:", f->fields[i].name);
		for (const char *v = f->fields[i].value; *v != '\0'; v++) {
			if (*v == '\n')
				text[at++] = '\r';
			text[at++] = *v;
		}
		at += (size_t)sprintf(text + at, "\r\n");
	}
	*n = at + (size_t)sprintf(text + at, "\r\n");
	return text;
}

static const struct mr_stream_service fake_stream_service = {
	.size = sizeof(struct mr_stream_service),
	.open = fake_stream_open,
	.close = fake_stream_close,
	.ask = fake_stream_ask,
	.header = fake_stream_header,
};

#endif
