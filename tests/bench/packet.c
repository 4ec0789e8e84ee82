/* SPDX-License-Identifier: Apache-2.0 */
#include "packet.h"

#include <arpa/inet.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

void
buffer_put(struct buffer *b, const void *data, size_t n)
{
	if (b->n + n > b->size) {
		b->size = (b->n + n) * 2;
		if ((b->p = realloc(b->p, b->size)) == NULL)
			err(1, "out of memory");
	}
	memcpy(b->p + b->n, data, n);
	b->n += n;
}

void
buffer_put_u32(struct buffer *b, uint32_t v)
{
	v = htonl(v);
	buffer_put(b, &v, sizeof(v));
}

void
buffer_put_string(struct buffer *b, const char *s)
{
	buffer_put(b, s, strlen(s) + 1);
}

void
buffer_drop(struct buffer *b, size_t n)
{
	b->n -= n;
	if (b->n > 0)
		memmove(b->p, b->p + n, b->n);
}

void
buffer_finish(struct buffer *b)
{
	free(b->p);
	*b = (struct buffer){ 0 };
}

size_t
packet_begin(struct buffer *b, char command)
{
	size_t begun = b->n;

	buffer_put_u32(b, 0);
	buffer_put(b, &command, 1);
	return begun;
}

void
packet_end(struct buffer *b, size_t begun)
{
	uint32_t length = htonl((uint32_t)(b->n - begun - PACKET_HEAD));

	memcpy(b->p + begun, &length, sizeof(length));
}

uint32_t
packet_u32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return ntohl(v);
}

enum packet_next
packet_next(const struct buffer *b, size_t *at, struct packet *packet)
{
	size_t left = b->n - *at;
	size_t length;

	if (left < PACKET_HEAD)
		return PACKET_NONE;
	length = packet_u32(b->p + *at);
	if (length == 0 || length > PACKET_MAX)
		return PACKET_BAD;
	if (left - PACKET_HEAD < length)
		return PACKET_NONE;
	packet->command = b->p[*at + PACKET_HEAD];
	packet->data = b->p + *at + PACKET_HEAD + 1;
	packet->n = length - 1;
	*at += PACKET_HEAD + length;
	return PACKET_READY;
}
