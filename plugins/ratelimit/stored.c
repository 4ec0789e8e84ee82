/* SPDX-License-Identifier: Apache-2.0 */
#include "stored.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BUCKETS = 4096, MEMORIES = 32768, CHECK_MS = 1000, KEY_BYTES = 400 };

static const char version_key[] = "version";
static const char prefixes[] = { 'o', 'b' };

struct memory {
	struct memory *next;
	const char *text; /* after key; NULL: the store has none */
	char key[];       /* "o mailbox:alice" */
};

struct stored {
	const struct mr_store_service *store;
	char *group;
	pthread_mutex_t lock; /* guards the rest */
	int64_t next_ms;
	char version[64]; /* "": there are no overrides; "?": not asked yet */
	unsigned count;
	unsigned generation; /* raised when all is forgotten */
	struct memory *buckets[BUCKETS];
};

static struct mr_bytes
bytes(const char *text)
{
	return (struct mr_bytes){ text, (uint32_t)strlen(text) };
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct stored *
stored_create(const struct mr_store_service *store, const char *group)
{
	struct stored *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->group = strdup(group)) == NULL) {
		free(s);
		return NULL;
	}
	s->store = store;
	s->version[0] = '?';
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

static void
forget(struct stored *s)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		while (s->buckets[i] != NULL) {
			struct memory *m = s->buckets[i];

			s->buckets[i] = m->next;
			free(m);
		}
	s->count = 0;
	s->generation++;
}

void
stored_destroy(struct stored **stored)
{
	struct stored *s = *stored;

	*stored = NULL;
	if (s == NULL)
		return;
	forget(s);
	pthread_mutex_destroy(&s->lock);
	free(s->group);
	free(s);
}

static struct memory **
bucket(struct stored *s, const char *key)
{
	uint32_t h = 2166136261u;

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * 16777619u;
	return &s->buckets[h % BUCKETS];
}

/* Whether it is time; the one who is told so asks the store. */
static bool
is_due(struct stored *s)
{
	int64_t now = now_ms();
	bool due;

	pthread_mutex_lock(&s->lock);
	due = now >= s->next_ms;
	if (due)
		s->next_ms = now + CHECK_MS;
	pthread_mutex_unlock(&s->lock);
	return due;
}

static void
check_version(struct stored *s, struct mr_ctx *c)
{
	struct mr_bytes value = { "", 0 };
	char version[sizeof(s->version)] = "";
	mr_store_status status =
	    s->store->get(c, bytes(s->group), bytes(version_key), &value);

	/* Without an answer, what is known stays. */
	if (status != MR_STORE_OK && status != MR_STORE_NONE)
		return;
	if (status == MR_STORE_OK && value.n < sizeof(version))
		memcpy(version, value.p, value.n);
	pthread_mutex_lock(&s->lock);
	if (strcmp(version, s->version) != 0) {
		forget(s);
		memcpy(s->version, version, sizeof(version));
	}
	pthread_mutex_unlock(&s->lock);
}

static const char *
keep(struct mr_ctx *c, const char *text, size_t n)
{
	char *copy = c->host->alloc(c, n + 1);

	memcpy(copy, text, n);
	return copy;
}

enum known { UNKNOWN, KNOWN };

static enum known
remembered(struct stored *s, struct mr_ctx *c, const char *key,
    const char **text, unsigned *generation)
{
	enum known known = UNKNOWN;

	*text = NULL;
	pthread_mutex_lock(&s->lock);
	*generation = s->generation;
	if (s->version[0] == '\0')
		known = KNOWN;
	for (struct memory *m = *bucket(s, key); m != NULL && known == UNKNOWN;
	     m = m->next)
		if (strcmp(m->key, key) == 0) {
			known = KNOWN;
			if (m->text != NULL)
				*text = keep(c, m->text, strlen(m->text));
		}
	pthread_mutex_unlock(&s->lock);
	return known;
}

/* Nothing that was read before a change was seen. */
static void
remember(
    struct stored *s, const char *key, const char *text, unsigned generation)
{
	size_t k = strlen(key) + 1, t = text != NULL ? strlen(text) + 1 : 0;
	struct memory *m = malloc(sizeof(*m) + k + t), **at;

	if (m == NULL)
		return;
	memcpy(m->key, key, k);
	if (text != NULL)
		memcpy(m->key + k, text, t);
	m->text = text != NULL ? m->key + k : NULL;
	pthread_mutex_lock(&s->lock);
	if (s->count >= MEMORIES)
		forget(s);
	else if (generation == s->generation) {
		at = bucket(s, key);
		m->next = *at;
		*at = m;
		s->count++;
		m = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	free(m);
}

static bool
name(char out[KEY_BYTES], enum stored_kind kind, const char *key)
{
	int n = snprintf(out, KEY_BYTES, "%c %s", prefixes[kind], key);

	return n > 0 && n < KEY_BYTES;
}

const char *
stored_find(
    struct stored *s, struct mr_ctx *c, enum stored_kind kind, const char *key)
{
	struct mr_bytes value;
	const char *text;
	unsigned generation;
	char full[KEY_BYTES];

	if (!name(full, kind, key))
		return NULL;
	if (is_due(s))
		check_version(s, c);
	if (remembered(s, c, full, &text, &generation) == KNOWN)
		return text;
	switch (s->store->get(c, bytes(s->group), bytes(full), &value)) {
	case MR_STORE_OK:
		text = keep(c, value.p, value.n);
		break;
	case MR_STORE_NONE:
		break;
	default:
		return NULL;
	}
	remember(s, full, text, generation);
	return text;
}

/* Never the same as before, whoever else changes something meanwhile. */
static mr_store_status
raise_version(struct stored *s, struct mr_ctx *c)
{
	struct timespec t;
	char version[64];

	clock_gettime(CLOCK_REALTIME, &t);
	snprintf(version, sizeof(version), "%lld.%09ld.%d", (long long)t.tv_sec,
	    t.tv_nsec, (int)getpid());
	return s->store->set(
	    c, bytes(s->group), bytes(version_key), bytes(version), 0);
}

mr_store_status
stored_put(struct stored *s, struct mr_ctx *c, enum stored_kind kind,
    const char *key, const char *text)
{
	mr_store_status status;
	char full[KEY_BYTES];

	if (!name(full, kind, key))
		return MR_STORE_BAD;
	if (text != NULL)
		status = s->store->set(
		    c, bytes(s->group), bytes(full), bytes(text), 0);
	else
		status = s->store->remove(c, bytes(s->group), bytes(full));
	return status == MR_STORE_OK ? raise_version(s, c) : status;
}

struct showing {
	struct mr_ctx *ctx;
	bool (*seen)(void *arg, const char *key, const char *text);
	void *arg;
};

static bool
show(void *arg, struct mr_bytes key, struct mr_bytes value)
{
	struct showing *s = arg;

	/* The prefix is a letter and a blank. */
	return s->seen(s->arg, keep(s->ctx, (const char *)key.p + 2, key.n - 2),
	    keep(s->ctx, value.p, value.n));
}

bool
stored_each(struct stored *s, struct mr_ctx *c, enum stored_kind kind,
    bool (*seen)(void *arg, const char *key, const char *text), void *arg)
{
	struct showing showing = { c, seen, arg };
	char prefix[3] = { prefixes[kind], ' ', '\0' };

	return s->store->each(c, bytes(s->group), bytes(prefix), show,
		   &showing) == MR_STORE_OK;
}
