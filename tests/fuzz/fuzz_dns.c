/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records and names of the DNS.  The first byte is the type, the next ones a
 * limit and how the rest is cut into records; what comes out must be bounded,
 * ended by NULs, and the same when a name in it is read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "service/dns_answer.h"
#include "service/dns_name.h"
#include "service/dns_servers.h"

enum { RECORDS = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

static void
check_name(const char *text)
{
	char once[DNS_NAME], twice[DNS_NAME];

	if (!dns_name_fold(text, once))
		return;
	must(strlen(once) < DNS_NAME);
	must(dns_name_fold(once, twice) && strcmp(once, twice) == 0);
}

static void
check_answer(const struct mr_dns_answer *a, mr_dns_type type)
{
	must((a->why != NULL) == (a->status == MR_DNS_TEMPFAIL));
	must((a->count > 0) == (a->status == MR_DNS_OK));
	for (uint32_t i = 0; i < a->count; i++) {
		const struct mr_dns_record *r = &a->records[i];

		must(r->data[r->len] == '\0');
		if (type != MR_DNS_PTR && type != MR_DNS_MX)
			continue;
		must(strlen(r->data) == r->len && r->len < DNS_NAME);
		if (r->len > 0) {
			char again[DNS_NAME];

			must(dns_name_fold(r->data, again));
			must(strcmp(again, r->data) == 0);
		}
	}
}

static void
check_records(const uint8_t *data, size_t n)
{
	static const mr_dns_type types[] = { MR_DNS_A, MR_DNS_PTR, MR_DNS_MX,
		MR_DNS_TXT, MR_DNS_AAAA, 99 };
	mr_dns_type type = types[data[0] % 6];
	size_t limit = (size_t)data[1] * 16 + 1;
	struct span rdata[RECORDS], in = { (const char *)data + 3, n - 3 };
	uint32_t count = 0;
	struct dns_answer *a;
	void *place;

	while (in.n > 0 && count < RECORDS)
		rdata[count++] = span_cut(&in, (char)data[2]);
	a = dns_answer_decode(type, rdata, count, limit);
	check_answer(&a->answer, type);
	place = malloc(a->bytes);
	must(place != NULL);
	check_answer(dns_answer_copy(a, place), type);
	dns_answer_drop(&a);
	free(place);
}

/* What is taken from a resolv.conf goes into a file of another syntax. */
static void
check_resolv_conf(struct span text)
{
	char server[CONFIG_DNS_SERVER];

	while (dns_resolv_conf_next(&text, server)) {
		must(memchr(server, '\0', sizeof(server)) != NULL);
		must(strchr(server, '@') != NULL);
		must(strpbrk(server, " \t\r\n\"") == NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = malloc(n + 1);

	must(text != NULL);
	if (n > 0)
		memcpy(text, data, n);
	text[n] = '\0';
	check_name(text);
	free(text);
	check_resolv_conf((struct span){ (const char *)data, n });
	if (n >= 3)
		check_records(data, n);
	return 0;
}
