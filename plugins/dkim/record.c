/* SPDX-License-Identifier: Apache-2.0 */
#include "record.h"

#include <stdio.h>

#include "tags.h"

enum { STRING_BYTES = 250 }; /* a TXT string holds 255 */

static bool
copy_key(struct span p, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < p.n; i++) {
		if (span_blank(p.p[i]))
			continue;
		if (n == RECORD_KEY_BYTES)
			return false;
		out[n++] = p.p[i];
	}
	out[n] = '\0';
	return true;
}

/* Tags that say for what the key is not. */
static const char *
misuse(struct span h, struct span s)
{
	if (h.p != NULL && !tags_lists(h, "sha256"))
		return "the key is not for SHA-256 (h=)";
	if (s.p != NULL && !tags_lists(s, "email") && !tags_lists(s, "*"))
		return "the key is not for mail (s=)";
	return NULL;
}

const char *
record_read(
    struct span text, enum signature_algorithm algorithm, struct record *r)
{
	struct span v, k, p, h, s, t;
	const struct tags_wanted wanted[] = { { "v", &v }, { "k", &k },
		{ "p", &p }, { "h", &h }, { "s", &s }, { "t", &t },
		{ NULL, NULL } };
	struct record read = { 0 };
	const char *why;

	if (memchr(text.p, '\0', text.n) != NULL)
		return "the key's record holds a NUL";
	if (tags_read(text, wanted) != NULL)
		return "the key's record is no list of tags";
	if (v.p != NULL && (v.n != 5 || memcmp(v.p, "DKIM1", 5) != 0))
		return "the key's record has another version than DKIM1";
	if (p.p == NULL)
		return "the key's record has no key (p=)";
	read.ed25519 = span_is(k, "ed25519");
	if (k.p != NULL && !read.ed25519 && !span_is(k, "rsa"))
		return "the key is of a kind that is not known (k=)";
	if (read.ed25519 != (algorithm == ALGORITHM_ED25519))
		return "the key is of another kind than the signature (k=)";
	if ((why = misuse(h, s)) != NULL)
		return why;
	if (p.n > 0 && !tags_is_base64(p))
		return "the key is no base64 (p=)";
	if (!copy_key(p, read.key))
		return "the key is too long";
	read.revoked = p.n == 0;
	read.test = t.p != NULL && tags_lists(t, "y");
	read.strict = t.p != NULL && tags_lists(t, "s");
	*r = read;
	return NULL;
}

bool
record_is_key(struct span text)
{
	struct span name, value;

	while (tags_next(&text, &name, &value) == TAGS_ONE)
		if (name.n == 1 && name.p[0] == 'p')
			return true;
		else if (name.n == 1 && name.p[0] == 'v')
			return value.n == 5 && memcmp(value.p, "DKIM1", 5) == 0;
	return false;
}

bool
record_write(char *out, size_t size, bool ed25519, const char *key, bool test)
{
	int n = snprintf(out, size, "v=DKIM1; k=%s;%s p=%s",
	    ed25519 ? "ed25519" : "rsa", test ? " t=y;" : "", key);

	return n >= 0 && (size_t)n < size;
}

bool
record_zone(char *out, size_t size, const char *name, const char *text)
{
	size_t left = strlen(text);
	bool several = left > STRING_BYTES;
	int n = snprintf(out, size, "%s IN TXT %s", name, several ? "(" : "");
	size_t used = n > 0 ? (size_t)n : size;

	for (; left > 0 && used < size; text += STRING_BYTES) {
		size_t part = left > STRING_BYTES ? STRING_BYTES : left;

		n = snprintf(out + used, size - used, "%s\"%.*s\"",
		    several ? "\n\t" : "", (int)part, text);
		used += (size_t)n;
		left -= part;
		if (left == 0)
			break;
	}
	if (used < size)
		used += (size_t)snprintf(
		    out + used, size - used, "%s\n", several ? " )" : "");
	return used < size;
}
