/* SPDX-License-Identifier: Apache-2.0 */
#include "signature.h"

#include "tags.h"

static const char *const algorithms[] = {
	[ALGORITHM_UNKNOWN] = "",
	[ALGORITHM_RSA_SHA1] = "rsa-sha1",
	[ALGORITHM_RSA_SHA256] = "rsa-sha256",
	[ALGORITHM_ED25519] = "ed25519-sha256",
};

const char *
signature_algorithm_name(enum signature_algorithm a)
{
	return algorithms[a];
}

static enum signature_algorithm
algorithm_of(struct span a)
{
	for (int i = ALGORITHM_RSA_SHA1; i <= ALGORITHM_ED25519; i++)
		if (span_is(a, algorithms[i]))
			return (enum signature_algorithm)i;
	return ALGORITHM_UNKNOWN;
}

static bool
is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 0x7e)
			return false;
	return true;
}

static bool
is_canonicalization(struct span c)
{
	struct span header = span_cut(&c, '/');

	if (!span_is(header, "simple") && !span_is(header, "relaxed"))
		return false;
	return c.p == NULL || span_is(c, "simple") || span_is(c, "relaxed");
}

/* [ local-part ] "@" domain, the domain being d= or below it. */
static bool
is_identity_of(struct span i, struct span d)
{
	size_t at = i.n;

	while (at > 0 && i.p[at - 1] != '@')
		at--;
	if (at == 0)
		return false;
	return tags_is_below((struct span){ i.p + at, i.n - at }, d);
}

/* h=: field names with colons between; one of them must be From (5.4). */
static const char *
header_list_fault(struct span h)
{
	bool from = false;

	while (h.p != NULL) {
		struct span name = span_trim(span_cut(&h, ':'));

		if (name.n == 0)
			return "h= names an empty field";
		for (size_t i = 0; i < name.n; i++)
			if (name.p[i] <= ' ' || name.p[i] > '~')
				return "h= names no header fields";
		from = from || span_is(name, "from");
	}
	return from ? NULL : "it does not sign the From field";
}

static bool
read_optional(struct span s, int64_t *number)
{
	*number = -1;
	return s.p == NULL || tags_number(s, number);
}

static const char *
claim_fault(struct signature *s)
{
	if (!span_is(s->v, "1"))
		return s->v.p == NULL ? "v= is missing" : "v= is not 1";
	if (!tags_is_domain(s->d))
		return "d= is no domain name";
	if (!tags_is_selector(s->s))
		return "s= is no selector";
	if (s->algorithm == ALGORITHM_UNKNOWN)
		return "a= names no algorithm that is known";
	if (s->c.p != NULL && !is_canonicalization(s->c))
		return "c= names no canonicalization that is known";
	if (s->i.p != NULL && !is_identity_of(s->i, s->d))
		return "i= is not of the domain d=";
	if (s->h.n == 0)
		return "h= is missing";
	if (!tags_is_base64(s->b))
		return "b= is missing or no base64";
	if (!tags_is_base64(s->bh))
		return "bh= is missing or no base64";
	if (s->q.p != NULL && !tags_lists(s->q, "dns/txt"))
		return "q= does not name dns/txt";
	if (!read_optional(s->t, &s->signed_at))
		return "t= is no time";
	if (!read_optional(s->x, &s->expires))
		return "x= is no time";
	if (!read_optional(s->l, &s->body_length))
		return "l= is no length";
	if (s->signed_at >= 0 && s->expires >= 0 && s->expires <= s->signed_at)
		return "it expires before it was made";
	return header_list_fault(s->h);
}

static const char *
refusal(const struct signature *s, int64_t now)
{
	if (s->algorithm == ALGORITHM_RSA_SHA1)
		return "SHA-1 is not safe and no longer valid (RFC 8301)";
	if (s->expires >= 0 && now - SIGNATURE_DRIFT > s->expires)
		return "it has expired";
	if (s->signed_at >= 0 && now + SIGNATURE_DRIFT < s->signed_at)
		return "it was made in the future";
	return NULL;
}

enum signature_state
signature_read(
    struct span value, int64_t now, struct signature *s, const char **why)
{
	const struct tags_wanted wanted[] = { { "a", &s->a }, { "b", &s->b },
		{ "bh", &s->bh }, { "c", &s->c }, { "d", &s->d },
		{ "h", &s->h }, { "i", &s->i }, { "l", &s->l }, { "q", &s->q },
		{ "s", &s->s }, { "t", &s->t }, { "v", &s->v }, { "x", &s->x },
		{ NULL, NULL } };

	memset(s, 0, sizeof(*s));
	s->signed_at = s->expires = s->body_length = -1;
	*why = tags_read(value, wanted);
	s->algorithm = algorithm_of(s->a);
	if (*why == NULL)
		*why = claim_fault(s);
	if (*why != NULL)
		return SIGNATURE_PERMERROR;
	s->is_utf8 = !is_ascii(value);
	if ((*why = refusal(s, now)) != NULL)
		return SIGNATURE_POLICY;
	if (s->is_utf8) {
		*why = "it holds UTF-8, which is not supported (RFC 8616)";
		return SIGNATURE_NEUTRAL;
	}
	return SIGNATURE_CHECKABLE;
}

size_t
signature_covers(const struct signature *s, const char *name)
{
	struct span h = s->h;
	size_t n = 0;

	while (h.p != NULL)
		n += span_is(span_trim(span_cut(&h, ':')), name);
	return n;
}
