/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing follows the grammar to the letter, so that nobody who reads the
 * field can be led to see more in it than what was meant; reading is tolerant
 * in what may be ours, and strict in what is certainly somebody else's.
 */
#include "core/authres.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/span.h"

enum {
	WIDTH = 78,
	FIELD_NAME = 24, /* "Authentication-Results: " */
	TAB = 8,
	ID_BYTES = 255,
	KEYWORD_BYTES = 64,
	/* Each byte may need a backslash, and a line has at most 998. */
	VALUE_BYTES = 320,
	REASON_BYTES = 200,
	FORGED_BYTES = 4096
};

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

static bool
is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

/* RFC 2045, 5.1 */
static bool
is_token(char c)
{
	return is_printable(c) && strchr(" ()<>@,;:\\\"/[]?=", c) == NULL;
}

/* RFC 5322, 3.2.3 */
static bool
is_atext(char c)
{
	return c != '\0' &&
	       (is_alnum(c) || strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Keyword of RFC 5321, 4.1.2: letters, digits and inner hyphens. */
static bool
is_keyword(struct span s)
{
	if (s.n == 0 || s.n > KEYWORD_BYTES || s.p[0] == '-' ||
	    s.p[s.n - 1] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '-')
			return false;
	return true;
}

static const char *
copy_lower(struct arena *arena, const char *text)
{
	char *copy = arena_copy(arena, text);

	for (char *c = copy; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return copy;
}

static bool
property_name_ok(const char *name)
{
	struct span property = span_of(name), ptype;

	ptype = span_cut(&property, '.');
	return is_keyword(ptype) && is_keyword(property);
}

static const char *
fault(const char *method, const char *result,
    const struct mr_auth_property *props, size_t count)
{
	if (!is_keyword(span_of(method)))
		return "the method is not a keyword";
	/* "none" alone says that there are no results at all. */
	if (span_equal_nocase(span_of(method), span_of("none")))
		return "none is not a method";
	if (!is_keyword(span_of(result)))
		return "the result is not a keyword";
	if (props == NULL && count > 0)
		return "there are no properties";
	for (size_t i = 0; i < count; i++)
		if (!property_name_ok(props[i].name))
			return "a property's name is not like smtp.mailfrom";
	return NULL;
}

/*
 * An empty smtp.mailfrom would have to be written "<>", which is no value;
 * and after "" some readers take the next property for the value.
 */
static bool
is_written(const struct mr_auth_property *p)
{
	return p->value != NULL && p->value[0] != '\0' &&
	       strlen(p->value) <= VALUE_BYTES;
}

bool
authres_check(struct arena *arena, const char *method, const char *result,
    const char *reason, const struct mr_auth_property *props, size_t count,
    struct authres_result *out, const char **why)
{
	const char *wrong = fault(method, result, props, count);
	struct authres_property *kept;
	size_t n = 0;

	if (wrong != NULL) {
		*why = wrong;
		return false;
	}
	kept = arena_alloc(arena, count * sizeof(*kept));
	for (size_t i = 0; i < count; i++) {
		if (!is_written(&props[i]))
			continue;
		kept[n].name = copy_lower(arena, props[i].name);
		kept[n++].value = arena_copy(arena, props[i].value);
	}
	*out = (struct authres_result){ .method = copy_lower(arena, method),
		.result = copy_lower(arena, result),
		.properties = kept,
		.count = n };
	if (reason != NULL && reason[0] != '\0')
		out->reason = arena_copy(arena, reason);
	return true;
}

/* Characters of one kind, with single dots between. */
static bool
is_dotted(struct span s, bool (*is_part)(char))
{
	bool part = false;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '.' && !is_part(s.p[i]))
			return false;
		if (s.p[i] == '.' && !part)
			return false;
		part = s.p[i] != '.';
	}
	return part;
}

/* domain-name of RFC 6376, 3.5: two labels or more. */
static bool
is_domain(struct span s)
{
	bool dots = false;

	while (s.n > 0) {
		struct span left = s, label = span_cut(&left, '.');

		if (!is_keyword(label) || (label.n < s.n && left.n == 0))
			return false;
		dots = dots || label.n < s.n;
		s = left;
	}
	return dots;
}

/* What may stand without quotes: a token, or [local] "@" domain. */
static bool
is_bare(struct span s)
{
	struct span domain = s, local;
	size_t n = 0;

	while (n < s.n && is_token(s.p[n]))
		n++;
	if (n == s.n)
		return n > 0;
	local = span_cut(&domain, '@');
	return (local.n == 0 || is_dotted(local, is_atext)) &&
	       is_domain(domain);
}

static void
put_quoted(struct buf *b, struct span s)
{
	buf_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		char c = is_printable(s.p[i]) ? s.p[i] : '?';

		if (c == '"' || c == '\\')
			buf_char(b, '\\');
		buf_char(b, c);
	}
	buf_char(b, '"');
}

static void
put_value(struct buf *b, const char *value)
{
	struct span s = span_of(value);

	if (is_bare(s))
		buf_put(b, s.p, s.n);
	else
		put_quoted(b, s);
}

struct folder {
	struct buf text;
	size_t column;
};

/* Words stay whole: a fold inside quotes would be part of the value. */
static void
put_word(struct folder *f, const struct buf *word)
{
	if (f->column > TAB) {
		/* A ";" may follow. */
		bool fits = f->column + 1 + word->n < WIDTH;

		buf_text(&f->text, fits ? " " : "\n\t");
		f->column = fits ? f->column + 1 : TAB;
	}
	buf_put(&f->text, word->p, word->n);
	f->column += word->n;
}

static void
put_reason(struct folder *f, const char *reason, struct buf *word)
{
	buf_cut(word, 0);
	buf_text(word, "reason=");
	put_quoted(
	    word, (struct span){ reason, strnlen(reason, REASON_BYTES) });
	put_word(f, word);
}

static void
put_result(struct folder *f, const struct authres_result *r)
{
	struct buf word = { 0 };

	buf_text(&f->text, ";\n\t");
	f->column = TAB;
	buf_printf(&word, "%s=%s", r->method, r->result);
	put_word(f, &word);
	if (r->reason != NULL)
		put_reason(f, r->reason, &word);
	for (size_t i = 0; i < r->count; i++) {
		buf_cut(&word, 0);
		buf_printf(&word, "%s=", r->properties[i].name);
		put_value(&word, r->properties[i].value);
		put_word(f, &word);
	}
	buf_finish(&word);
}

const char *
authres_build(struct arena *arena, const char *authserv_id,
    const struct authres_result *results, size_t count)
{
	struct folder f = { 0 };
	const char *value;

	buf_text(&f.text, authserv_id);
	for (size_t i = 0; i < count; i++)
		put_result(&f, &results[i]);
	if (count == 0)
		buf_text(&f.text, "; none");
	value = arena_copy(arena, f.text.p);
	buf_finish(&f.text);
	return value;
}

bool
authres_id_ok(const char *id)
{
	struct span s = span_of(id);

	return s.n <= ID_BYTES && is_dotted(s, is_token);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* in begins with "(".  False if the comment does not end. */
static bool
skip_comment(struct span *in)
{
	size_t depth = 0;

	while (in->n > 0) {
		char c = in->p[0];
		size_t n = c == '\\' ? 2 : 1;

		if (n > in->n)
			return false;
		in->p += n;
		in->n -= n;
		if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			return true;
	}
	return false;
}

/* Blanks, folds and comments (CFWS). */
static bool
skip_blanks(struct span *in)
{
	while (in->n > 0 && (is_space(in->p[0]) || in->p[0] == '(')) {
		if (in->p[0] == '(') {
			if (!skip_comment(in))
				return false;
			continue;
		}
		in->p++;
		in->n--;
	}
	return true;
}

/* The name of a host may end in a dot, and is the same host. */
static bool
same_id(struct span a, struct span b)
{
	if (a.n > 1 && a.p[a.n - 1] == '.')
		a.n--;
	if (b.n > 1 && b.p[b.n - 1] == '.')
		b.n--;
	return span_equal_nocase(a, b);
}

/*
 * in begins with a quote.  Blanks between the quotes do not count: some
 * reader may drop them with the fold.
 */
static bool
read_quoted(struct span *in, struct span id, bool *ours)
{
	char text[FORGED_BYTES];
	size_t n = 0;

	for (in->p++, in->n--; in->n > 0 && in->p[0] != '"';) {
		size_t escape = in->p[0] == '\\';
		char c;

		if (escape >= in->n)
			return false;
		c = in->p[escape];
		in->p += 1 + escape;
		in->n -= 1 + escape;
		if (!is_printable(c) && !is_space(c))
			return false;
		if (!is_space(c))
			text[n++] = c;
	}
	if (in->n == 0 || n == 0)
		return false;
	in->p++;
	in->n--;
	*ours = same_id((struct span){ text, n }, id);
	return true;
}

static bool
read_id(struct span *in, struct span id, bool *ours)
{
	struct span word = { in->p, 0 };

	if (in->n > 0 && in->p[0] == '"')
		return read_quoted(in, id, ours);
	while (word.n < in->n && is_token(in->p[word.n]))
		word.n++;
	in->p += word.n;
	in->n -= word.n;
	*ours = same_id(word, id);
	return word.n > 0;
}

/* What follows the authserv-id: [CFWS "1"] [CFWS] ";" */
static bool
read_version(struct span *in)
{
	const char *before = in->p;

	if (!skip_blanks(in))
		return false;
	if (in->n > 0 && in->p[0] == '1' && in->p > before) {
		in->p++;
		in->n--;
		if (!skip_blanks(in))
			return false;
	}
	return in->n > 0 && in->p[0] == ';';
}

bool
authres_is_forged(const char *value, const char *authserv_id)
{
	struct span in = span_of(value), id = span_of(authserv_id);
	bool ours = true;

	if (in.n > FORGED_BYTES)
		return true;
	if (!skip_blanks(&in) || !read_id(&in, id, &ours) || ours)
		return true;
	return !read_version(&in);
}
