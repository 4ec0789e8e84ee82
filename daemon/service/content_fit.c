/* SPDX-License-Identifier: Apache-2.0 */
#include "service/content_fit.h"

#include <string.h>
#include <strings.h>

/*
 * GMime 3.2 recurses for each container that is open, and compares each line
 * that begins with "--" with the boundaries of all; of honest messages the
 * largest digests have some hundred containers.  Its time grows with the
 * square of a field's parameters, in fields of addresses it recurses with
 * every bracket, and for each word of a field it takes 48 bytes.
 */
enum {
	CONTAINERS = 300,
	COMPARISONS = 10 * 1000 * 1000,
	FIELD_BYTES = 8192,
};

static bool
starts(struct span in, const char *word)
{
	size_t n = strlen(word);

	return in.n >= n && strncasecmp(in.p, word, n) == 0;
}

static struct span
line_of(struct span in)
{
	const char *end = memchr(in.p, '\n', in.n);

	if (end != NULL)
		in.n = (size_t)(end - in.p) + 1;
	return in;
}

/* A header field with its folded lines. */
static struct span
field_of(struct span in)
{
	struct span field = line_of(in);

	while (
	    field.n < in.n && (in.p[field.n] == ' ' || in.p[field.n] == '\t'))
		field.n +=
		    line_of((struct span){ in.p + field.n, in.n - field.n }).n;
	return field;
}

static bool
mentions(struct span in, const char *word)
{
	for (; in.n >= strlen(word); in.p++, in.n--)
		if (starts(in, word))
			return true;
	return false;
}

static bool
makes_tree(struct span line)
{
	return starts(line, "content-type") ||
	       starts(line, "content-disposition") ||
	       starts(line, "content-transfer-encoding");
}

static void
cross_out(char *p, size_t n, char with)
{
	for (; n > 0; n--, p++)
		if (strchr(" \t\r\n", *p) == NULL || *p == '\0')
			*p = with;
}

/* n bytes with the colon at name; of what is long only the start has words. */
static void
cross_out_field(char *to, size_t name, size_t n)
{
	char *value = to + name + 1;
	size_t rest = n - name - 1;
	size_t words = rest < FIELD_BYTES ? rest : FIELD_BYTES;

	cross_out(to, name, 'X');
	cross_out(value, words, 'x');
	cross_out(value + words, rest - words, ' ');
}

struct scan {
	struct content_fit *fit;
	size_t containers, comparisons;
};

/* Copy what stands at the start of in; returns how many bytes that are. */
static size_t
copy_one(struct scan *s, struct span in, char *to)
{
	struct span one = line_of(in);
	const char *colon;

	if (starts(one, "--")) {
		s->comparisons += s->containers + 1;
		memcpy(to, one.p, one.n);
		return one.n;
	}
	if ((colon = memchr(one.p, ':', one.n)) == NULL) {
		memcpy(to, one.p, one.n);
		return one.n;
	}
	one = field_of(in);
	memcpy(to, one.p, one.n);
	if (!makes_tree(one)) {
		cross_out_field(to, (size_t)(colon - one.p), one.n);
		return one.n;
	}
	if (one.n > FIELD_BYTES) {
		cross_out(to + FIELD_BYTES, one.n - FIELD_BYTES, ' ');
		one.n = FIELD_BYTES;
		s->fit->fields = true;
	}
	s->containers +=
	    starts(one, "content-type") &&
	    (mentions(one, "multipart") || mentions(one, "message"));
	return field_of(in).n;
}

void
content_fit(struct span body, char *masked, struct content_fit *fit)
{
	struct scan s = { fit, 1, 0 };

	*fit = (struct content_fit){ 0 };
	while (fit->n < body.n) {
		size_t n = copy_one(&s,
		    (struct span){ body.p + fit->n, body.n - fit->n },
		    masked + fit->n);

		fit->containers = s.containers > CONTAINERS;
		fit->delimiters = s.comparisons > COMPARISONS;
		if (fit->containers || fit->delimiters)
			return;
		fit->n += n;
	}
}
