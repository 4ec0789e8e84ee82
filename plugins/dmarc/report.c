/* SPDX-License-Identifier: Apache-2.0 */
#include "report.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A hash table of texts: chains of entries, grown by doubling. */
struct entry {
	struct entry *next;
	uint64_t hash;
	const char *key; /* in what value points to, or malloc'd */
	void *value;
};

struct table {
	struct entry **slots;
	size_t nslots, count;
};

struct rows {
	struct report report;
	struct table table;
	size_t room;
	char *key;
};

struct report_set {
	const char *domain;
	struct table reports;
	struct report **list;
};

static void *
must(void *p)
{
	if (p == NULL) {
		fputs("millrace: out of memory\n", stderr);
		exit(75);
	}
	return p;
}

/* FNV-1a */
static uint64_t
hash_of(const char *key)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
	return h;
}

static void
table_grow(struct table *t)
{
	size_t n = t->nslots > 0 ? 2 * t->nslots : 64;
	struct entry **slots = must(calloc(n, sizeof(*slots)));

	for (size_t i = 0; i < t->nslots; i++)
		while (t->slots[i] != NULL) {
			struct entry *e = t->slots[i];

			t->slots[i] = e->next;
			e->next = slots[e->hash % n];
			slots[e->hash % n] = e;
		}
	free(t->slots);
	t->slots = slots;
	t->nslots = n;
}

/* The entry of the key; a new one has no value, and its key is borrowed. */
static struct entry *
table_find(struct table *t, const char *key)
{
	uint64_t hash = hash_of(key);
	struct entry *e;

	if (t->count >= t->nslots)
		table_grow(t);
	for (e = t->slots[hash % t->nslots]; e != NULL; e = e->next)
		if (e->hash == hash && strcmp(e->key, key) == 0)
			return e;
	e = must(calloc(1, sizeof(*e)));
	e->hash = hash;
	e->key = key;
	e->next = t->slots[hash % t->nslots];
	t->slots[hash % t->nslots] = e;
	t->count++;
	return e;
}

static void
table_finish(struct table *t)
{
	for (size_t i = 0; i < t->nslots; i++)
		while (t->slots[i] != NULL) {
			struct entry *e = t->slots[i];

			t->slots[i] = e->next;
			free(e);
		}
	free(t->slots);
}

/* --- reports --- */

struct report_set *
report_create(const char *domain)
{
	struct report_set *set = must(calloc(1, sizeof(*set)));

	set->domain = domain;
	return set;
}

static void
rows_destroy(struct rows *r)
{
	for (size_t i = 0; i < r->report.nrows; i++) {
		free(r->report.rows[i]->xml);
		free(r->report.rows[i]);
	}
	for (size_t i = 0; i < EVIDENCE_KEYS; i++)
		free(r->report.values[i]);
	free(r->report.rows);
	table_finish(&r->table);
	free(r->key);
	free(r);
}

void
report_destroy(struct report_set **set)
{
	struct report_set *s = *set;

	if (s == NULL)
		return;
	for (size_t i = 0; i < s->reports.nslots; i++)
		for (struct entry *e = s->reports.slots[i]; e != NULL;
		     e = e->next)
			rows_destroy(e->value);
	table_finish(&s->reports);
	free(s->list);
	free(s);
	*set = NULL;
}

/* The members that make a policy configuration. */
static bool
is_policy(size_t key)
{
	return key >= EVIDENCE_DOMAIN && key <= EVIDENCE_METHOD;
}

static struct rows *
rows_of(struct report_set *set, const struct evidence *e)
{
	struct entry *found;
	struct rows *r;
	char *key = NULL;
	size_t n;
	FILE *f = must(open_memstream(&key, &n));

	for (size_t i = 0; i < EVIDENCE_KEYS; i++)
		if (is_policy(i))
			fprintf(f, "%s\n",
			    e->values[i] != NULL ? e->values[i] : "");
	fclose(f);
	found = table_find(&set->reports, must(key));
	if (found->value != NULL) {
		free(key);
		return found->value;
	}
	found->value = r = must(calloc(1, sizeof(*r)));
	r->key = key;
	r->report.id = (uint32_t)(found->hash ^ found->hash >> 32);
	for (size_t i = 0; i < EVIDENCE_KEYS; i++)
		if (is_policy(i) && e->values[i] != NULL)
			r->report.values[i] = must(strdup(e->values[i]));
	return r;
}

static void
add_row(struct rows *r, char *xml)
{
	struct entry *e = table_find(&r->table, xml);
	struct report_row *row = e->value;

	if (row != NULL) {
		free(xml);
		row->count++;
		return;
	}
	e->value = row = must(calloc(1, sizeof(*row)));
	row->xml = xml;
	row->count = 1;
	if (r->report.nrows == r->room) {
		r->room = r->room > 0 ? 2 * r->room : 16;
		r->report.rows = must(
		    realloc(r->report.rows, r->room * sizeof(*r->report.rows)));
	}
	r->report.rows[r->report.nrows++] = row;
}

/* --- the journal's records --- */

static const char *
text(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(object, key));
}

/* The domain that all recipients are at, or NULL. */
static const char *
envelope_to(const cJSON *record)
{
	const cJSON *list =
	    cJSON_GetObjectItemCaseSensitive(record, "recipients");
	const cJSON *one;
	const char *domain = NULL;

	cJSON_ArrayForEach(one, list)
	{
		const char *address = text(one, "address");
		const char *at = address != NULL ? strrchr(address, '@') : NULL;

		if (at == NULL ||
		    (domain != NULL && strcasecmp(at + 1, domain) != 0))
			return NULL;
		domain = at + 1;
	}
	return domain;
}

static bool
is_evidence(const char *symbol)
{
	static const char *const names[] = { "DMARC_PASS", "DMARC_NONE",
		"DMARC_QUARANTINE", "DMARC_REJECT" };

	for (size_t i = 0; symbol != NULL && i < 4; i++)
		if (strcmp(names[i], symbol) == 0)
			return true;
	return false;
}

/* It becomes part of a file's name and of a mail's header. */
static bool
is_name(const char *domain)
{
	return domain != NULL && domain[0] != '\0' && domain[0] != '.' &&
	       strspn(domain, "abcdefghijklmnopqrstuvwxyz0123456789-_.") ==
		   strlen(domain);
}

static void
add_symbol(struct report_set *set, const cJSON *record, const cJSON *symbol)
{
	const char *detail = text(symbol, "detail"), *domain;
	const cJSON *client =
	    cJSON_GetObjectItemCaseSensitive(record, "client");
	struct xml_row row = { .source_ip = text(client, "addr"),
		.envelope_to = envelope_to(record) };
	struct evidence e;
	struct rows *r;
	char *copy, *xml = NULL;
	size_t n;
	FILE *f;

	if (!is_evidence(text(symbol, "name")) || detail == NULL ||
	    row.source_ip == NULL)
		return;
	copy = must(strdup(detail));
	if (!evidence_read(copy, &e) ||
	    !is_name(domain = e.values[EVIDENCE_DOMAIN]) ||
	    (set->domain != NULL && strcmp(set->domain, domain) != 0))
		goto out;
	row.observed =
	    cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(symbol, "observed"));
	f = must(open_memstream(&xml, &n));
	xml_record(f, &e, &row);
	fclose(f);
	r = rows_of(set, &e);
	r->report.wanted = r->report.wanted || e.values[EVIDENCE_RUA] != NULL;
	r->report.messages++;
	add_row(r, must(xml));
out:
	free(copy);
}

void
report_add(struct report_set *set, const char *json)
{
	cJSON *record = cJSON_Parse(json);
	const cJSON *symbol;

	cJSON_ArrayForEach(
	    symbol, cJSON_GetObjectItemCaseSensitive(record, "symbols"))
	    add_symbol(set, record, symbol);
	cJSON_Delete(record);
}

/* --- what comes out --- */

static int
by_xml(const void *a, const void *b)
{
	const struct report_row *const *x = a, *const *y = b;

	return strcmp((*x)->xml, (*y)->xml);
}

static int
by_domain(const void *a, const void *b)
{
	const struct report *const *x = a, *const *y = b;
	int order = strcmp(
	    (*x)->values[EVIDENCE_DOMAIN], (*y)->values[EVIDENCE_DOMAIN]);

	return order != 0 ? order
			  : ((*x)->id > (*y)->id) - ((*x)->id < (*y)->id);
}

struct report *const *
report_list(struct report_set *set, size_t *count)
{
	size_t n = 0;

	free(set->list);
	set->list = must(calloc(set->reports.count + 1, sizeof(*set->list)));
	for (size_t i = 0; i < set->reports.nslots; i++)
		for (struct entry *e = set->reports.slots[i]; e != NULL;
		     e = e->next) {
			struct rows *r = e->value;

			qsort(r->report.rows, r->report.nrows,
			    sizeof(*r->report.rows), by_xml);
			set->list[n++] = &r->report;
		}
	qsort(set->list, n, sizeof(*set->list), by_domain);
	*count = n;
	return set->list;
}

void
report_write(const struct report *r, const struct xml_metadata *m, FILE *f)
{
	const char *policy[EVIDENCE_KEYS];

	for (size_t i = 0; i < EVIDENCE_KEYS; i++)
		policy[i] = r->values[i];
	xml_begin(f, m, policy);
	for (size_t i = 0; i < r->nrows; i++) {
		const char *xml = r->rows[i]->xml;
		const char *at = strchr(xml, XML_COUNT);

		fprintf(f, "%.*s%" PRIu64 "%s", (int)(at - xml), xml,
		    r->rows[i]->count, at + 1);
	}
	xml_end(f);
}
