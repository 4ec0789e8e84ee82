/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message as rules see it: one of a session, or one that a test wrote.
 */
#ifndef RULES_VIEW_H
#define RULES_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <millrace/address.h>
#include <millrace/content.h>

#include "pool.h"
#include "rule.h"

struct text {
	const char *p;
	size_t n;
};

struct texts {
	struct text *items;
	size_t count;
};

struct view_field {
	const char *name, *value; /* value: raw, without its first blanks */
	const char *decoded;      /* NULL: not yet */
	const struct mr_mailboxes *mailboxes; /* the same */
};

/* The mailboxes of all fields of that name. */
struct view_mailbox_list {
	const char *name;
	const struct mr_mailboxes *all;
};

struct view_pair {
	const char *name, *value;
};

struct view {
	struct mr_ctx *ctx;
	const struct mr_address_service *address;
	struct pool *pool;
	const struct mr_content *content;
	struct view_field *fields;
	size_t nfields;
	const char *sender; /* of the envelope */
	const char *const *recipients;
	const char *client_addr, *client_name, *helo, *login, *tls;
	size_t text_limit; /* how much of a body patterns look at */
	time_t now;
	struct view_mailbox_list *lists; /* those asked for so far */
	size_t nlists;
	const char *folded_name; /* of the From, as fold.h has it; or NULL */
	/* What a test says; a session is asked. */
	bool test;
	struct view_pair *notes;
	size_t nnotes;
	struct view_pair *symbols; /* of other instances */
	size_t nsymbols;
};

/* Of the message that is open in ctx, at eom. */
void view_of_message(struct view *, struct mr_ctx *,
    const struct mr_address_service *, const struct mr_content *,
    struct pool *);

/* The texts of a source. */
struct texts view_texts(struct view *, const struct source *);

const char *view_note(struct view *, const char *key);
/* Has another instance found it?  One that observes does not count. */
bool view_has_symbol(struct view *, const char *name);

/* The first field of that name, decoded; NULL: there is none. */
const char *view_field(struct view *, const char *name);
/*
 * The mailboxes of all fields of that name, which must live as long as the
 * view; NULL: there is none.  Dozens of rules ask for the same.
 */
const struct mr_mailboxes *view_mailboxes(struct view *, const char *name);
/* The registered domain, or the domain itself; never NULL. */
const char *view_registered(struct view *, const char *domain);

#endif
