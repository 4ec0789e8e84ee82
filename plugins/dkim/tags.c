/* SPDX-License-Identifier: Apache-2.0 */
#include "tags.h"

enum {
	SEEN_MAX = 64, /* tags in one list; a signature has about a dozen */
	NAME_BYTES = 253,
	LABEL_BYTES = 63,
	DIGITS = 18,
};

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

/* tag-name = ALPHA *( ALPHA / DIGIT / "_" ) */
static bool
is_name(struct span s)
{
	if (s.n == 0 || !is_alnum(s.p[0]) || (s.p[0] >= '0' && s.p[0] <= '9'))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '_')
			return false;
	return true;
}

/* VALCHAR, blanks between, and UTF-8 (RFC 8616). */
static bool
is_value(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < ' ' && !span_blank(s.p[i])) ||
		    s.p[i] == 0x7f)
			return false;
	return true;
}

enum tags_found
tags_next(struct span *in, struct span *name, struct span *value)
{
	struct span one, left;

	if (in->p == NULL)
		return TAGS_END;
	one = left = span_cut(in, ';');
	if (span_trim(one).n == 0) /* only after the last semicolon */
		return in->p == NULL ? TAGS_END : TAGS_BAD;
	one = span_cut(&left, '=');
	if (left.p == NULL)
		return TAGS_BAD;
	*name = span_trim(one);
	*value = span_trim(left);
	return is_name(*name) && is_value(*value) ? TAGS_ONE : TAGS_BAD;
}

/* Tag names are case-sensitive, values as each tag says. */
static bool
is_same_name(struct span name, const char *text)
{
	return name.n == strlen(text) && memcmp(name.p, text, name.n) == 0;
}

static bool
is_known(const struct span *seen, size_t n, struct span name)
{
	for (size_t i = 0; i < n; i++)
		if (seen[i].n == name.n &&
		    memcmp(seen[i].p, name.p, name.n) == 0)
			return true;
	return false;
}

const char *
tags_read(struct span list, const struct tags_wanted *wanted)
{
	struct span seen[SEEN_MAX], name, value;
	enum tags_found found;
	size_t n = 0;

	for (const struct tags_wanted *w = wanted; w->name != NULL; w++)
		*w->value = (struct span){ NULL, 0 };
	while ((found = tags_next(&list, &name, &value)) == TAGS_ONE) {
		if (n == SEEN_MAX)
			return "it has too many tags";
		if (is_known(seen, n, name))
			return "a tag stands there twice";
		seen[n++] = name;
		for (const struct tags_wanted *w = wanted; w->name != NULL; w++)
			if (is_same_name(name, w->name))
				*w->value = value;
	}
	return found == TAGS_BAD ? "it is no list of tags" : NULL;
}

static bool
is_label(struct span s)
{
	if (s.n == 0 || s.n > LABEL_BYTES || s.p[0] == '-' ||
	    s.p[s.n - 1] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
			return false;
	return true;
}

static size_t
count_labels(struct span s)
{
	size_t labels = 0;

	if (s.p == NULL || s.n > NAME_BYTES)
		return 0;
	while (s.p != NULL) {
		if (!is_label(span_cut(&s, '.')))
			return 0;
		labels++;
	}
	return labels;
}

bool
tags_is_domain(struct span s)
{
	return count_labels(s) >= 2;
}

bool
tags_is_selector(struct span s)
{
	return count_labels(s) >= 1;
}

bool
tags_number(struct span s, int64_t *number)
{
	int64_t n = 0;

	if (s.n == 0 || s.n > DIGITS)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		n = n * 10 + (s.p[i] - '0');
	}
	*number = n;
	return true;
}

bool
tags_is_base64(struct span s)
{
	size_t digits = 0, padding = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (span_blank(s.p[i]))
			continue;
		if (s.p[i] == '=')
			padding++;
		else if (padding == 0 &&
			 (is_alnum(s.p[i]) || s.p[i] == '+' || s.p[i] == '/'))
			digits++;
		else
			return false;
	}
	return digits > 0 && padding <= 2;
}

bool
tags_lists(struct span list, const char *word)
{
	while (list.p != NULL)
		if (span_is(span_trim(span_cut(&list, ':')), word))
			return true;
	return false;
}

bool
tags_is_below(struct span name, struct span domain)
{
	struct span end;

	if (domain.n == 0 || name.n < domain.n)
		return false;
	end = (struct span){ name.p + name.n - domain.n, domain.n };
	return span_same(end, domain) &&
	       (name.n == domain.n || end.p[-1] == '.');
}
