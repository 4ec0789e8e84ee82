/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Room for n more bytes and the NUL. */
static void
buf_room(struct buf *b, size_t n)
{
	size_t size = b->size > 0 ? b->size : 64;

	assert(n < SIZE_MAX / 4 && b->n < SIZE_MAX / 4);
	while (size < b->n + n + 1)
		size *= 2;
	if (size == b->size)
		return;
	b->p = memory_resize(b->p, size);
	b->size = size;
}

void
buf_put(struct buf *b, const void *bytes, size_t n)
{
	buf_room(b, n);
	if (n > 0)
		memcpy(b->p + b->n, bytes, n);
	b->n += n;
	b->p[b->n] = '\0';
}

void
buf_text(struct buf *b, const char *text)
{
	buf_put(b, text, strlen(text));
}

void
buf_char(struct buf *b, char c)
{
	if (b->size < b->n + 2) {
		buf_put(b, &c, 1);
		return;
	}
	b->p[b->n++] = c;
	b->p[b->n] = '\0';
}

void
buf_printf(struct buf *b, const char *format, ...)
{
	va_list args;
	int n;

	buf_room(b, 1);
	va_start(args, format);
	n = vsnprintf(b->p + b->n, b->size - b->n, format, args);
	va_end(args);
	assert(n >= 0); /* only a wrong format fails */
	if ((size_t)n >= b->size - b->n) {
		buf_room(b, (size_t)n);
		va_start(args, format);
		vsnprintf(b->p + b->n, b->size - b->n, format, args);
		va_end(args);
	}
	b->n += (size_t)n;
}

void
buf_cut(struct buf *b, size_t n)
{
	assert(n <= b->n);
	b->n = n;
	if (b->p != NULL)
		b->p[n] = '\0';
}

void
buf_drop(struct buf *b, size_t n)
{
	assert(n <= b->n);
	if (n == 0)
		return;
	b->n -= n;
	memmove(b->p, b->p + n, b->n + 1);
}

void
buf_fit(struct buf *b)
{
	if (b->p == NULL || b->size == b->n + 1)
		return;
	b->size = b->n + 1;
	b->p = memory_resize(b->p, b->size);
}

void
buf_finish(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ 0 };
}
