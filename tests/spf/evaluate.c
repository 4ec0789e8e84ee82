/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin's evaluation without daemon and name server, for many checks a
 * second: reads the zone of a check and the check from stdin, line by line.
 *
 *	dns NAME TYPE STATUS [RECORD ...]   RECORD: hex; of MX "10:" and hex
 *	limits TERMS VOIDS
 *	check ADDRESS HELO SENDER           hex
 *
 * and answers each check, after which the zone is empty again:
 *
 *	RESULT TERMS VOIDS EXPLANATION [WHY]
 *
 * with the explanation in hex, or "-".  What a zone has not, is not there.
 */
#include <stdint.h>

#include <millrace/dns.h>
#include <millrace/fake.h>

#include "plugins/spf/act.c"
#include "plugins/spf/address.c"
#include "plugins/spf/check.c"
#include "plugins/spf/conf.c"
#include "plugins/spf/domain.c"
#include "plugins/spf/engine.c"
#include "plugins/spf/eval.c"
#include "plugins/spf/lookup.c"
#include "plugins/spf/macro.c"
#include "plugins/spf/names.c"
#include "plugins/spf/policy.c"
#include "plugins/spf/received.c"
#include "plugins/spf/record.c"
#include "plugins/spf/result.c"
#include "plugins/spf/rewrite.c"
#include "plugins/spf/spf.c"
#include "plugins/spf/text.c"
#include "plugins/spf/words.c"

enum { ROWS = 512, RECORDS = 64 };

static struct row {
	char *name;
	mr_dns_type type;
	struct mr_dns_answer answer;
	struct mr_dns_record records[RECORDS];
} rows[ROWS];
static size_t nrows;
static struct eval_limits limits = { 10, 2, 10, 10, 1000 };

static void
broken(const char *what)
{
	fprintf(stderr, "evaluate: %s\n", what);
	exit(1);
}

/* --- the zone --- */

static void
zone_clear(void)
{
	while (nrows > 0) {
		struct row *r = &rows[--nrows];

		for (uint32_t i = 0; i < r->answer.count; i++) {
			union {
				const char *in;
				char *out;
			} data = { r->records[i].data };

			free(data.out);
		}
		free(r->name);
		memset(r, 0, sizeof(*r));
	}
}

static const struct mr_dns_answer *
zone_query(struct mr_ctx *c, const char *name, mr_dns_type type, int64_t limit)
{
	static const struct mr_dns_answer none = { .status = MR_DNS_NXDOMAIN };
	static const struct mr_dns_answer nodata = { .status = MR_DNS_NODATA };
	bool there = false;

	(void)c;
	if (limit <= 0)
		broken("a question without time");
	for (size_t i = 0; i < nrows; i++) {
		if (strcasecmp(rows[i].name, name) != 0)
			continue;
		there = true;
		if (rows[i].type == type)
			return &rows[i].answer;
	}
	return there ? &nodata : &none;
}

static void
zone_prefetch(struct mr_ctx *c, const char *name, mr_dns_type type)
{
	(void)c;
	(void)name;
	(void)type;
}

static const char *
zone_reverse(struct mr_ctx *c, const char *addr, const char *zone)
{
	char *name = c->host->alloc(c, 100);
	struct address a;
	size_t n = 0;

	if (zone != NULL || !address_parse(span_of(addr), &a))
		return NULL;
	if (a.bits == 32) {
		snprintf(name, 100, "%u.%u.%u.%u.in-addr.arpa", a.bytes[3],
		    a.bytes[2], a.bytes[1], a.bytes[0]);
		return name;
	}
	for (size_t i = 16; i-- > 0;)
		n += (size_t)snprintf(name + n, 100 - n, "%x.%x.",
		    a.bytes[i] & 15, a.bytes[i] >> 4);
	snprintf(name + n, 100 - n, "ip6.arpa");
	return name;
}

static const struct mr_dns_service zone = { sizeof(zone), zone_prefetch,
	zone_query, zone_reverse };

/* --- lines --- */

static unsigned
hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = strchr(digits, c);

	if (c == '\0' || at == NULL)
		broken("bad hex");
	return (unsigned)(at - digits);
}

/* "-": no bytes at all.  A NUL follows them. */
static char *
unhex(const char *hex, uint32_t *n)
{
	size_t length = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;
	char *bytes = malloc(length + 1);

	if (bytes == NULL)
		broken("no memory");
	for (size_t i = 0; i < length; i++)
		bytes[i] = (char)(hex_digit(hex[2 * i]) << 4 |
				  hex_digit(hex[2 * i + 1]));
	bytes[length] = '\0';
	*n = (uint32_t)length;
	return bytes;
}

static int
number_of(const char *word, const char *const *words)
{
	for (int i = 0; words[i] != NULL; i++)
		if (word != NULL && strcmp(words[i], word) == 0)
			return i;
	broken("an unknown word");
	return 0;
}

static void
read_dns(char **at)
{
	static const char *const types[] = { "A", "PTR", "MX", "TXT", "AAAA",
		NULL };
	static const mr_dns_type numbers[] = { MR_DNS_A, MR_DNS_PTR, MR_DNS_MX,
		MR_DNS_TXT, MR_DNS_AAAA };
	static const char *const statuses[] = { "ok", "nodata", "nxdomain",
		"tempfail", NULL };
	struct row *r = &rows[nrows++];
	char *word;

	if (nrows == ROWS)
		broken("too many rows");
	r->name = strdup(strtok_r(NULL, " \n", at));
	r->type = numbers[number_of(strtok_r(NULL, " \n", at), types)];
	r->answer.status = number_of(strtok_r(NULL, " \n", at), statuses);
	r->answer.records = r->records;
	while ((word = strtok_r(NULL, " \n", at)) != NULL) {
		struct mr_dns_record *record = &r->records[r->answer.count++];
		char *colon = strchr(word, ':');

		if (r->answer.count == RECORDS)
			broken("too many records");
		if (colon != NULL)
			record->preference = (uint16_t)strtoul(word, NULL, 10);
		record->data =
		    unhex(colon != NULL ? colon + 1 : word, &record->len);
	}
}

static void
show(const struct check *k)
{
	const char *e = k->explanation;

	printf("%s %u %u ", result_name(k->result), k->terms, k->voids);
	if (e == NULL)
		putchar('-');
	for (; e != NULL && *e != '\0'; e++)
		printf("%02x", (unsigned char)*e);
	printf(" %s\n", k->why != NULL ? k->why : "");
	fflush(stdout);
}

static void
run_check(struct fake *f, char **at)
{
	struct eval_facts facts = { .dns = &zone,
		.map = f->host.service(&f->host, MR_MAP_SERVICE),
		.limits = limits,
		.receiver = { "mx.example.net", 14 } };
	const char *address = strtok_r(NULL, " \n", at);
	uint32_t n;
	char *helo = unhex(strtok_r(NULL, " \n", at), &n);
	char *sender = unhex(strtok_r(NULL, " \n", at), &n);
	struct check k;

	if (address == NULL || !address_parse(span_of(address), &facts.client))
		broken("no address");
	fake_mail(f, sender);
	check_identify(&f->ctx, &facts, sender, helo);
	check_host(&f->ctx, &facts, (struct span){ "", 0 }, true, &k);
	show(&k);
	fake_end(f, MR_OUTCOME_ABORTED);
	free(helo);
	free(sender);
}

int
main(void)
{
	static struct fake f;
	char *line = NULL;
	size_t size = 0;

	fake_init(&f, &mr_plugin_spf);
	fake_service(&f, MR_DNS_SERVICE, &zone);
	f.client.addr = "unknown"; /* the plugin itself is not asked */
	if (!fake_open(&f))
		broken(fake_transcript(&f));
	while (getline(&line, &size, stdin) > 0) {
		char *at, *word = strtok_r(line, " \n", &at);

		if (word == NULL)
			continue;
		if (strcmp(word, "dns") == 0) {
			read_dns(&at);
		} else if (strcmp(word, "limits") == 0) {
			limits.terms =
			    (uint32_t)atoi(strtok_r(NULL, " \n", &at));
			limits.voids =
			    (uint32_t)atoi(strtok_r(NULL, " \n", &at));
		} else if (strcmp(word, "check") == 0) {
			run_check(&f, &at);
			zone_clear();
		} else {
			broken(word);
		}
	}
	free(line);
	zone_clear();
	fake_finish(&f);
	return 0;
}
