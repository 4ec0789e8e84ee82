/* SPDX-License-Identifier: Apache-2.0 */
#include "service/dns_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "service/dns_name.h"

/* What a record's data becomes, appended to a buffer. */
typedef bool decode(struct span, struct buf *, uint16_t *preference);

static bool
decode_bytes(struct span in, size_t n, struct buf *out)
{
	if (in.n != n)
		return false;
	buf_put(out, in.p, n);
	return true;
}

static bool
decode_a(struct span in, struct buf *out, uint16_t *preference)
{
	(void)preference;
	return decode_bytes(in, 4, out);
}

static bool
decode_aaaa(struct span in, struct buf *out, uint16_t *preference)
{
	(void)preference;
	return decode_bytes(in, 16, out);
}

static bool
decode_name(struct span in, struct buf *out, uint16_t *preference)
{
	(void)preference;
	return dns_name_text(&in, out) && in.n == 0;
}

static bool
decode_mx(struct span in, struct buf *out, uint16_t *preference)
{
	const unsigned char *p = (const unsigned char *)in.p;

	if (in.n < 2)
		return false;
	*preference = (uint16_t)(p[0] << 8 | p[1]);
	in.p += 2;
	in.n -= 2;
	return decode_name(in, out, preference);
}

/* One string or more, each behind its length (RFC 1035, 3.3.14). */
static bool
decode_txt(struct span in, struct buf *out, uint16_t *preference)
{
	(void)preference;
	if (in.n == 0)
		return false;
	while (in.n > 0) {
		size_t n = (unsigned char)in.p[0];

		if (n >= in.n)
			return false;
		buf_put(out, in.p + 1, n);
		in.p += n + 1;
		in.n -= n + 1;
	}
	return true;
}

static const struct {
	mr_dns_type type;
	decode *decode;
} types[] = {
	{ MR_DNS_A, decode_a },
	{ MR_DNS_PTR, decode_name },
	{ MR_DNS_MX, decode_mx },
	{ MR_DNS_TXT, decode_txt },
	{ MR_DNS_AAAA, decode_aaaa },
};

static decode *
decoder(mr_dns_type type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].decode;
	return NULL;
}

/* Where the parts lie in a block: answer, records, text. */
static struct dns_answer *
block_create(uint32_t count, size_t text)
{
	size_t bytes = sizeof(struct dns_answer) +
		       count * sizeof(struct mr_dns_record) + text;
	struct dns_answer *a = memory_zalloc(bytes);

	a->bytes = bytes;
	atomic_init(&a->holders, 1);
	a->answer.count = count;
	if (count > 0)
		a->answer.records = (struct mr_dns_record *)(a + 1);
	return a;
}

struct dns_answer *
dns_answer_hold(struct dns_answer *a)
{
	atomic_fetch_add(&a->holders, 1);
	return a;
}

void
dns_answer_drop(struct dns_answer **a)
{
	if (*a != NULL && atomic_fetch_sub(&(*a)->holders, 1) == 1)
		free(*a);
	*a = NULL;
}

static char *
block_text(struct dns_answer *a)
{
	return (char *)(a + 1) + a->answer.count * sizeof(struct mr_dns_record);
}

struct dns_answer *
dns_answer_empty(mr_dns_status status, const char *why)
{
	size_t n = why != NULL ? strlen(why) + 1 : 0;
	struct dns_answer *a = block_create(0, n);

	a->answer.status = status;
	if (why != NULL)
		a->answer.why = memcpy(block_text(a), why, n);
	return a;
}

static struct dns_answer *
fail(const char *why)
{
	return dns_answer_empty(MR_DNS_TEMPFAIL, why);
}

static struct dns_answer *
fail_too_long(size_t limit)
{
	char why[96];

	snprintf(why, sizeof(why),
	    "the answer has more than %zu bytes (dns-answer-max)", limit);
	return fail(why);
}

/* The records' places while they are decoded: the text moves as it grows. */
struct place {
	size_t start, n;
	uint16_t preference;
};

static struct dns_answer *
assemble(const struct place *places, uint32_t count, const struct buf *text)
{
	struct dns_answer *a = block_create(count, text->n);
	struct mr_dns_record *r = (struct mr_dns_record *)(a + 1);
	char *p = memcpy(block_text(a), text->p, text->n);

	for (uint32_t i = 0; i < count; i++)
		r[i] = (struct mr_dns_record){ .data = p + places[i].start,
			.len = (uint32_t)places[i].n,
			.preference = places[i].preference };
	return a;
}

struct dns_answer *
dns_answer_decode(
    mr_dns_type type, const struct span *rdata, uint32_t count, size_t limit)
{
	decode *one = decoder(type);
	struct place *places;
	struct buf text = { 0 };
	struct dns_answer *a = NULL;
	size_t sum = 0;

	if (one == NULL)
		return fail("records of this type cannot be shown");
	for (uint32_t i = 0; i < count; i++)
		if ((sum += rdata[i].n) > limit)
			return fail_too_long(limit);
	if (count == 0)
		return dns_answer_empty(MR_DNS_NODATA, NULL);
	places = memory_zalloc(count * sizeof(*places));
	for (uint32_t i = 0; i < count && a == NULL; i++) {
		places[i].start = text.n;
		if (!one(rdata[i], &text, &places[i].preference))
			a = fail("the answer has a malformed record");
		places[i].n = text.n - places[i].start;
		buf_char(&text, '\0');
	}
	if (a == NULL)
		a = assemble(places, count, &text);
	free(places);
	buf_finish(&text);
	return a;
}

/* The same distance from the new block's start. */
static const char *
moved(const char *p, const struct dns_answer *from, const struct dns_answer *to)
{
	if (p == NULL)
		return NULL;
	return (const char *)to + (p - (const char *)from);
}

struct mr_dns_answer *
dns_answer_copy(const struct dns_answer *from, void *place)
{
	const size_t head = offsetof(struct dns_answer, holders);
	struct dns_answer *to = memcpy(place, from, head);
	struct mr_dns_record *r = (struct mr_dns_record *)(to + 1);

	memcpy(r, from + 1, from->bytes - sizeof(*from));
	to->answer.why = moved(from->answer.why, from, to);
	if (to->answer.count > 0)
		to->answer.records = r;
	for (uint32_t i = 0; i < to->answer.count; i++)
		r[i].data = moved(r[i].data, from, to);
	return &to->answer;
}
