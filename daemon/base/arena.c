/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks that are handed out from their start.  The first one lies behind
 * the arena itself, so that the many small scopes cost one malloc each.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define ARENA_BLOCK_MIN 256u
#define ARENA_BLOCK_MAX (64u * 1024u)
#define ARENA_ALIGN     alignof(max_align_t)

struct block {
	struct block *next;
	size_t size; /* bytes from malloc, this header included */
};

struct arena {
	char *free; /* the next byte to hand out */
	char *end;
	struct block *blocks; /* all but the first */
	size_t first;         /* bytes behind this struct */
	size_t next;          /* bytes of the next block */
	size_t held;
};

/* Headers are padded so that what follows them is aligned. */
static size_t
padded(size_t n)
{
	return (n + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
}

/* malloc's bytes, not zeroed: what is handed out is zeroed then. */
static void *
block_memory(size_t n)
{
	return memory_resize(NULL, n);
}

static void
arena_empty(struct arena *a)
{
	a->free = (char *)a + padded(sizeof(*a));
	a->end = a->free + a->first;
	a->blocks = NULL;
	a->held = padded(sizeof(*a)) + a->first;
	a->next = a->first < ARENA_BLOCK_MIN ? ARENA_BLOCK_MIN : a->first;
}

struct arena *
arena_create(size_t first)
{
	struct arena *a = block_memory(padded(sizeof(*a)) + first);

	a->first = first;
	arena_empty(a);
	return a;
}

static void
free_blocks(struct arena *a)
{
	struct block *b;

	while ((b = a->blocks) != NULL) {
		a->blocks = b->next;
		free(b);
	}
}

void
arena_destroy(struct arena **a)
{
	if (*a == NULL)
		return;
	free_blocks(*a);
	free(*a);
	*a = NULL;
}

void
arena_reset(struct arena *a)
{
	free_blocks(a);
	arena_empty(a);
}

/* A block of n bytes for use; returns the first of them. */
static char *
add_block(struct arena *a, size_t n)
{
	size_t size = padded(sizeof(struct block)) + n;
	struct block *b = block_memory(size);

	b->next = a->blocks;
	b->size = size;
	a->blocks = b;
	a->held += size;
	return (char *)b + padded(sizeof(*b));
}

static void *
take(struct arena *a, size_t n, size_t align)
{
	size_t skip = -(uintptr_t)a->free & (align - 1);
	char *p;

	if (n > SIZE_MAX / 2)
		return memory_resize(NULL, n); /* ends the process */
	if (skip + n <= (size_t)(a->end - a->free)) {
		p = a->free + skip;
		a->free = p + n;
		return p;
	}
	if (a->next < ARENA_BLOCK_MAX)
		a->next *= 2;
	if (a->next > ARENA_BLOCK_MAX)
		a->next = ARENA_BLOCK_MAX;
	/* The rest of the current block stays in use after a large one. */
	if (n > a->next / 4)
		return add_block(a, n);
	p = add_block(a, a->next);
	a->free = p + n;
	a->end = p + a->next;
	return p;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	return memset(take(a, n, ARENA_ALIGN), 0, n);
}

char *
arena_copy(struct arena *a, const char *text)
{
	return arena_copy_span(a, span_of(text));
}

char *
arena_copy_span(struct arena *a, struct span s)
{
	char *p = take(a, s.n + 1, 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

char *
arena_printf(struct arena *a, const char *format, ...)
{
	size_t room = (size_t)(a->end - a->free);
	va_list args;
	char *p;
	int n;

	va_start(args, format);
	n = vsnprintf(a->free, room, format, args);
	va_end(args);
	if (n < 0)
		abort(); /* only a wrong format fails */
	p = take(a, (size_t)n + 1, 1);
	if ((size_t)n < room)
		return p;
	va_start(args, format);
	vsnprintf(p, (size_t)n + 1, format, args);
	va_end(args);
	return p;
}

size_t
arena_size(const struct arena *a)
{
	return a->held;
}
