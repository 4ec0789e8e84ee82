/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence.h"

#include <stdio.h>
#include <string.h>

static const char *const keys[EVIDENCE_KEYS] = {
	[EVIDENCE_FROM] = "from",
	[EVIDENCE_DISPOSITION] = "disposition",
	[EVIDENCE_SPF] = "spf",
	[EVIDENCE_DKIM] = "dkim",
	[EVIDENCE_DOMAIN] = "domain",
	[EVIDENCE_P] = "p",
	[EVIDENCE_SP] = "sp",
	[EVIDENCE_NP] = "np",
	[EVIDENCE_ADKIM] = "adkim",
	[EVIDENCE_ASPF] = "aspf",
	[EVIDENCE_FO] = "fo",
	[EVIDENCE_T] = "t",
	[EVIDENCE_METHOD] = "method",
	[EVIDENCE_RUA] = "rua",
	[EVIDENCE_ORG] = "org",
	[EVIDENCE_ENVELOPE] = "envelope",
	[EVIDENCE_SPF_RESULT] = "spf-result",
	[EVIDENCE_WHY] = "why",
};

/* Values of these have parts, apart by ";", which no value holds. */
static const char signature_key[] = "sig", reason_key[] = "reason";

struct out {
	char *p;
	size_t n;
	bool full;
};

static void
put_raw(struct out *o, const char *s, size_t n)
{
	if (o->full || o->n + n > EVIDENCE_BYTES) {
		o->full = true;
		return;
	}
	memcpy(o->p + o->n, s, n);
	o->n += n;
	o->p[o->n] = '\0';
}

static void
put_value(struct out *o, const char *value)
{
	static const char plain[] = "-._~@:+/!$*,";

	for (; value != NULL && *value != '\0'; value++) {
		unsigned char c = (unsigned char)*value;
		char hex[4];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || strchr(plain, c) != NULL) {
			put_raw(o, value, 1);
		} else {
			snprintf(hex, sizeof(hex), "%%%02X", c);
			put_raw(o, hex, 3);
		}
	}
}

static void
put_key(struct out *o, const char *key)
{
	if (o->n > 0)
		put_raw(o, " ", 1);
	put_raw(o, key, strlen(key));
	put_raw(o, "=", 1);
}

/* All of it, or nothing. */
static void
put_parts(struct out *o, const char *key, const char *const *parts, size_t n)
{
	size_t before = o->n;

	if (o->full)
		return;
	put_key(o, key);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			put_raw(o, ";", 1);
		put_value(o, parts[i]);
	}
	if (!o->full)
		return;
	o->n = before;
	o->p[before] = '\0';
}

void
evidence_write(const struct evidence *e, char out[EVIDENCE_BYTES + 1])
{
	struct out o = { .p = out };

	out[0] = '\0';
	for (size_t i = 0; i < EVIDENCE_KEYS; i++)
		if (e->values[i] != NULL && e->values[i][0] != '\0')
			put_parts(&o, keys[i], &e->values[i], 1);
	for (size_t i = 0; i < e->nreasons; i++) {
		const char *parts[] = { e->reasons[i].type,
			e->reasons[i].comment };

		put_parts(&o, reason_key, parts, parts[1] != NULL ? 2 : 1);
	}
	for (size_t i = 0; i < e->nsignatures; i++) {
		const struct evidence_signature *s = &e->signatures[i];
		const char *parts[] = { s->result, s->domain, s->selector };

		put_parts(&o, signature_key, parts, 3);
	}
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* In place; false: it was not written here. */
static bool
unescape(char *value)
{
	char *to = value;

	for (; *value != '\0'; value++) {
		int high, low;

		if (*value != '%') {
			*to++ = *value;
			continue;
		}
		if ((high = hex_value(value[1])) < 0 ||
		    (low = hex_value(value[2])) < 0 || (high | low) == 0)
			return false;
		*to++ = (char)(high << 4 | low);
		value += 2;
	}
	*to = '\0';
	return true;
}

/* Cut the next part off; "" if there is none. */
static char *
cut_part(char **rest)
{
	char *part = *rest;

	*rest += strcspn(part, ";");
	if (**rest == ';')
		*(*rest)++ = '\0';
	return part;
}

static bool
read_signature(char *value, struct evidence *e)
{
	struct evidence_signature s;
	char *result = cut_part(&value), *domain = cut_part(&value);

	s = (struct evidence_signature){ result, domain, value };
	if (!unescape(result) || !unescape(domain) || !unescape(value))
		return false;
	if (e->nsignatures < EVIDENCE_SIGNATURES)
		e->signatures[e->nsignatures++] = s;
	return true;
}

static bool
read_reason(char *value, struct evidence *e)
{
	char *type = cut_part(&value);

	if (!unescape(type) || !unescape(value))
		return false;
	if (e->nreasons < EVIDENCE_REASONS)
		e->reasons[e->nreasons++] = (struct evidence_reason){ type,
			value[0] != '\0' ? value : NULL };
	return true;
}

static bool
read_pair(char *pair, struct evidence *e)
{
	char *value = strchr(pair, '=');

	if (value == NULL)
		return false;
	*value++ = '\0';
	if (strcmp(pair, signature_key) == 0)
		return read_signature(value, e);
	if (strcmp(pair, reason_key) == 0)
		return read_reason(value, e);
	for (size_t i = 0; i < EVIDENCE_KEYS; i++)
		if (strcmp(pair, keys[i]) == 0) {
			e->values[i] = value;
			return unescape(value);
		}
	return true; /* of a later version */
}

bool
evidence_read(char *text, struct evidence *out)
{
	struct evidence e = { 0 };

	while (*text != '\0') {
		char *pair = text;

		text += strcspn(text, " ");
		if (*text == ' ')
			*text++ = '\0';
		if (!read_pair(pair, &e))
			return false;
	}
	if (e.values[EVIDENCE_FROM] == NULL)
		return false;
	*out = e;
	return true;
}
