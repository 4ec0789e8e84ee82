/* SPDX-License-Identifier: Apache-2.0 */
/* A message that is signed, changed and verified, without the plugin. */
#ifndef TESTS_DKIM_SCENE_H
#define TESTS_DKIM_SCENE_H

#include <time.h>

#include "dkim_messages.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { FIELDS = 40, SIGNATURES = 12 };

/* Keys that all tests use: made once. */
static struct keys {
	struct key rsa, ed25519, short_rsa;
} keys;

static int
make_keys(void **state)
{
	(void)state;
	return !(key_generate(ALGORITHM_RSA_SHA256, 2048, &keys.rsa) &&
		 key_generate(ALGORITHM_ED25519, 0, &keys.ed25519) &&
		 key_generate(ALGORITHM_RSA_SHA256, 1024, &keys.short_rsa));
}

static int
free_keys(void **state)
{
	(void)state;
	key_finish(&keys.rsa);
	key_finish(&keys.ed25519);
	key_finish(&keys.short_rsa);
	return 0;
}

/* A message, and what the DNS says. */
struct scene {
	struct verify_field fields[FIELDS];
	uint32_t nfields;
	const char *body;
	size_t body_bytes;  /* 0: that of the string */
	const char *record; /* of every name; NULL: by selector */
	enum verify_key found;
	struct verify_limits limits;
	char *made[SIGNATURES];
	uint32_t nmade, lookups, over, count;
	struct verify_signature results[SIGNATURES];
};

static const struct verify_limits usual = { 10, 16384, 1024, false };

static void
put(struct scene *s, const char *name, const char *value)
{
	assert_true(s->nfields < FIELDS);
	s->fields[s->nfields++] = (struct verify_field){ name, value };
}

static void
put_top(struct scene *s, const char *name, const char *value)
{
	memmove(s->fields + 1, s->fields, s->nfields * sizeof(s->fields[0]));
	s->nfields++;
	s->fields[0] = (struct verify_field){ name, value };
}

static void
begin(struct scene *s)
{
	memset(s, 0, sizeof(*s));
	s->limits = usual;
	put(s, "Received", " from x by y;\n\tFri, 11 Jul 2003 21:00:37 -0700");
	put(s, "From", " Joe SixPack <joe@example.com>");
	put(s, "To", " Suzie Q <suzie@shopping.example.net>");
	put(s, "Subject", " Is  dinner\n\t ready?");
	put(s, "Date", " Fri, 11 Jul 2003 21:00:37 -0700 (PDT)");
	put(s, "Message-ID", " <20030712040037.46341.5F8J@example.com>");
	s->body = RFC_BODY;
}

static void
end(struct scene *s)
{
	for (uint32_t i = 0; i < s->nmade; i++)
		free(s->made[i]);
}

static struct verify_message
message_of(const struct scene *s)
{
	return (struct verify_message){ s->fields, s->nfields, s->body,
		s->body_bytes > 0 ? s->body_bytes : strlen(s->body) };
}

static const char *const headers[] = { "From", "To", "Cc", "Subject", "Date",
	"Message-ID", "Reply-To", NULL };
static const char *const nothing[] = { NULL };

static const __attribute__((unused)) struct sign_rules plain = { true, true,
	headers, nothing, 0 };
static const __attribute__((unused)) struct sign_rules over = { true, true,
	headers, headers, 0 };
static const __attribute__((unused)) struct sign_rules simple = { false, false,
	headers, headers, 0 };

/* Sign as our plugin does; the field goes on top. */
static void
sign_at(struct scene *s, const struct sign_rules *rules, const struct key *key,
    const char *selector, int64_t now)
{
	const struct sign_identity id = { key, "example.com", selector, NULL };
	struct verify_message m = message_of(s);
	struct bodyhash body;
	size_t n;
	char *value, *raw;

	assert_true(
	    bodyhash(rules->relaxed_body, -1, m.body, m.body_bytes, &body));
	value = sign_field(rules, &m, &body, &id, now);
	assert_non_null(value);
	/* As header_at() gives it: with the blank behind the colon. */
	n = strlen(value) + 2;
	raw = malloc(n);
	snprintf(raw, n, " %s", value);
	free(value);
	s->made[s->nmade++] = raw;
	put_top(s, "DKIM-Signature", raw);
}

static void
sign_with(struct scene *s, const struct sign_rules *rules,
    const struct key *key, const char *selector)
{
	sign_at(s, rules, key, selector, time(NULL));
}

static enum verify_key
look(void *arg, struct verify_signature *v, const char **why)
{
	struct scene *s = arg;
	const struct key *k = &keys.rsa;
	char text[2000];

	s->lookups++;
	if (s->found != KEY_HERE) {
		*why = "said the test";
		return s->found;
	}
	if (span_is(v->claim.s, "ed"))
		k = &keys.ed25519;
	else if (span_is(v->claim.s, "short"))
		k = &keys.short_rsa;
	record_write(text, sizeof(text), k->algorithm == ALGORITHM_ED25519,
	    k->public, false);
	if (span_is(v->claim.s, "brisbane"))
		snprintf(text, sizeof(text), "%s", RFC_ED25519_RECORD);
	if (span_is(v->claim.s, "test"))
		snprintf(text, sizeof(text), "%s", RFC_RSA_RECORD);
	if (s->record != NULL) {
		size_t n = strcspn(s->record, "%");

		/* A percent sign stands for the key. */
		snprintf(text, sizeof(text), "%.*s%s%s", (int)n, s->record,
		    s->record[n] == '%' ? k->public : "",
		    s->record[n] == '%' ? s->record + n + 1 : "");
	}
	*why = record_read(span_of(text), v->claim.algorithm, &v->key);
	return *why == NULL ? KEY_HERE : KEY_BAD;
}

static void
check(struct scene *s)
{
	struct verifier *v = guarded_verifier(&s->limits);
	struct verify_message m = message_of(s);

	assert_non_null(v);
	s->count = verify_find(
	    v, m.fields, m.nfields, time(NULL), s->results, &s->over);
	verify_run(v, &m, s->results, s->count, look, s);
	verifier_destroy(&v);
}

static void
want(const struct scene *s, const char *about, uint32_t i,
    enum verify_result result, const char *reason)
{
	const struct verify_signature *v = &s->results[i];

	if (i >= s->count)
		fail_msg("%s: there are only %u results", about, s->count);
	if (v->result != result ||
	    strcmp(v->reason != NULL ? v->reason : "", reason) != 0)
		fail_msg("%s: %s \"%s\", want %s \"%s\"", about,
		    verify_result_name(v->result),
		    v->reason != NULL ? v->reason : "",
		    verify_result_name(result), reason);
}

#endif
