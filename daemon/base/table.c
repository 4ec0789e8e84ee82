/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows in the order of insertion, and slots with the number of a row that
 * are searched from the key's hash on.  The hash is SipHash-1-3 with a key
 * that is drawn when the process starts: who chooses the texts cannot choose
 * where they fall.
 */
#include "base/table.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/memory.h"

struct row {
	const char *key;
	void *value;
	uint32_t length;
	uint32_t hash;
};

struct table {
	bool nocase;
	struct arena *keys;
	struct row *rows;
	uint32_t *slots; /* number of the row + 1; 0: free */
	size_t count;
	size_t size; /* of slots, a power of 2; rows have room for half */
};

static uint64_t secret[2];
static pthread_once_t secret_once = PTHREAD_ONCE_INIT;

static void
draw_secret(void)
{
	/* Early in boot there may be none; a hash without is still one. */
	ssize_t ignored = getrandom(secret, sizeof(secret), GRND_NONBLOCK);

	(void)ignored;
}

struct table *
table_create(bool nocase)
{
	struct table *t = memory_zalloc(sizeof(*t));

	t->nocase = nocase;
	t->keys = arena_create(256);
	return t;
}

void
table_destroy(struct table **t, void (*free_value)(void *))
{
	if (*t == NULL)
		return;
	for (size_t i = 0; free_value != NULL && i < (*t)->count; i++)
		if ((*t)->rows[i].value != NULL)
			free_value((*t)->rows[i].value);
	arena_destroy(&(*t)->keys);
	free((*t)->rows);
	free((*t)->slots);
	free(*t);
	*t = NULL;
}

static uint64_t
turn(uint64_t v, unsigned bits)
{
	return v << bits | v >> (64 - bits);
}

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = turn(v[1], 13) ^ v[0];
	v[3] = turn(v[3], 16) ^ v[2];
	v[0] = turn(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = turn(v[1], 17) ^ v[2];
	v[3] = turn(v[3], 21) ^ v[0];
	v[2] = turn(v[2], 32);
}

static void
sip_word(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	v[0] ^= word;
}

uint32_t
table_hash(struct span key, bool nocase)
{
	uint64_t word = 0, v[4];

	pthread_once(&secret_once, draw_secret);
	v[0] = secret[0] ^ UINT64_C(0x736f6d6570736575);
	v[1] = secret[1] ^ UINT64_C(0x646f72616e646f6d);
	v[2] = secret[0] ^ UINT64_C(0x6c7967656e657261);
	v[3] = secret[1] ^ UINT64_C(0x7465646279746573);
	for (size_t i = 0; i < key.n; i++) {
		unsigned char c = (unsigned char)key.p[i];

		if (nocase && c >= 'A' && c <= 'Z')
			c = (unsigned char)(c - 'A' + 'a');
		word |= (uint64_t)c << (i % 8 * 8);
		if (i % 8 != 7)
			continue;
		sip_word(v, word);
		word = 0;
	}
	sip_word(v, word | (uint64_t)key.n << 56);
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return (uint32_t)(v[0] ^ v[1] ^ v[2] ^ v[3]);
}

/* The slot of the key, or the free one where it belongs. */
static size_t
find(const struct table *t, struct span key, uint32_t hash)
{
	size_t i = hash & (t->size - 1);

	for (; t->slots[i] != 0; i = (i + 1) & (t->size - 1)) {
		const struct row *r = &t->rows[t->slots[i] - 1];
		struct span there = { r->key, r->length };

		if (r->hash != hash)
			continue;
		if (t->nocase ? span_equal_nocase(there, key)
			      : span_equal(there, key))
			break;
	}
	return i;
}

void *
table_get(const struct table *t, struct span key)
{
	size_t at;

	if (t->count == 0)
		return NULL;
	at = find(t, key, table_hash(key, t->nocase));
	return t->slots[at] != 0 ? t->rows[t->slots[at] - 1].value : NULL;
}

static void
grow(struct table *t)
{
	t->size = t->size > 0 ? t->size * 2 : 8;
	t->rows = memory_resize(t->rows, t->size / 2 * sizeof(*t->rows));
	free(t->slots);
	t->slots = memory_zalloc(t->size * sizeof(*t->slots));
	for (size_t i = 0; i < t->count; i++) {
		size_t at = t->rows[i].hash & (t->size - 1);

		while (t->slots[at] != 0)
			at = (at + 1) & (t->size - 1);
		t->slots[at] = (uint32_t)i + 1;
	}
}

void *
table_put(struct table *t, struct span key, void *value)
{
	uint32_t hash = table_hash(key, t->nocase);
	void *before;
	size_t at;

	if (t->count == t->size / 2)
		grow(t);
	at = find(t, key, hash);
	if (t->slots[at] == 0) {
		t->rows[t->count] = (struct row){
			.key = arena_copy_span(t->keys, key),
			.length = (uint32_t)key.n,
			.hash = hash,
		};
		t->slots[at] = (uint32_t)++t->count;
	}
	before = t->rows[t->slots[at] - 1].value;
	t->rows[t->slots[at] - 1].value = value;
	return before;
}

size_t
table_count(const struct table *t)
{
	return t->count;
}

bool
table_at(const struct table *t, size_t index, struct span *key, void **value)
{
	if (index >= t->count)
		return false;
	*key = (struct span){ t->rows[index].key, t->rows[index].length };
	*value = t->rows[index].value;
	return true;
}

void
table_each(const struct table *t,
    void (*each)(const char *key, void *value, void *arg), void *arg)
{
	for (size_t i = 0; i < t->count; i++)
		each(t->rows[i].key, t->rows[i].value, arg);
}
