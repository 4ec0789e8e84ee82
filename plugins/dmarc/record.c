/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

static const char *const policies[POLICIES] = {
	[POLICY_NONE] = "none",
	[POLICY_QUARANTINE] = "quarantine",
	[POLICY_REJECT] = "reject",
};

const char *
policy_name(enum policy p)
{
	return policies[p];
}

bool
policy_parse(struct text t, enum policy *out)
{
	for (size_t i = 0; i < POLICIES; i++)
		if (text_is(t, policies[i])) {
			*out = (enum policy)i;
			return true;
		}
	return false;
}

enum policy
policy_lower(enum policy p)
{
	return p == POLICY_REJECT ? POLICY_QUARANTINE : POLICY_NONE;
}

/* What each tag does with its value. */

static void
take_policy(struct record *r, struct text value, enum policy *policy, bool *has)
{
	*has = policy_parse(value, policy);
	if (!*has)
		r->bad_policy = true;
}

static void
take_p(struct record *r, struct text value)
{
	take_policy(r, value, &r->p, &r->has_p);
}

static void
take_sp(struct record *r, struct text value)
{
	take_policy(r, value, &r->sp, &r->has_sp);
}

static void
take_np(struct record *r, struct text value)
{
	take_policy(r, value, &r->np, &r->has_np);
}

static void
take_adkim(struct record *r, struct text value)
{
	r->strict_dkim = text_is(value, "s");
}

static void
take_aspf(struct record *r, struct text value)
{
	r->strict_spf = text_is(value, "s");
}

static void
take_t(struct record *r, struct text value)
{
	r->testing = text_is(value, "y");
}

static void
take_psd(struct record *r, struct text value)
{
	r->psd = text_is(value, "y")   ? PSD_YES
		 : text_is(value, "n") ? PSD_NO
				       : PSD_UNKNOWN;
}

static void
take_fo(struct record *r, struct text value)
{
	struct text rest = value, one;
	bool ok = value.n > 0 && value.p[value.n - 1] != ':';

	while (ok && rest.n > 0) {
		one = text_cut(&rest, ':');
		ok = text_is(one, "0") || text_is(one, "1") ||
		     text_is(one, "d") || text_is(one, "s");
	}
	if (ok)
		r->fo = value;
}

static void
take_rua(struct record *r, struct text value)
{
	struct text rest = value;
	struct uri uri;
	bool ok;

	r->rua = value;
	while (uri_next(&rest, &uri, &ok))
		r->has_rua = r->has_rua || ok;
}

static const struct tag {
	const char *name;
	void (*take)(struct record *, struct text value);
} tags[] = {
	{ "p", take_p },
	{ "sp", take_sp },
	{ "np", take_np },
	{ "adkim", take_adkim },
	{ "aspf", take_aspf },
	{ "t", take_t },
	{ "psd", take_psd },
	{ "fo", take_fo },
	{ "rua", take_rua },
};

enum { TAGS = sizeof(tags) / sizeof(tags[0]) };

/* dmarc-value: printing characters, and blanks within. */
static bool
is_value(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] < ' ' || t.p[i] > '~')
			return false;
	return true;
}

bool
record_parse(struct text in, struct record *out)
{
	struct record r = { .fo = { "0", 1 } };
	struct text value = text_cut(&in, ';');
	struct text name = text_cut(&value, '=');
	uint32_t seen = 0;

	/* Nothing stands before the version (4.8: dmarc-record). */
	if (name.n == 0 || name.p[0] == ' ' || name.p[0] == '\t' ||
	    !text_is(text_trim(name), "v"))
		return false;
	value = text_trim(value);
	if (value.n != 6 || memcmp(value.p, "DMARC1", 6) != 0)
		return false;
	while (in.n > 0) {
		value = text_cut(&in, ';');
		name = text_trim(text_cut(&value, '='));
		value = text_trim(value);
		for (size_t i = 0; i < TAGS; i++) {
			if (!text_is(name, tags[i].name) || seen >> i & 1)
				continue;
			seen |= UINT32_C(1) << i;
			if (!is_value(value))
				value.n = 0;
			tags[i].take(&r, value);
		}
	}
	*out = r;
	return true;
}

/* --- URIs --- */

static bool
is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Percent-encoding off (RFC 3986, 2.1).  False: it is wrong, or too long. */
static bool
decode(struct text in, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		int high, low;
		char c = in.p[i];

		if (n + 1 >= size)
			return false;
		if (c == '%') {
			if (i + 2 >= in.n ||
			    (high = hex_digit(in.p[i + 1])) < 0 ||
			    (low = hex_digit(in.p[i + 2])) < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		out[n++] = c;
	}
	out[n] = '\0';
	return strlen(out) == n;
}

/* A dot-atom "@" letters, digits, hyphens and dots: safe for any program. */
static bool
is_address(const char *a)
{
	const char *at = strchr(a, '@'), *p = a;
	bool dot = true;

	if (at == NULL)
		return false;
	for (; p < at; p++) {
		if (*p == '.' ? dot
			      : !is_alnum(*p) &&
				    strchr("!#$%&'*+-/=?^_`{|}~", *p) == NULL)
			return false;
		dot = *p == '.';
	}
	if (dot)
		return false;
	dot = true;
	for (p = at + 1; *p != '\0'; p++) {
		if (*p == '.' ? dot : !is_alnum(*p) && *p != '-' && *p != '_')
			return false;
		dot = *p == '.';
	}
	return !dot;
}

/* "10m": obsolete (4.8), but whoever says it means it. */
static bool
parse_limit(struct text t, unsigned long long *limit)
{
	static const char units[] = "kmgt";
	unsigned long long v = 0;
	const char *unit;
	size_t i = 0;

	for (; i < t.n && t.p[i] >= '0' && t.p[i] <= '9' && i < 9; i++)
		v = v * 10 + (unsigned)(t.p[i] - '0');
	if (i == 0 || v == 0)
		return false;
	if (i < t.n) {
		unit = memchr(units, t.p[i] | 0x20, 4);
		if (unit == NULL || i + 1 != t.n)
			return false;
		v <<= 10 * (unit - units + 1);
	}
	*limit = v;
	return true;
}

static bool
uri_parse(struct text in, struct uri *u)
{
	struct text rest = in, body = text_cut(&rest, '!'), scheme, query;

	*u = (struct uri){ 0 };
	if (body.n < in.n && !parse_limit(rest, &u->limit))
		return false;
	scheme = text_cut(&body, ':');
	if (scheme.n == 0 || body.n == 0 ||
	    !(is_alnum(scheme.p[0]) && scheme.p[0] > '9'))
		return false;
	for (size_t i = 0; i < scheme.n; i++)
		if (!is_alnum(scheme.p[i]) &&
		    memchr("+-.", scheme.p[i], 3) == NULL)
			return false;
	for (size_t i = 0; i < body.n; i++)
		if (body.p[i] <= ' ' || body.p[i] > '~')
			return false;
	u->mailto = text_is(scheme, "mailto");
	if (!u->mailto)
		return true;
	query = body;
	body = text_cut(&query, '?');
	return decode(body, u->address, sizeof(u->address)) &&
	       is_address(u->address);
}

bool
uri_next(struct text *list, struct uri *out, bool *ok)
{
	struct text one = { 0 };

	while (list->n > 0 && one.n == 0)
		one = text_trim(text_cut(list, ','));
	if (one.n == 0)
		return false;
	*ok = uri_parse(one, out);
	return true;
}

const char *
uri_domain(const struct uri *u)
{
	return strchr(u->address, '@') + 1;
}
