/* SPDX-License-Identifier: Apache-2.0 */
/* What the store says of keys, for the command: looked at and printed. */
#ifndef RATELIMIT_VIEW_H
#define RATELIMIT_VIEW_H

#include "instance.h"

/* A limit of a key, and how far it is used. */
struct view_row {
	const char *instance;
	char *key; /* "mailbox:alice" */
	struct rule rule;
	char source[300]; /* "config", "store", "file domain:example.com" */
	struct mr_limit_state state;
};

/* A key, or those that mail of a login has. */
struct view {
	const char *instance;
	struct ratelimit *ratelimit;
	struct rules_key keys[RULES_KEYS];
	struct rules rules;
	struct mr_limit_state states[RULES_MOST];
	struct rules_override overrides[INSTANCE_OVERRIDES];
	int64_t refused; /* in a day, of the first key */
	uint32_t first;  /* the key that was asked for */
};

/*
 * The keys that text names: "NAME:VALUE", or a value of the first key, from
 * which the others follow as for mail of that login.  False: there is no key
 * of that name in this instance.
 */
bool view_keys(struct view *, struct mr_ctx *, const char *text);
/* Their limits and what is used.  False: the store does not answer. */
bool view_fill(struct view *, struct mr_ctx *);
void view_row(const struct view *, uint32_t rule, struct view_row *out);

void view_print(const struct view *);
void view_print_json(const struct view *, bool first);

void view_rows_print(const struct view_row *, size_t n);
void view_row_print_json(const struct view_row *, bool first);
void view_row_print_plain(const struct view_row *);

#endif
