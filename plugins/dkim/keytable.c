/* SPDX-License-Identifier: Apache-2.0 */
#include "keytable.h"

#include "tags.h"

static struct span
cut_word(struct span *in)
{
	struct span word;

	while (in->n > 0 && span_blank(in->p[0])) {
		in->p++;
		in->n--;
	}
	word = (struct span){ in->p, 0 };
	while (in->n > 0 && !span_blank(in->p[0])) {
		in->p++;
		in->n--;
		word.n++;
	}
	return word;
}

/* A number sign at the start of a line or after a blank begins a comment. */
static struct span
without_comment(struct span line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] == '#' && (i == 0 || span_blank(line.p[i - 1])))
			line.n = i;
	return line;
}

static struct span
behind(struct span s, char c)
{
	size_t i = s.n;

	while (i > 0 && s.p[i - 1] != c)
		i--;
	return (struct span){ s.p + i, i > 0 ? s.n - i : 0 };
}

/* The domain that a pattern itself names, or none. */
static struct span
pattern_domain(struct span pattern)
{
	struct span domain = behind(pattern, '@');

	if (domain.n == 0)
		domain = pattern;
	if (domain.n > 0 && domain.p[0] == '.') {
		domain.p++;
		domain.n--;
	}
	return domain;
}

static const char *
read_option(struct span word, struct keytable_row *row)
{
	struct span value = word, name = span_cut(&value, '=');

	if (value.p == NULL || value.n == 0)
		return "what follows the key file must be d=, i= or a= "
		       "with a value";
	if (span_is(name, "d")) {
		bool any = span_is(value, "*");

		if (!any && !tags_is_domain(value))
			return "d= is no domain name";
		row->domain = any ? (struct span){ value.p, 0 } : value;
		return NULL;
	}
	if (span_is(name, "i")) {
		row->identity = value;
		return NULL;
	}
	if (!span_is(name, "a"))
		return "there is no such option; d=, i= and a= are known";
	if (span_is(value, "rsa-sha256"))
		row->algorithm = ALGORITHM_RSA_SHA256;
	else if (span_is(value, "ed25519-sha256"))
		row->algorithm = ALGORITHM_ED25519;
	else
		return "a= must be rsa-sha256 or ed25519-sha256";
	return NULL;
}

/* i= stands in a header field: plain text, and of the domain. */
static const char *
identity_fault(const struct keytable_row *row)
{
	struct span domain = behind(row->identity, '@');

	for (size_t i = 0; i < row->identity.n; i++)
		if (row->identity.p[i] <= ' ' || row->identity.p[i] > '~' ||
		    strchr(";=", row->identity.p[i]) != NULL)
			return "i= must be plain text without ; and =";
	if (row->domain.n == 0)
		return "i= needs a domain d= of its own";
	if (!tags_is_below(domain, row->domain))
		return "i= must be of the domain d= or below it";
	return NULL;
}

static const char *
read_row(struct span line, struct keytable_row *row)
{
	struct span word;
	const char *why;

	*row = (struct keytable_row){ .pattern = cut_word(&line) };
	row->selector = cut_word(&line);
	row->file = cut_word(&line);
	if (row->pattern.n > 1 && row->pattern.p[0] == '@') {
		row->pattern.p++;
		row->pattern.n--;
	}
	if (row->file.n == 0)
		return "a line is: pattern selector key-file";
	if (!tags_is_selector(row->selector))
		return "the second column must be a selector: letters, "
		       "digits and hyphens";
	while ((word = cut_word(&line)).n > 0)
		if ((why = read_option(word, row)) != NULL)
			return why;
	if (row->domain.p == NULL) {
		row->domain = pattern_domain(row->pattern);
		if (!tags_is_domain(row->domain))
			return "the pattern names no domain: add d=example.com";
	}
	return row->identity.p != NULL ? identity_fault(row) : NULL;
}

bool
keytable_next(struct span *text, unsigned *line, struct keytable_row *row,
    const char **why)
{
	struct span left;

	*why = NULL;
	while (text->p != NULL) {
		++*line;
		left = without_comment(span_cut(text, '\n'));
		if (left.n > 0 && memchr(left.p, '\0', left.n) != NULL) {
			*why = "there is a NUL";
			return false;
		}
		if (span_trim(left).n == 0)
			continue;
		*why = read_row(left, row);
		return *why == NULL;
	}
	return false;
}

static struct span
from_start(struct span s, const char *start)
{
	return (struct span){ start, s.n - (size_t)(start - s.p) };
}

bool
keytable_candidate(struct span address, struct span *at)
{
	struct span domain = behind(address, '@');
	const char *dot, *end = address.p + address.n;

	if (at->p == NULL) {
		*at = address;
		return true;
	}
	if (span_is(*at, "*"))
		return false;
	if (at->p == address.p && domain.n > 0) {
		*at = domain;
		return true;
	}
	/* The next dot that has something before it. */
	dot = at->p == domain.p || at->p[0] == '.' ? at->p + 1 : end;
	dot = dot < end ? memchr(dot, '.', (size_t)(end - dot)) : NULL;
	*at = dot != NULL ? from_start(address, dot) : span_of("*");
	return true;
}
