/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host for the unit tests of a plugin: no daemon, no MTA, nothing to link.
 *
 *	struct fake f;
 *
 *	fake_init(&f, &mr_plugin_null);
 *	fake_set(&f, "score", "2.5");
 *	assert(fake_open(&f));
 *	fake_mail(&f, "a@example.com");
 *	fake_rcpt(&f, "b@example.net");
 *	assert(fake_eom(&f) == MR_CONTINUE);
 *	assert(fake_did(&f, "symbol NULL_SEEN 2.50"));
 *	fake_finish(&f);
 *
 * What the plugin asks of the host is written down, one line each, in the
 * order it came: see fake_did().  As the daemon does, it calls only the
 * stages that plan() left, obeys MR_SKIP, shows edits to header(), gives
 * message memory back at the end of the message, and refuses what breaks
 * the contract with a line that begins with "misbehaves".  Include it in
 * one file of a test only; a fault in the test itself ends the test.
 */
#ifndef MR_FAKE_H
#define MR_FAKE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <millrace/dns.h>
#include <millrace/map.h>
#include <millrace/plugin.h>

#define MR_FAKE static __attribute__((unused))

enum {
	FAKE_FIELDS = 256,
	FAKE_PAIRS = 64,
	FAKE_RECIPIENTS = 64,
	FAKE_DNS_RECORDS = 64
};

struct fake_pair {
	char *name, *value;
};

/* Memory of one scope, freed at its end so that a sanitizer sees misuse. */
struct fake_block {
	struct fake_block *next;
	_Alignas(max_align_t) char bytes[];
};

/* What a test says of a name and type; status -1: nothing. */
struct fake_dns_row {
	struct fake_dns_row *next;
	const char *name;
	mr_dns_type type;
	mr_dns_status status;
	bool secure;
	unsigned asked, prefetched;
	uint32_t count;
	struct mr_dns_record records[FAKE_DNS_RECORDS];
};

struct fake {
	struct mr_host host;
	struct mr_client client; /* change it before fake_connect() */
	struct mr_ctx ctx;
	const struct mr_plugin *plugin;
	uint32_t first;      /* for mr_plan.first; set before fake_open() */
	struct mr_plan plan; /* as plan() left it */
	void *conf;
	bool opened, in_message, skip;
	double score, session_score; /* the latter before its message */
	int64_t time_left;           /* what time_left() answers; 5000 */
	struct mr_symbol findings[FAKE_PAIRS]; /* see fake_finding() */
	uint32_t nfindings;
	char *transcript;
	size_t transcript_size;
	struct fake_block *kept, *session, *message;
	struct fake_pair fields[FAKE_FIELDS]; /* with their raw blanks */
	size_t nfields;
	struct fake_pair macros[FAKE_PAIRS], notes[FAKE_PAIRS];
	size_t nmacros, nnotes;
	const char *recipients[FAKE_RECIPIENTS + 1];
	size_t nrecipients;
	char *body;
	size_t body_size;
	struct fake_dns_row *dns;     /* see fake/dns.h */
	struct fake_content *content; /* see fake/content.h */
	const char *service_id[8];    /* see fake_service() */
	const void *service[8];
};

/* --- memory and words --- */

MR_FAKE void
fake_broken(const char *what, const char *detail)
{
	fprintf(stderr, "fake: %s: %s\n", what, detail);
	abort();
}

MR_FAKE void *
fake_alloc(struct fake_block **scope, size_t n)
{
	struct fake_block *b = calloc(1, sizeof(*b) + n);

	if (b == NULL)
		fake_broken("memory", "there is none");
	b->next = *scope;
	*scope = b;
	return b->bytes;
}

MR_FAKE void
fake_free(struct fake_block **scope)
{
	while (*scope != NULL) {
		struct fake_block *next = (*scope)->next;

		free(*scope);
		*scope = next;
	}
}

MR_FAKE char *
fake_copy(struct fake_block **scope, const char *text)
{
	size_t n = strlen(text) + 1;

	return memcpy(fake_alloc(scope, n), text, n);
}

MR_FAKE struct fake *
fake_of(const struct mr_ctx *c)
{
	union {
		const char *in;
		char *out;
	} at = { .in = (const char *)c - offsetof(struct fake, ctx) };

	return (struct fake *)(void *)at.out;
}

MR_FAKE struct fake *
fake_of_host(const struct mr_host *h)
{
	union {
		const char *in;
		char *out;
	} at = { .in = (const char *)h - offsetof(struct fake, host) };

	return (struct fake *)(void *)at.out;
}

MR_FAKE struct fake_block **
fake_scope(struct fake *f)
{
	return f->in_message ? &f->message : &f->session;
}

/* --- the transcript --- */

MR_FAKE __attribute__((format(printf, 2, 3))) void
fake_note_down(struct fake *f, const char *format, ...)
{
	char line[2048];
	va_list args;
	size_t n;

	va_start(args, format);
	vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	n = strlen(line);
	line[n++] = '\n';
	f->transcript = realloc(f->transcript, f->transcript_size + n + 1);
	if (f->transcript == NULL)
		fake_broken("memory", "there is none");
	memcpy(f->transcript + f->transcript_size, line, n);
	f->transcript_size += n;
	f->transcript[f->transcript_size] = '\0';
}

/*
 * All lines so far: "symbol NAME 1.50 detail", "reply 550 5.7.1 text",
 * "add_header Name: value", "config_error option: text", "log warn text",
 * and so on, named after the host's members.
 */
MR_FAKE const char *
fake_transcript(const struct fake *f)
{
	return f->transcript != NULL ? f->transcript : "";
}

/* Is there a line that begins so? */
MR_FAKE bool
fake_did(const struct fake *f, const char *start)
{
	const char *line = fake_transcript(f);

	while (*line != '\0') {
		if (strncmp(line, start, strlen(start)) == 0)
			return true;
		line += strcspn(line, "\n") + 1;
	}
	return false;
}

MR_FAKE void
fake_forget(struct fake *f)
{
	free(f->transcript);
	f->transcript = NULL;
	f->transcript_size = 0;
}

MR_FAKE bool
fake_misbehaves(struct fake *f, const char *member, const char *why)
{
	fake_note_down(f, "misbehaves %s: %s", member, why);
	return false;
}

/* --- scripted facts --- */

MR_FAKE void
fake_put(struct fake *f, struct fake_pair *pairs, size_t *n, const char *name,
    const char *value)
{
	size_t i = 0;

	while (i < *n && strcmp(pairs[i].name, name) != 0)
		i++;
	if (i == FAKE_PAIRS)
		fake_broken("too many macros or notes", name);
	if (i == *n) {
		(*n)++;
		pairs[i].name = fake_copy(&f->kept, name);
	}
	pairs[i].value = fake_copy(&f->kept, value);
}

MR_FAKE const char *
fake_get(const struct fake_pair *pairs, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(pairs[i].name, name) == 0)
			return pairs[i].value;
	return NULL;
}

/* name: "{auth_authen}" or "i" */
MR_FAKE void
fake_macro(struct fake *f, const char *name, const char *value)
{
	fake_put(f, f->macros, &f->nmacros, name, value);
}

/* What an earlier plugin left. */
MR_FAKE void
fake_note(struct fake *f, const char *key, const char *value)
{
	fake_put(f, f->notes, &f->nnotes, key, value);
}

/* A finding of an earlier instance, for symbol_at() and score(). */
MR_FAKE void
fake_finding(struct fake *f, const char *name, double score, const char *detail)
{
	if (f->nfindings == FAKE_PAIRS)
		fake_broken("too many findings", name);
	f->findings[f->nfindings++] = (struct mr_symbol){
		.name = fake_copy(&f->kept, name),
		.detail = detail != NULL ? fake_copy(&f->kept, detail) : NULL,
		.by = "earlier",
		.score = score,
	};
	f->score += score;
}

/* A service of the test's own, in place of the fake's or beside it. */
MR_FAKE void
fake_service(struct fake *f, const char *id, const void *table)
{
	for (size_t i = 0; i < 8; i++)
		if (f->service_id[i] == NULL) {
			f->service_id[i] = id;
			f->service[i] = table;
			return;
		}
	fake_broken("too many services", id);
}

#include <millrace/fake/config.h>
#include <millrace/fake/dns.h>
#include <millrace/fake/host.h>

#include <millrace/fake/address.h>
#include <millrace/fake/content.h>
#include <millrace/fake/map.h>
#include <millrace/fake/store.h>
#include <millrace/fake/stream.h>

/* What a host offers unless fake_service() says otherwise. */
MR_FAKE const void *
fake_host_service(const struct mr_host *h, const char *id)
{
	const struct fake *f = fake_of_host(h);

	for (size_t i = 0; i < 8 && f->service_id[i] != NULL; i++)
		if (strcmp(f->service_id[i], id) == 0)
			return f->service[i];
	if (strcmp(id, MR_MAP_SERVICE) == 0)
		return &fake_map_service;
	if (strcmp(id, MR_ADDRESS_SERVICE) == 0)
		return &fake_address_service;
	if (strcmp(id, MR_DNS_SERVICE) == 0)
		return &fake_dns_service;
	if (strcmp(id, MR_CONTENT_SERVICE) == 0)
		return &fake_content_service;
	if (strcmp(id, MR_STORE_SERVICE) == 0)
		return &fake_store_service;
	if (strcmp(id, MR_STREAM_SERVICE) == 0)
		return &fake_stream_service;
	return NULL;
}

#include <millrace/fake/stages.h>

#endif
