/* SPDX-License-Identifier: Apache-2.0 */
#include "words.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A line that ends up empty would be no reply. */
static void
put(struct text *out, const char *value)
{
	struct span s = span_of(value != NULL ? value : "");

	if (s.n == 0)
		s = span_of("unknown");
	if (s.n > WORDS_VALUE)
		s.n = WORDS_VALUE;
	text_clean(out, s);
}

/* %c is the client, %d the domain, %w why; for each identity. */
static const char *const reasons[RESULTS][IDENTITIES] = {
	[RESULT_NONE] = { "%d has no SPF record", "%d has no SPF record" },
	[RESULT_NEUTRAL] = { "%d does not say whether %c may send mail for it",
	    "%d does not say whether %c may use its name" },
	[RESULT_PASS] = { "%c may send mail for %d", "%c may use the name %d" },
	[RESULT_FAIL] = { "%c is not allowed to send mail for %d",
	    "%c is not allowed to use the name %d" },
	[RESULT_SOFTFAIL] = { "%c is probably not allowed to send mail for %d",
	    "%c is probably not allowed to use the name %d" },
	[RESULT_TEMPERROR] = { "%w", "%w" },
	[RESULT_PERMERROR] = { "%w", "%w" },
};

void
words_reason(const struct words *w, struct text *out)
{
	const char *form = reasons[w->result][w->identity];

	for (; *form != '\0'; form++) {
		if (*form != '%') {
			text_char(out, *form);
			continue;
		}
		form++;
		put(out, *form == 'c'   ? w->client
			 : *form == 'd' ? w->domain
					: w->why);
	}
}

static void
put_client(const struct words *w, struct text *out)
{
	put(out, w->client);
}

static void
put_sender(const struct words *w, struct text *out)
{
	put(out, w->sender != NULL && w->sender[0] == '\0' ? "<>" : w->sender);
}

static void
put_domain(const struct words *w, struct text *out)
{
	put(out, w->domain);
}

static void
put_helo(const struct words *w, struct text *out)
{
	put(out, w->helo);
}

static void
put_receiver(const struct words *w, struct text *out)
{
	put(out, w->receiver);
}

static void
put_identity(const struct words *w, struct text *out)
{
	text_string(out, identity_name(w->identity));
}

static void
put_result(const struct words *w, struct text *out)
{
	text_string(out, result_name(w->result));
}

static const struct placeholder {
	const char *name;
	void (*put)(const struct words *, struct text *);
} placeholders[] = {
	{ "client", put_client },
	{ "sender", put_sender },
	{ "domain", put_domain },
	{ "helo", put_helo },
	{ "receiver", put_receiver },
	{ "identity", put_identity },
	{ "result", put_result },
	{ "reason", words_reason },
};

/* at stands on a brace; *end behind what it opens. */
static const struct placeholder *
find_placeholder(const char *at, const char **end)
{
	size_t n = strcspn(at + 1, "{}");

	if (at[1 + n] != '}')
		return NULL;
	*end = at + 2 + n;
	for (size_t i = 0; i < COUNT(placeholders); i++)
		if (strlen(placeholders[i].name) == n &&
		    strncmp(placeholders[i].name, at + 1, n) == 0)
			return &placeholders[i];
	return NULL;
}

const char *
words_fault(const char *text)
{
	const char *at = text;

	if (text[strspn(text, " ")] == '\0')
		return "there is no text";
	if (strlen(text) >= WORDS_REPLY)
		return "the text is over 479 bytes; shorten it";
	for (; *at != '\0'; at++) {
		if (*at < ' ' || *at > '~')
			return "the text must be one line of printable ASCII";
		if (*at != '{')
			continue;
		if (at[1] == '{') {
			at++;
			continue;
		}
		if (find_placeholder(at, &text) == NULL)
			return "after a { comes client}, sender}, domain}, "
			       "helo}, receiver}, identity}, result} or "
			       "reason}; write {{ for a brace";
	}
	return NULL;
}

void
words_expand(const char *at, const struct words *w, struct text *out)
{
	const struct placeholder *p;

	while (*at != '\0') {
		if (*at == '{' && at[1] != '{' &&
		    (p = find_placeholder(at, &at)) != NULL) {
			p->put(w, out);
			continue;
		}
		at += at[0] == '{' && at[1] == '{';
		text_char(out, *at++);
	}
}

void
words_explain(const char *explanation, const char *domain, struct text *out)
{
	put(out, domain);
	text_string(out, " explains: ");
	text_clean(out, span_of(explanation));
}

/* --- Received-SPF --- */

/* atext, and dots between */
static bool
is_dot_atom(struct span s)
{
	bool dot = true;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '.') {
			if (dot)
				return false;
			dot = true;
			continue;
		}
		if (!text_is_letter(c) && !text_is_digit(c) &&
		    (c == '\0' || strchr("!#$%&'*+-/=?^_`{|}~", c) == NULL))
			return false;
		dot = false;
	}
	return !dot;
}

static void
put_quoted(struct text *out, struct span s)
{
	text_char(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"' || s.p[i] == '\\')
			text_char(out, '\\');
		text_clean(out, (struct span){ s.p + i, 1 });
	}
	text_char(out, '"');
}

static void
put_pair(struct text *out, const char *key, const char *value)
{
	struct span s;

	if (value == NULL)
		return;
	s = span_of(value);
	if (s.n > WORDS_VALUE)
		s.n = WORDS_VALUE;
	text_string(out, ";\n\t");
	text_string(out, key);
	text_char(out, '=');
	if (is_dot_atom(s))
		text_span(out, s);
	else
		put_quoted(out, s);
}

static void
put_comment(struct text *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (strchr("()\\", *s) != NULL)
			text_char(out, '\\');
		text_char(out, *s);
	}
}

void
words_header(const struct words *w, struct text *out)
{
	char reason[WORDS_REPLY];
	struct text t = TEXT(reason);

	reason[0] = '\0';
	words_reason(w, &t);
	text_string(out, result_name(w->result));
	text_string(out, " (");
	put_comment(out, reason);
	text_string(out, ")\n\tidentity=");
	text_string(out, identity_name(w->identity));
	put_pair(out, "client-ip", w->client);
	put_pair(out, "envelope-from", w->sender);
	put_pair(out, "helo", w->helo);
	put_pair(out, "receiver", w->receiver);
	put_pair(out, "mechanism", w->path);
	put_pair(out, "problem", w->why);
}

int32_t
words_code(enum result result, bool for_good, const char **dsn)
{
	bool error = result == RESULT_TEMPERROR || result == RESULT_PERMERROR;

	if (for_good)
		*dsn = error ? "5.7.24" : "5.7.23";
	else if (result == RESULT_TEMPERROR)
		*dsn = "4.4.3";
	else
		*dsn = error ? "4.7.24" : "4.7.23";
	return for_good ? 550 : 451;
}
