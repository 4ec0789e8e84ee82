/* SPDX-License-Identifier: Apache-2.0 */
#include "keyring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "keytable.h"

enum { TABLE_BYTES = 64 << 20 };

/* Loading: where we are, and whom to tell. */
struct loading {
	struct keyring *ring;
	const char *path;
	void (*fault)(void *arg, const char *text);
	void *arg;
	char *strings; /* free room at the end of ring->text */
	uint32_t room; /* rows that keys has place for */
	bool ok;
};

static void
tell_fault_at(struct loading *l, unsigned line, const char *what)
{
	char text[1024];

	if (line > 0)
		snprintf(text, sizeof(text), "%s:%u: %s", l->path, line, what);
	else
		snprintf(text, sizeof(text), "%s: %s", l->path, what);
	l->fault(l->arg, text);
	l->ok = false;
}

/* The whole file with a NUL; NULL after a fault was told. */
static char *
read_table(struct loading *l, size_t *n)
{
	FILE *f = fopen(l->path, "re");
	char *bytes = NULL;
	struct stat st;

	if (f == NULL || fstat(fileno(f), &st) == -1) {
		tell_fault_at(l, 0, strerror(errno));
	} else if (!S_ISREG(st.st_mode) || st.st_size > TABLE_BYTES) {
		tell_fault_at(l, 0, "not a key table");
	} else if ((bytes = malloc((size_t)st.st_size + 1)) != NULL) {
		*n = fread(bytes, 1, (size_t)st.st_size, f);
		bytes[*n] = '\0';
	} else {
		tell_fault_at(l, 0, "no memory");
	}
	if (f != NULL)
		fclose(f);
	return bytes;
}

static const char *
keep(struct loading *l, struct span s)
{
	char *copy = l->strings;

	memcpy(copy, s.p, s.n);
	copy[s.n] = '\0';
	l->strings += s.n + 1;
	return copy;
}

static const char *
keep_lower(struct loading *l, struct span s)
{
	char *copy = l->strings;

	for (size_t i = 0; i < s.n; i++)
		copy[i] = s.p[i] >= 'A' && s.p[i] <= 'Z'
			      ? (char)(s.p[i] - 'A' + 'a')
			      : s.p[i];
	copy[s.n] = '\0';
	l->strings += s.n + 1;
	return copy;
}

/* The key file's path: relative ones are beside the table. */
static const char *
keep_path(struct loading *l, struct span file)
{
	const char *slash = strrchr(l->path, '/'), *path = l->strings;

	if (file.p[0] != '/' && slash != NULL) {
		size_t n = (size_t)(slash + 1 - l->path);

		memcpy(l->strings, l->path, n);
		l->strings += n;
	}
	keep(l, file);
	return path;
}

static void
add_row(struct loading *l, const struct keytable_row *row, unsigned line)
{
	struct keyring_key *k = &l->ring->keys[l->ring->count];
	char *why = NULL;

	*k = (struct keyring_key){ .line = line,
		.pattern = keep_lower(l, row->pattern),
		.selector = keep_lower(l, row->selector),
		.domain = keep_lower(l, row->domain),
		.file = keep_path(l, row->file) };
	if (row->identity.p != NULL)
		k->identity = keep(l, row->identity);
	if (!key_load(k->file, &k->key, &why)) {
		tell_fault_at(l, line, why != NULL ? why : "no memory");
		free(why);
		return;
	}
	l->ring->count++;
	if (row->algorithm != ALGORITHM_UNKNOWN &&
	    row->algorithm != k->key.algorithm)
		tell_fault_at(
		    l, line, "the key is of another kind than a= says");
}

static int
compare(const void *one, const void *other)
{
	const struct keyring_key *a = one, *b = other;
	int order = strcmp(a->pattern, b->pattern);

	if (order == 0)
		order = (int)a->key.algorithm - (int)b->key.algorithm;
	if (order == 0)
		order = strcmp(a->domain, b->domain);
	if (order == 0)
		order = strcmp(a->identity != NULL ? a->identity : "",
		    b->identity != NULL ? b->identity : "");
	if (order == 0)
		order = a->line < b->line ? -1 : 1;
	return order;
}

static void
read_rows(struct loading *l, struct span text)
{
	struct keytable_row row;
	unsigned line = 0;
	const char *why;

	for (;;) {
		if (keytable_next(&text, &line, &row, &why))
			add_row(l, &row, line);
		else if (why != NULL)
			tell_fault_at(l, line, why);
		else
			return;
	}
}

/*
 * A row's strings are parts of its line, except that the table's folder may
 * stand before the file, and the domain may be a part of the pattern.
 */
static bool
make_room(struct loading *l, const char *text, size_t n)
{
	size_t lines = 1;

	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	l->ring->text = malloc(2 * n + lines * (strlen(l->path) + 8));
	l->ring->keys = calloc(lines, sizeof(*l->ring->keys));
	l->strings = l->ring->text;
	return l->ring->text != NULL && l->ring->keys != NULL;
}

bool
keyring_load(struct keyring *ring, const char *path,
    void (*fault)(void *arg, const char *text), void *arg)
{
	struct loading l = { .ring = ring,
		.path = path,
		.fault = fault,
		.arg = arg,
		.ok = true };
	size_t n = 0;
	char *text;

	*ring = (struct keyring){ 0 };
	if ((text = read_table(&l, &n)) != NULL) {
		if (make_room(&l, text, n))
			read_rows(&l, (struct span){ text, n });
		else
			tell_fault_at(&l, 0, "no memory");
	}
	free(text);
	if (l.ok && ring->count == 0)
		tell_fault_at(&l, 0, "there is no key in it");
	if (!l.ok)
		keyring_finish(ring);
	else
		qsort(ring->keys, ring->count, sizeof(*ring->keys), compare);
	return l.ok;
}

void
keyring_finish(struct keyring *ring)
{
	for (uint32_t i = 0; i < ring->count; i++)
		key_finish(&ring->keys[i].key);
	free(ring->keys);
	free(ring->text);
	*ring = (struct keyring){ 0 };
}

static int
compare_pattern(struct span wanted, const char *pattern)
{
	size_t n = strlen(pattern), least = wanted.n < n ? wanted.n : n;
	int order = strncasecmp(wanted.p, pattern, least);

	if (order != 0)
		return order;
	return wanted.n < n ? -1 : wanted.n > n;
}

/* The first key whose pattern is not less than that. */
static uint32_t
lower_bound(const struct keyring *ring, struct span pattern)
{
	uint32_t low = 0, high = ring->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare_pattern(pattern, ring->keys[middle].pattern) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct keyring_key *
keyring_find(const struct keyring *ring, const char *address, uint32_t *count)
{
	struct span whole = span_of(address), at = { NULL, 0 };

	while (keytable_candidate(whole, &at)) {
		uint32_t first = lower_bound(ring, at), n = 0;

		while (first + n < ring->count &&
		       compare_pattern(at, ring->keys[first + n].pattern) == 0)
			n++;
		if (n > 0) {
			*count = n;
			return &ring->keys[first];
		}
	}
	return NULL;
}

uint32_t
keyring_group(const struct keyring_key *k, uint32_t count)
{
	uint32_t n = 1;

	while (n < count && k[n].key.algorithm == k->key.algorithm &&
	       strcmp(k[n].domain, k->domain) == 0 &&
	       strcmp(k[n].pattern, k->pattern) == 0 &&
	       strcmp(k[n].identity != NULL ? k[n].identity : "",
		   k->identity != NULL ? k->identity : "") == 0)
		n++;
	return n;
}
