/* SPDX-License-Identifier: Apache-2.0 */
/* A DMARC record as the DNS may hold it, and the URIs within. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/dmarc/record.c"
#include "../../plugins/dmarc/text.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

static bool
is_within(struct text part, const char *start, size_t n)
{
	return part.p >= start && part.p + part.n <= start + n;
}

/* Safe as an argument of a program and in a header. */
static void
check_uri(const struct uri *u)
{
	const char *domain;

	if (!u->mailto)
		return;
	domain = uri_domain(u);
	must(strlen(u->address) < sizeof(u->address));
	must(domain > u->address + 1 && domain[0] != '\0');
	must(strchr(domain, '@') == NULL && domain[0] != '.');
	for (const char *c = u->address; *c != '\0'; c++)
		must(*c > ' ' && *c <= '~' &&
		     strchr("\"(),:;<>[\\]", *c) == NULL);
}

static size_t
check_uris(struct text list)
{
	const char *start = list.p;
	size_t n = list.n, count = 0;
	struct uri u;
	bool ok;

	while (uri_next(&list, &u, &ok)) {
		must(is_within(list, start, n));
		if (ok)
			check_uri(&u);
		count += ok;
	}
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data;
	struct record r;

	check_uris((struct text){ p, n });
	if (!record_parse((struct text){ p, n }, &r))
		return 0;
	must(n >= 8);
	must(r.p < POLICIES && r.sp < POLICIES && r.np < POLICIES);
	must(r.has_p || r.p == POLICY_NONE);
	must(r.rua.n == 0 || is_within(r.rua, p, n));
	must(r.fo.n > 0);
	for (size_t i = 0; i < r.fo.n; i++)
		must(memchr("01dsDS:", r.fo.p[i], 7) != NULL);
	must(r.has_rua == (r.rua.n > 0 && check_uris(r.rua) > 0));
	return 0;
}
