/* SPDX-License-Identifier: Apache-2.0 */
#include "view.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <millrace/print.h>

#include "reply.h"

/* Mail as it might come: from that login, or that address. */
struct asking {
	const struct view *view;
	struct mr_ctx *ctx;
	const char *text;
};

static enum key_state
asked_fact(void *arg, enum key_fact fact, const char *name, const char **value)
{
	const struct asking *a = arg;
	unsigned char bytes[16];
	bool address = inet_pton(AF_INET, a->text, bytes) == 1 ||
		       inet_pton(AF_INET6, a->text, bytes) == 1;
	bool client = fact == KEY_CLIENT ||
		      (fact == KEY_MACRO && strcmp(name, "{client_addr}") == 0);
	bool login = fact == KEY_LOGIN || fact == KEY_SENDER ||
		     (fact == KEY_MACRO && strcmp(name, "{auth_authen}") == 0);

	if (!(client && address) && !(login && !address))
		return KEY_EMPTY;
	*value = a->text;
	return KEY_VALUE;
}

static const char *
asked_table(void *arg, enum key_table which, const char *text)
{
	const struct asking *a = arg;
	const struct ratelimit_conf *conf = a->view->ratelimit->conf;

	return instance_look_up(a->view->ratelimit, a->ctx,
	    which == KEY_TENANTS ? conf->tenants
	    : which == KEY_PLANS ? conf->plans
				 : conf->map,
	    text);
}

static void *
asked_memory(void *arg, size_t n)
{
	const struct asking *a = arg;

	return a->ctx->host->alloc(a->ctx, n);
}

static const char *
spelt(struct mr_ctx *c, const char *text)
{
	char *out = c->host->alloc(c, KEY_VALUE_BYTES + 1);

	key_spell(out, text);
	return out;
}

static void
follow(struct view *v, struct mr_ctx *c, const char *text)
{
	struct asking asking = { v, c, text };
	const struct key_source source = { &asking, asked_fact, asked_table,
		asked_memory };
	const char *value;

	for (uint32_t i = 0; i < v->ratelimit->nkeys; i++)
		if (key_eval(&v->ratelimit->keys[i], &source, &value) ==
		    KEY_VALUE)
			v->keys[i].value = spelt(c, value);
}

bool
view_keys(struct view *v, struct mr_ctx *c, const char *text)
{
	struct ratelimit *r = v->ratelimit;
	const char *colon = strchr(text, ':');
	bool named;

	memset(v->keys, 0, sizeof(v->keys));
	for (uint32_t i = 0; i < r->nkeys; i++)
		memcpy(v->keys[i].name, r->names[i], sizeof(r->names[i]));
	v->first = 0;
	if (colon != NULL)
		v->first = rules_key_named(
		    v->keys, r->nkeys, text, (size_t)(colon - text));
	named = colon != NULL && v->first < r->nkeys;
	if (named)
		text = colon + 1;
	/* An IPv6 address has colons too, but more than one. */
	else if (colon != NULL && strchr(colon + 1, ':') == NULL)
		return false;
	if (text[0] == '\0')
		return false;
	if (!named)
		v->first = 0;
	if (v->first == 0)
		follow(v, c, text);
	/* Named, it is meant as it stands in the store. */
	if (named || v->keys[0].value == NULL)
		v->keys[v->first].value =
		    strchr(text, '%') != NULL ? text : spelt(c, text);
	return true;
}

static struct mr_bytes
bytes(const char *text)
{
	return (struct mr_bytes){ text, (uint32_t)strlen(text) };
}

static void
read_refused(struct view *v, struct mr_ctx *c)
{
	const struct ratelimit *r = v->ratelimit;
	struct mr_bytes value;
	char name[RULES_COUNTER_BYTES];

	snprintf(name, sizeof(name), "r %s:%.220s", v->keys[v->first].name,
	    v->keys[v->first].value);
	if (r->store->get(c, bytes(r->conf->group), bytes(name), &value) ==
	    MR_STORE_OK)
		v->refused = strtoll(value.p, NULL, 10);
}

bool
view_fill(struct view *v, struct mr_ctx *c)
{
	struct ratelimit *r = v->ratelimit;
	char names[RULES_MOST][RULES_COUNTER_BYTES];
	struct mr_limit limits[RULES_MOST];
	uint32_t n = instance_overrides(r, c, v->keys, v->overrides);

	rules_build(&v->rules, v->keys, r->nkeys, r->defaults, r->ndefaults,
	    v->overrides, n);
	for (uint32_t i = 0; i < v->rules.count; i++) {
		const struct rule *rule = &v->rules.items[i];
		size_t len = rules_counter(names[i], v->keys[rule->key].name,
		    v->keys[rule->key].value, &rule->limit);

		limits[i] = (struct mr_limit){
			.key = { names[i], (uint32_t)len },
			.kind = rule->limit.what == LIMIT_RATE
				    ? MR_LIMIT_RATE
				    : MR_LIMIT_WINDOW,
			.amount = rule->limit.amount,
			.period_ms = rule->limit.period_ms,
			.burst = rule->limit.burst > 0 ? rule->limit.burst : 1,
		};
	}
	read_refused(v, c);
	return v->rules.count == 0 ||
	       r->store->reserve(c, bytes(r->conf->group), limits,
		   v->rules.count, bytes(""), v->states, NULL) == MR_STORE_OK;
}

static void
source_of(char out[300], const struct view *v, const struct rule *rule)
{
	snprintf(out, 300, "%s", rule->source);
	if (strcmp(rule->source, "config") != 0)
		snprintf(out, 300, "%s %s:%.220s", rule->source,
		    v->keys[rule->by].name, v->keys[rule->by].value);
}

void
view_row(const struct view *v, uint32_t i, struct view_row *out)
{
	const struct rule *rule = &v->rules.items[i];
	const struct rules_key *k = &v->keys[rule->key];

	*out = (struct view_row){
		.instance = v->instance, .rule = *rule, .state = v->states[i]
	};
	source_of(out->source, v, rule);
	if (asprintf(&out->key, "%s:%s", k->name, k->value) == -1)
		abort();
}

static void
print_free(char out[LIMIT_PRINT_BYTES], const struct view_row *r)
{
	if (r->rule.limit.amount < 0)
		snprintf(out, LIMIT_PRINT_BYTES, "-");
	else
		snprintf(
		    out, LIMIT_PRINT_BYTES, "%lld", (long long)r->state.free);
}

static void
print_row(const struct view_row *r, int width)
{
	char limit[LIMIT_PRINT_BYTES], free_units[LIMIT_PRINT_BYTES];
	char when[REPLY_WHEN_BYTES];

	limit_print(limit, &r->rule.limit);
	print_free(free_units, r);
	reply_when(when, r->state.retry_ms);
	printf("%-*s  %-32s %12lld %12s  %-14s %s\n", width, r->key, limit,
	    (long long)r->state.used, free_units,
	    r->state.retry_ms < 0 ? "never" : when, r->source);
}

void
view_rows_print(const struct view_row *rows, size_t n)
{
	size_t width = 3;

	for (size_t i = 0; i < n; i++)
		if (strlen(rows[i].key) > width)
			width = strlen(rows[i].key);
	printf("%-*s  %-32s %12s %12s  %-14s %s\n", (int)width, "key", "limit",
	    "used", "free", "next free", "from");
	for (size_t i = 0; i < n; i++)
		print_row(&rows[i], (int)width);
}

static bool
refuses(const struct view_row *r)
{
	return r->rule.limit.amount >= 0 && r->state.free <= 0;
}

static void
print_blocked(const struct view *v)
{
	const struct rule *b = &v->rules.blocked;
	char source[300];

	if (b->source == NULL)
		return;
	source_of(source, v, b);
	printf("blocked: %.*s (from %s)\n",
	    b->limit.text_bytes > 0 ? (int)b->limit.text_bytes : 7,
	    b->limit.text_bytes > 0 ? b->limit.text : "no text", source);
}

void
view_print(const struct view *v)
{
	struct view_row rows[RULES_MOST];
	char limit[LIMIT_PRINT_BYTES];

	printf("instance %s\n", v->instance);
	for (uint32_t i = 0; i < v->rules.count; i++)
		view_row(v, i, &rows[i]);
	view_rows_print(rows, v->rules.count);
	for (uint32_t i = 0; i < v->rules.count; i++) {
		limit_print(limit, &rows[i].rule.limit);
		if (refuses(&rows[i]))
			printf("refuses now: %s %s\n", rows[i].key, limit);
		free(rows[i].key);
	}
	print_blocked(v);
	printf("refused in the last day: %lld\n", (long long)v->refused);
}

void
view_row_print_json(const struct view_row *r, bool first)
{
	const struct limit *l = &r->rule.limit;
	char limit[LIMIT_PRINT_BYTES];

	limit_print(limit, l);
	printf("%s\n  {", first ? "" : ",");
	mr_print_member("instance", r->instance);
	mr_print_member("key", r->key);
	mr_print_member("limit", limit);
	mr_print_member("unit", limit_unit_name(l->unit));
	mr_print_member("kind", l->what == LIMIT_RATE ? "rate" : "window");
	mr_print_member("source", r->source);
	printf("\"amount\":%lld,\"period_ms\":%lld,\"used\":%lld,",
	    (long long)l->amount, (long long)l->period_ms,
	    (long long)r->state.used);
	if (l->amount < 0)
		printf("\"free\":null,");
	else
		printf("\"free\":%lld,", (long long)r->state.free);
	printf("\"retry_ms\":%lld,\"refuses\":%s}",
	    (long long)r->state.retry_ms, refuses(r) ? "true" : "false");
}

void
view_row_print_plain(const struct view_row *r)
{
	char limit[LIMIT_PRINT_BYTES], free_units[LIMIT_PRINT_BYTES];

	limit_print(limit, &r->rule.limit);
	print_free(free_units, r);
	printf("%s\t%s\t%s\t%lld\t%s\t%s\n", r->instance, r->key, limit,
	    (long long)r->state.used, free_units, r->source);
}

void
view_print_json(const struct view *v, bool first)
{
	const struct rule *b = &v->rules.blocked;
	char text[LIMIT_PRINT_BYTES * 5];

	printf("%s\n{", first ? "" : ",");
	mr_print_member("instance", v->instance);
	printf("\"refused\":%lld,", (long long)v->refused);
	if (b->source != NULL) {
		snprintf(text, sizeof(text), "%.*s", (int)b->limit.text_bytes,
		    b->limit.text);
		mr_print_member("blocked", text);
		source_of(text, v, b);
		mr_print_member("blocked_source", text);
	} else {
		printf("\"blocked\":null,");
	}
	printf("\"limits\":[");
	for (uint32_t i = 0; i < v->rules.count; i++) {
		struct view_row row;

		view_row(v, i, &row);
		view_row_print_json(&row, i == 0);
		free(row.key);
	}
	printf("]}");
}
