/* SPDX-License-Identifier: Apache-2.0 */
/* What the store knows of a login: its step, its signs, its queue ids. */
#ifndef ACCOUNT_STATE_H
#define ACCOUNT_STATE_H

#include "account.h"

enum { LOGIN_BYTES = 120, STATE_TEXT_BYTES = 400 };

struct state {
	char login[LOGIN_BYTES + 1]; /* spelt: its name in the store */
	enum step step;
	/* Raised by restore: what was seen before does not count. */
	int64_t epoch;
	int64_t since_ms;                /* Unix time of the step */
	char text[STATE_TEXT_BYTES + 1]; /* of a block by hand, or "" */
};

/* Small letters, printable, without blanks; a long one ends in a hash. */
void state_spell(char out[LOGIN_BYTES + 1], const char *login);

/* Pure: the value that state_read() finds. */
size_t state_print(char out[STATE_TEXT_BYTES + 80], const struct state *);
bool state_parse(const char *text, size_t n, struct state *);

/* DOWN: nothing is known; otherwise *s is filled, its login is given. */
mr_store_status state_read(
    const struct account *, struct mr_ctx *, struct state *);
mr_store_status state_write(const struct account *, struct mr_ctx *,
    const struct state *, int64_t ttl_ms);

/* Seen in this message: value NULL is nothing.  True if it is a new one. */
bool state_seen(const struct account *, struct mr_ctx *, const struct state *,
    enum signal_kind, const char *member, int64_t *distinct);

/*
 * Count what happened, and fill in the values of all signals that count.
 * The number of messages is that of SIGNAL_RISE.
 */
mr_store_status state_count(const struct account *, struct mr_ctx *,
    const struct state *, const int64_t costs[SIGNAL_KINDS],
    int64_t values[SIGNAL_KINDS]);
/* sent: messages within the period of RISE; keep: as the newest word. */
int64_t state_baseline(const struct account *, struct mr_ctx *,
    const struct state *, int64_t sent, bool keep);

/* True once for each window. */
bool state_first_alert(
    const struct account *, struct mr_ctx *, const struct state *, enum step);

void state_keep_queue_id(const struct account *, struct mr_ctx *,
    const struct state *, const char *queue_id);
/* Show the ids of a day. */
bool state_queue_ids(const struct account *, struct mr_ctx *,
    const struct state *, bool (*seen)(void *arg, const char *id), void *arg);

/* Forget signs, alerts and baseline; the step goes to NONE. */
mr_store_status state_restore(
    const struct account *, struct mr_ctx *, struct state *);

/* Logins that have a step, until seen() says false. */
bool state_each(const struct account *, struct mr_ctx *,
    bool (*seen)(void *arg, const struct state *), void *arg);

const char *state_step_name(enum step);

#endif
