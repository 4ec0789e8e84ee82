/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: a list of limits, the expression of a key, the name of a counter
 * and a value that becomes part of one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/ratelimit/key.c"
#include "../../plugins/ratelimit/limit.c"
#include "../../plugins/ratelimit/reply.c"
#include "../../plugins/ratelimit/rules.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Blocks that one evaluation has taken. */
struct memory {
	void *blocks[1000];
	size_t n;
	const char *text;
};

static void
check_limits(const char *text)
{
	const struct rules_key key = { "mailbox", "a" };
	const struct rules_override o = { 0, "file", text };
	const char *at = text;
	char out[LIMIT_PRINT_BYTES];
	struct limit l;
	struct rules r;

	while (limit_next(&at, &l) == NULL && l.what != LIMIT_END) {
		if (at > text + strlen(text) || l.amount > LIMIT_AMOUNT_MOST ||
		    l.amount < -1 || l.burst > LIMIT_AMOUNT_MOST)
			abort();
		if (l.what == LIMIT_BLOCKED)
			continue;
		limit_print(out, &l);
		if (limit_fault(out) != NULL)
			abort();
	}
	rules_build(&r, &key, 1, NULL, 0, &o, 1);
	rules_squeeze(&r, 3);
	if (r.count > RULES_MOST)
		abort();
}

static enum key_state
fact(void *arg, enum key_fact which, const char *name, const char **value)
{
	const struct memory *m = arg;

	*value = which == KEY_HELO ? NULL : m->text;
	return strlen(name) % 5 == 4 ? KEY_LATER : KEY_VALUE;
}

static const char *
table(void *arg, enum key_table which, const char *text)
{
	(void)arg;
	return which == KEY_PLANS ? NULL : text;
}

static void *
take(void *arg, size_t n)
{
	struct memory *m = arg;

	if (m->n == 1000)
		abort(); /* 64 nodes cannot ask for so much */
	return m->blocks[m->n++] = calloc(1, n);
}

static void
check_key(const char *text)
{
	struct memory m = { .text = text };
	const struct key_source source = { &m, fact, table, take };
	const char *value = NULL;
	struct key key;

	if (key_parse(&key, text) != NULL)
		return;
	if (key_eval(&key, &source, &value) == KEY_VALUE &&
	    (value == NULL || value[0] == '\0'))
		abort();
	while (m.n > 0)
		free(m.blocks[--m.n]);
}

/* What a value is spelt as can be cut out of a counter again. */
static void
check_counter(const char *text)
{
	const struct limit l = { .what = LIMIT_WINDOW, .period_ms = 3600000 };
	struct rules_counter_parts p;
	char spelt[KEY_VALUE_BYTES + 1], name[RULES_COUNTER_BYTES];
	size_t n;

	rules_counter_parse(text, strlen(text), &p);
	key_spell(spelt, text);
	if (spelt[0] == '\0')
		return;
	n = rules_counter(name, "mailbox", spelt, &l);
	if (n >= sizeof(name) || !rules_counter_parse(name, n, &p) ||
	    p.value_bytes != strlen(spelt) ||
	    memcmp(p.value, spelt, p.value_bytes) != 0)
		abort();
}

static void
check_reply(const char *text)
{
	const struct reply_facts facts = { text, text, text, text };
	char out[REPLY_BYTES];

	reply_fault(text);
	reply_build(out, text, &facts);
	for (const char *p = out; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	check_limits(text);
	check_key(text);
	check_counter(text);
	check_reply(text);
	free(text);
	return 0;
}
