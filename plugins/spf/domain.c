/* SPDX-License-Identifier: Apache-2.0 */
#include "domain.h"

#include <string.h>

static struct span
without_last_dot(struct span s)
{
	if (s.n > 0 && s.p[s.n - 1] == '.')
		s.n--;
	return s;
}

/* Bytes and labels that a query may hold. */
static bool
labels_ok(struct span s, size_t *labels)
{
	size_t length = 0;

	*labels = 0;
	if (s.n == 0 || s.n > DOMAIN_BYTES)
		return false;
	for (size_t i = 0; i <= s.n; i++) {
		if (i < s.n && s.p[i] != '.') {
			if (s.p[i] < ' ' || s.p[i] > '~')
				return false;
			if (++length > DOMAIN_LABEL_BYTES)
				return false;
			continue;
		}
		if (length == 0)
			return false;
		length = 0;
		++*labels;
	}
	return true;
}

bool
domain_is_complete(struct span s)
{
	size_t labels;

	s = without_last_dot(s);
	return labels_ok(s, &labels) && labels > 1 && s.p[0] != '[';
}

struct span
domain_shorten(struct span s)
{
	s = without_last_dot(s);
	while (s.n > DOMAIN_BYTES && memchr(s.p, '.', s.n) != NULL)
		span_cut(&s, '.');
	return s;
}

bool
domain_name(struct span s, char *out)
{
	struct text t = { .p = out, .size = DOMAIN_NAME };
	size_t labels;

	s = without_last_dot(s);
	if (!labels_ok(s, &labels))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (text_is_letter(s.p[i]) || text_is_digit(s.p[i]) ||
		    c == '-' || c == '_' || c == '.') {
			text_char(&t, text_lower(s.p[i]));
			continue;
		}
		text_char(&t, '\\');
		text_char(&t, (char)('0' + c / 100));
		text_char(&t, (char)('0' + c / 10 % 10));
		text_char(&t, (char)('0' + c % 10));
	}
	return true;
}

bool
domain_is_within(const char *name, const char *domain)
{
	size_t n = strlen(name), d = strlen(domain);

	if (d == 0 || n < d || !span_is(span_of(name + n - d), domain))
		return false;
	return n == d || name[n - d - 1] == '.';
}
