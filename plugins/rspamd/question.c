/* SPDX-License-Identifier: Apache-2.0 */
#include "question.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_MAX = 1000 };

struct head {
	char *p; /* NULL: only count */
	size_t n;
};

static void
put(struct head *h, const char *text, size_t n)
{
	if (h->p != NULL)
		memcpy(h->p + h->n, text, n);
	h->n += n;
}

/* A value of a client's ends no line: control bytes become "?". */
static void
put_field(struct head *h, const char *name, const char *open, const char *value,
    const char *close)
{
	size_t n = value != NULL ? strnlen(value, VALUE_MAX) : 0;

	if (value == NULL)
		return;
	put(h, name, strlen(name));
	put(h, ": ", 2);
	put(h, open, strlen(open));
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)value[i];

		put(h, c < ' ' || c == 0x7f ? "?" : &value[i], 1);
	}
	put(h, close, strlen(close));
	put(h, "\r\n", 2);
}

static const char *
address_of(const struct mr_client *client)
{
	unsigned char bytes[16];

	return client->addr != NULL &&
		       (inet_pton(AF_INET, client->addr, bytes) == 1 ||
			   inet_pton(AF_INET6, client->addr, bytes) == 1)
		   ? client->addr
		   : NULL;
}

/* "[192.0.2.1]" says no more than the address. */
static const char *
name_of(const struct mr_client *client)
{
	return client->name != NULL && client->name[0] != '[' ? client->name
							      : NULL;
}

static void
put_facts(struct head *h, struct mr_ctx *c, const char *settings)
{
	put_field(h, "Queue-Id", "",
	    c->queue_id != NULL ? c->queue_id : c->message_id, "");
	put_field(h, "IP", "", address_of(c->client), "");
	put_field(h, "Hostname", "", name_of(c->client), "");
	put_field(h, "Helo", "", c->client->helo, "");
	put_field(h, "User", "", c->client->login, "");
	put_field(h, "TLS-Version", "", c->client->tls, "");
	put_field(h, "MTA-Name", "", c->host->macro(c, "j"), "");
	put_field(h, "Settings-Id", "", settings, "");
	put_field(h, "From", "<", c->sender, ">");
	for (const char *const *to = c->recipients; to && *to != NULL; to++)
		put_field(h, "Rcpt", "<", *to, ">");
}

static void
put_all(struct head *h, struct mr_ctx *c, const char *settings, size_t size)
{
	static const char start[] = "POST /checkv2 HTTP/1.1\r\n"
				    "Host: rspamd\r\n"
				    "User-Agent: millrace\r\n"
				    "Connection: close\r\n";
	char length[64];

	put(h, start, sizeof(start) - 1);
	snprintf(length, sizeof(length), "Content-Length: %zu\r\n", size);
	put(h, length, strlen(length));
	put_facts(h, c, settings);
	put(h, "\r\n", 2);
}

const char *
question_head(struct mr_ctx *c, const char *settings, size_t size, size_t *n)
{
	struct head h = { NULL, 0 };

	put_all(&h, c, settings, size);
	h.p = c->host->alloc(c, h.n + 1);
	h.n = 0;
	put_all(&h, c, settings, size);
	*n = h.n;
	return h.p;
}
