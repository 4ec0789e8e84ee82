/* SPDX-License-Identifier: Apache-2.0 */
/* Where links and mail addresses are in a text. */
#include <string.h>
#include <strings.h>

#include "service/charset.h"
#include "service/content_url.h"

enum { LOCAL_BYTES = 64 };

struct finder {
	struct span in;
	size_t from; /* what is before belongs to the last link */
	void (*seen)(void *arg, struct span url);
	void *arg;
};

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* Of a host name, international ones included. */
static bool
is_host(char c)
{
	return is_alnum(c) || c == '-' || c == '.' || (unsigned char)c >= 0x80;
}

static bool
is_local(char c)
{
	return is_alnum(c) || (c != '\0' && strchr("._+-=%'!#$&*", c) != NULL);
}

/* Where a run of characters of a URL ends. */
static size_t
run(struct span in, size_t i)
{
	size_t end =
	    i + CONTENT_URL_BYTES < in.n ? i + CONTENT_URL_BYTES : in.n;

	while (i < end) {
		struct span rest = { in.p + i, in.n - i };
		uint32_t code;
		size_t n = utf8_next(rest, &code);

		if (n == 0 || code <= ' ' || code == 0x7f || code == '<' ||
		    code == '>' || code == '"' || code == '`' || code == '|')
			break;
		/* Quotation marks and blanks of all sorts; not its dots. */
		if ((code >= 0x2000 && code < 0x2070) ||
		    (code >= 0x3000 && code < 0x3040 && code != 0x3002) ||
		    code == 0xab || code == 0xbb || code == 0xa0 ||
		    code == 0xfffd)
			break;
		i += n;
	}
	return i;
}

/* Brackets that close more than was opened are the sentence's. */
struct balance {
	int round, square, curly;
};

static int *
balance_of(struct balance *b, char c)
{
	switch (c) {
	case '(':
	case ')':
		return &b->round;
	case '[':
	case ']':
		return &b->square;
	case '{':
	case '}':
		return &b->curly;
	default:
		return NULL;
	}
}

/* A sentence's own marks do not belong to the link at its end. */
static size_t
trim(struct span in, size_t from, size_t to)
{
	struct balance b = { 0, 0, 0 };
	int *open;

	for (size_t i = from; i < to; i++)
		if ((open = balance_of(&b, in.p[i])) != NULL)
			*open += strchr("([{", in.p[i]) != NULL ? 1 : -1;
	while (to > from) {
		char c = in.p[to - 1];

		open = strchr(")]}", c) != NULL ? balance_of(&b, c) : NULL;
		if (open != NULL && *open < 0)
			++*open;
		else if (strchr(".,;:!?'*_~", c) == NULL)
			break;
		to--;
	}
	return to;
}

static void
found(struct finder *f, size_t from, size_t to)
{
	f->from = to;
	f->seen(f->arg, (struct span){ f->in.p + from, to - from });
}

/* "://" at i: which scheme is before it? */
static bool
try_scheme(struct finder *f, size_t i)
{
	static const char *const schemes[] = { "https", "http", "hxxps", "hxxp",
		"h**ps", "h**p", "htxps", "htxp", "hxtps", "hxtp", "http[s]",
		"ftp" };
	size_t end;

	if (i + 3 >= f->in.n || memcmp(f->in.p + i, "://", 3) != 0)
		return false;
	for (size_t k = 0; k < sizeof(schemes) / sizeof(schemes[0]); k++) {
		size_t n = strlen(schemes[k]);

		if (i < f->from + n ||
		    strncasecmp(f->in.p + i - n, schemes[k], n) != 0)
			continue;
		end = trim(f->in, i - n, run(f->in, i + 3));
		if (end <= i + 3)
			return false;
		found(f, i - n, end);
		return true;
	}
	return false;
}

static bool
try_www(struct finder *f, size_t i)
{
	size_t end;

	if (i + 5 > f->in.n || strncasecmp(f->in.p + i, "www.", 4) != 0 ||
	    !is_host(f->in.p[i + 4]))
		return false;
	if (i > f->from && (is_host(f->in.p[i - 1]) || f->in.p[i - 1] == '@'))
		return false;
	end = trim(f->in, i, run(f->in, i));
	if (end < i + 6)
		return false;
	found(f, i, end);
	return true;
}

/* The name before i; its start, or i if there is none with a dot in it. */
static size_t
host_before(const struct finder *f, size_t i)
{
	size_t from = i;

	while (from > f->from && i - from < 255 && is_host(f->in.p[from - 1]))
		from--;
	while (from < i && strchr(".-", f->in.p[from]) != NULL)
		from++;
	return memchr(f->in.p + from, '.', i - from) != NULL ? from : i;
}

/* A name ends in letters: "1.5/2" is no link, nor is "and/or". */
static bool
is_name(struct span host)
{
	const char *dot = memrchr(host.p, '.', host.n);
	size_t n;

	if (dot == NULL || memmem(host.p, host.n, "..", 2) != NULL)
		return false;
	n = host.n - (size_t)(dot + 1 - host.p);
	if (n < 2 || n > 24)
		return false;
	for (dot++; n > 0; n--, dot++)
		if ((*dot >= '0' && *dot <= '9') || *dot == '-')
			return false;
	return true;
}

static bool
try_slash(struct finder *f, size_t i)
{
	size_t from = host_before(f, i), end;

	if (from == i || (from > 0 && f->in.p[from - 1] == '@') ||
	    !is_name((struct span){ f->in.p + from, i - from }))
		return false;
	/* A path of a file system or of a URL that was no link. */
	if (from > 0 && strchr("/\\:=", f->in.p[from - 1]) != NULL)
		return false;
	end = trim(f->in, from, run(f->in, i));
	if (end < i)
		return false;
	found(f, from, end);
	return true;
}

static bool
try_address(struct finder *f, size_t i)
{
	size_t from = i, end = i + 1;

	while (from > f->from && i - from < LOCAL_BYTES &&
	       is_local(f->in.p[from - 1]))
		from--;
	while (from < i && !is_alnum(f->in.p[from]))
		from++;
	while (end < f->in.n && end - i < 255 && is_host(f->in.p[end]))
		end++;
	while (end > i + 1 && strchr(".-", f->in.p[end - 1]) != NULL)
		end--;
	if (from == i ||
	    !is_name((struct span){ f->in.p + i + 1, end - i - 1 }))
		return false;
	found(f, from, end);
	return true;
}

void
content_url_find(
    struct span in, void (*seen)(void *arg, struct span url), void *arg)
{
	struct finder f = { .in = in, .seen = seen, .arg = arg };
	size_t i = 0;

	while (i < in.n) {
		char c = in.p[i];
		bool hit = (c == ':' && try_scheme(&f, i)) ||
			   ((c == 'w' || c == 'W') && try_www(&f, i)) ||
			   (c == '/' && try_slash(&f, i)) ||
			   (c == '@' && try_address(&f, i));

		i = hit ? f.from : i + 1;
	}
}
