/* SPDX-License-Identifier: Apache-2.0 */
#include "seen.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FNV_BASE = 2166136261u, FNV_PRIME = 16777619u };

uint32_t
seen_checksum(uint32_t sum, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	if (sum == 0 && len > 0)
		sum = FNV_BASE;
	for (size_t i = 0; i < len; i++)
		sum = (sum ^ p[i]) * FNV_PRIME;
	return sum;
}

/* Printable text that shows every byte; what is not sent shows as "-". */
static const char *
show(struct mr_ctx *c, const char *text)
{
	char *out, *p;

	if (text == NULL)
		return "-";
	p = out = c->host->alloc(c, 4 * strlen(text) + 1);
	for (; *text != '\0'; text++) {
		unsigned char b = (unsigned char)*text;

		if (b > ' ' && b < 0x7f && b != '\\')
			*p++ = (char)b;
		else
			p += sprintf(p, "\\x%02x", b);
	}
	*p = '\0';
	return out;
}

static void __attribute__((format(printf, 3, 4)))
echo(const struct act *a, const char *name, const char *format, ...)
{
	struct mr_ctx *c = a->c;
	va_list args;
	char *value;
	int n;

	va_start(args, format);
	n = vasprintf(&value, format, args);
	va_end(args);
	if (n < 0)
		abort();
	c->host->add_header(c, name, value);
	free(value);
}

static void
echo_recipients(const struct act *a)
{
	const char *const *r = a->c->recipients;

	for (unsigned i = 0; r != NULL && r[i] != NULL; i++)
		echo(a, "X-Echo-Recipient", "%u %s", i, show(a->c, r[i]));
}

static void
echo_symbols(const struct act *a)
{
	struct mr_symbol s;

	for (uint32_t i = 0; a->c->host->symbol_at(a->c, i, &s); i++)
		echo(a, "X-Echo-Symbol", "%u %s %g %s %s%s", i, s.name, s.score,
		    show(a->c, s.detail), s.by, s.observed ? " observed" : "");
}

mr_verdict
seen_echo(const struct act *a)
{
	struct mr_ctx *c = a->c;
	const struct mr_client *client = c->client;

	echo(a, "X-Echo-Client", "%s %s %u", show(c, client->name),
	    show(c, client->addr), client->port);
	echo(a, "X-Echo-Helo", "%s", show(c, client->helo));
	echo(a, "X-Echo-Login", "%s", show(c, client->login));
	echo(a, "X-Echo-Tls", "%s", show(c, client->tls));
	echo(a, "X-Echo-Sender", "%s", show(c, c->sender));
	echo_recipients(a);
	echo(a, "X-Echo-Queue-Id", "%s", show(c, c->queue_id));
	echo(a, "X-Echo-Message-Id", "%s", show(c, c->message_id));
	echo(a, "X-Echo-Dry-Run", "%d", c->dry_run);
	echo(a, "X-Echo-Score", "%g", c->host->score(c));
	echo(a, "X-Echo-Listener", "%s", show(c, c->listener));
	echo_symbols(a);
	echo(a, "X-Echo-Seen",
	    "headers=%u chunks=%u bytes=%" PRIu64 " sum=%08x", a->seen->headers,
	    a->seen->chunks, a->seen->bytes, a->seen->checksum);
	return MR_CONTINUE;
}

mr_verdict
seen_echo_macro(const struct act *a)
{
	const char *value = a->c->host->macro(a->c, a->args);

	echo(a, "X-Echo-Macro", "%s=%s", a->args, show(a->c, value));
	return MR_CONTINUE;
}

mr_verdict
seen_echo_note(const struct act *a)
{
	const char *value = a->c->host->note(a->c, a->args);

	echo(a, "X-Echo-Note", "%s=%s", a->args, show(a->c, value));
	return MR_CONTINUE;
}

mr_verdict
seen_echo_header(const struct act *a)
{
	char name[256];
	const char *nth = rule_word(a->args, name, sizeof(name));
	const char *value =
	    a->c->host->header(a->c, name, (uint32_t)strtoul(nth, NULL, 10));

	echo(a, "X-Echo-Header", "%s %s=%s", name, nth, show(a->c, value));
	return MR_CONTINUE;
}

/* All that is there now; what this adds comes after them. */
mr_verdict
seen_echo_fields(const struct act *a)
{
	struct mr_ctx *c = a->c;
	const char *name, *value;
	uint32_t n = 0;

	while (c->host->header_at(c, n, &name, &value))
		n++;
	for (uint32_t i = 0; i < n; i++)
		if (c->host->header_at(c, i, &name, &value))
			echo(a, "X-Echo-Field", "%u %s=%s", i, show(c, name),
			    show(c, value));
	return MR_CONTINUE;
}

mr_verdict
seen_echo_body(const struct act *a)
{
	size_t len = 0;
	const void *body = a->c->host->body(a->c, &len);

	if (body == NULL)
		echo(a, "X-Echo-Body", "none");
	else
		echo(a, "X-Echo-Body", "bytes=%zu sum=%08x", len,
		    seen_checksum(0, body, len));
	return MR_CONTINUE;
}
