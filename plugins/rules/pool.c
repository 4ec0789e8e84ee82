/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 16384 };

struct pool_block {
	struct pool_block *next;
	size_t used, size;
	_Alignas(max_align_t) char bytes[];
};

void *
pool_alloc(struct pool *p, size_t n)
{
	struct pool_block *b = p->blocks;
	void *at;

	n = (n + sizeof(max_align_t) - 1) / sizeof(max_align_t) *
	    sizeof(max_align_t);
	if (b == NULL || b->size - b->used < n) {
		size_t size = n > BLOCK ? n : BLOCK;

		if ((b = calloc(1, sizeof(*b) + size)) == NULL)
			abort();
		b->size = size;
		b->next = p->blocks;
		p->blocks = b;
	}
	at = b->bytes + b->used;
	b->used += n;
	return at;
}

char *
pool_copy(struct pool *p, const char *text, size_t n)
{
	char *copy = pool_alloc(p, n + 1);

	return n > 0 ? memcpy(copy, text, n) : copy;
}

char *
pool_printf(struct pool *p, const char *format, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = pool_alloc(p, (size_t)n + 1);
	va_start(args, format);
	vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return text;
}

/* Arrays have room for a power of two. */
void *
pool_grow(struct pool *p, void *items, size_t count, size_t size)
{
	void *grown;

	if (count != 0 && (count & (count - 1)) != 0)
		return items;
	grown = pool_alloc(p, (count == 0 ? 1 : 2 * count) * size);
	if (count > 0)
		memcpy(grown, items, count * size);
	return grown;
}

void
pool_finish(struct pool *p)
{
	while (p->blocks != NULL) {
		struct pool_block *next = p->blocks->next;

		free(p->blocks);
		p->blocks = next;
	}
}
