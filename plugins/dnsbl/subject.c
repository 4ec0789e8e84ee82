/* SPDX-License-Identifier: Apache-2.0 */
#include "subject.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { SIGNERS = 10 };

static void
add(struct subjects *s, const char *text, uint32_t most)
{
	if (text == NULL || text[0] == '\0' || s->count >= most)
		return;
	for (uint32_t i = 0; i < s->count; i++)
		if (strcmp(s->items[i], text) == 0)
			return;
	s->items[s->count++] = text;
}

bool
subject_is_address(const char *text)
{
	unsigned char bytes[16];

	return inet_pton(AF_INET, text, bytes) == 1 ||
	       inet_pton(AF_INET6, text, bytes) == 1;
}

/* A domain as a list wants it: whole, or what somebody has registered. */
static const char *
domain_of(const struct subject_source *from, struct mr_ctx *c, const char *name,
    bool whole)
{
	if (name == NULL || strchr(name, '.') == NULL ||
	    subject_is_address(name))
		return NULL;
	return whole ? from->address->to_ascii(c, name)
		     : from->address->registered(c, name);
}

/* Signers whose signature is right; others say nothing. */
static void
add_signers(const struct subject_source *from, struct mr_ctx *c, bool whole,
    struct subjects *out)
{
	char key[32];
	const char *result;

	for (int n = 1; n <= SIGNERS; n++) {
		snprintf(key, sizeof(key), "dkim.%d.result", n);
		if ((result = c->host->note(c, key)) == NULL)
			return;
		snprintf(key, sizeof(key), "dkim.%d.domain", n);
		if (strcmp(result, "pass") == 0)
			add(out,
			    domain_of(from, c, c->host->note(c, key), whole),
			    SIGNERS);
	}
}

static void
add_urls(const struct subject_source *from, struct mr_ctx *c, bool whole,
    struct subjects *out)
{
	const struct mr_content *content = from->content->get(c);

	for (uint32_t i = 0; i < content->nurls; i++) {
		const struct mr_url *u = &content->urls[i];

		add(out,
		    whole || subject_is_address(u->host) ? u->host
							 : u->registered,
		    from->urls_max);
	}
}

void
subjects_gather(const struct subject_source *from, struct mr_ctx *c,
    const struct entry *e, enum kind k, struct subjects *out)
{
	const char *at;

	out->count = 0;
	switch (k) {
	case CLIENT:
		if (subject_is_address(c->client->addr))
			add(out, c->client->addr, 1);
		break;
	case HELO:
		add(out, domain_of(from, c, c->client->helo, e->whole[k]), 1);
		break;
	case SENDER:
		at = c->sender != NULL ? strrchr(c->sender, '@') : NULL;
		if (at != NULL)
			add(out, domain_of(from, c, at + 1, e->whole[k]), 1);
		break;
	case DKIM:
		add_signers(from, c, e->whole[k], out);
		break;
	case URL:
		add_urls(from, c, e->whole[k], out);
		break;
	default:
		break;
	}
}
