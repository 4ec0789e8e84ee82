/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: a byte that chooses canonicalizations, and a message.  What we sign,
 * libopendkim must find right: two that know nothing of each other agree.
 */
#include <stdint.h>
#include <time.h>

#include "dkim_message.h"
#include "unit/dkim_messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
expect(bool ok)
{
	if (!ok)
		abort();
}

static const struct key *
key(void)
{
	static struct key k;

	if (k.pkey == NULL)
		key_generate(ALGORITHM_ED25519, 0, &k);
	return &k;
}

static enum verify_key
look(void *arg, struct verify_signature *s, const char **why)
{
	char text[200];

	(void)arg;
	record_write(text, sizeof(text), true, key()->public, false);
	*why = record_read(span_of(text), ALGORITHM_ED25519, &s->key);
	return KEY_HERE;
}

static DKIM_CBSTAT
look_for_library(DKIM *d, DKIM_SIGINFO *sig, u_char *buf, size_t size)
{
	(void)d;
	(void)sig;
	snprintf((char *)buf, size, "k=ed25519; p=%s", key()->public);
	return DKIM_CBSTAT_CONTINUE;
}

/* libopendkim alone, over the body too. */
static void
check_with_library(const struct any_message *a)
{
	DKIM_LIB *lib = dkim_init(NULL, NULL);
	struct field_text text = { 0 };
	union {
		const char *in;
		unsigned char *out;
	} body = { a->m.body };
	DKIM_STAT status;
	DKIM *d;

	expect(lib != NULL);
	dkim_set_key_lookup(lib, look_for_library);
	expect((d = dkim_verify(
		    lib, (const unsigned char *)"", NULL, &status)) != NULL);
	for (uint32_t i = 0; i < a->m.nfields; i++) {
		size_t n = write_field(&text, &a->fields[i]);

		dkim_header(d, text.p, n);
	}
	expect(dkim_eoh(d) == DKIM_STAT_OK);
	if (a->m.body_bytes > 0)
		dkim_body(d, body.out, a->m.body_bytes);
	expect(dkim_eom(d, NULL) == DKIM_STAT_OK);
	dkim_free(d);
	dkim_close(lib);
	free(text.p);
}

/* Controls are no part of a header (RFC 5322, 2.2), and From is there once. */
static void
clean_header(struct any_message *a)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < a->m.nfields; i++) {
		union {
			const char *in;
			char *out;
		} v = { a->fields[i].value };

		for (char *p = v.out; *p != '\0'; p++)
			if ((unsigned char)*p < ' ' && *p != '\t' &&
			    (*p != '\n' || (p[1] != ' ' && p[1] != '\t')))
				*p = ' ';
		if (strcasecmp(a->fields[i].name, "From") == 0 ||
		    strcasecmp(a->fields[i].name, "DKIM-Signature") == 0 ||
		    strpbrk(a->fields[i].name, " ;") != NULL)
			continue;
		a->fields[n++] = a->fields[i];
	}
	n = n > MESSAGE_FIELDS - 2 ? MESSAGE_FIELDS - 2 : n;
	a->fields[n++] = (struct verify_field){ "From", " a@example.com" };
	a->m.nfields = n;
}

/* Line ends become CRLF, the last one too; the caller frees it. */
static char *
clean_body(struct any_message *a)
{
	char *out = malloc(2 * a->m.body_bytes + 2);
	size_t n = 0;

	for (size_t i = 0; i < a->m.body_bytes; i++) {
		if (a->m.body[i] == '\r')
			continue;
		if (a->m.body[i] == '\n')
			out[n++] = '\r';
		out[n++] = a->m.body[i];
	}
	if (n > 0 && out[n - 1] != '\n') {
		out[n++] = '\r';
		out[n++] = '\n';
	}
	a->m.body = out;
	a->m.body_bytes = n;
	return out;
}

static char *
sign(struct any_message *a, uint8_t choice)
{
	static const char *const headers[] = { "From", "Subject", "To", "X",
		NULL };
	static const char *const some[] = { "From", "X", NULL };
	const struct sign_rules rules = { choice & 1, choice & 2, headers,
		choice & 4 ? headers : some, choice & 8 ? 100 : 0 };
	const struct sign_identity id = { key(), "example.com", "s",
		choice & 16 ? "@a.example.com" : NULL };
	struct bodyhash body;
	char *value, *raw;
	size_t n;

	expect(bodyhash(
	    rules.relaxed_body, -1, a->m.body, a->m.body_bytes, &body));
	value = sign_field(&rules, &a->m, &body, &id, time(NULL));
	expect(value != NULL);
	n = strlen(value) + 2;
	raw = malloc(n);
	snprintf(raw, n, " %s", value);
	free(value);
	a->fields[a->m.nfields++] =
	    (struct verify_field){ "DKIM-Signature", raw };
	return raw;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct verify_limits limits = { 1, 60000, 1024, false };
	struct verifier *v;
	struct verify_signature s;
	struct any_message a;
	uint32_t over;
	char *body, *raw;

	if (size < 1 || size > 50000)
		return 0;
	v = guarded_verifier(&limits);
	any_split(&a, (const char *)data + 1, size - 1);
	clean_header(&a);
	body = clean_body(&a);
	raw = sign(&a, data[0]);
	expect(verify_find(v, a.m.fields, a.m.nfields, time(NULL), &s, &over) ==
	       1);
	verify_run(v, &a.m, &s, 1, look, NULL);
	if (s.result != VERIFY_PASS)
		fprintf(stderr, "%s: %s\n%s\n", verify_result_name(s.result),
		    s.reason, raw);
	expect(s.result == VERIFY_PASS);
	verifier_destroy(&v);
	check_with_library(&a);
	free(raw);
	free(body);
	free(a.text);
	return 0;
}
