/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overrides that `millrace limits set` and `block` keep in the store.  What
 * was looked up is remembered; once a second one value tells whether any has
 * changed, so that a change counts within a second and mail seldom asks.
 */
#ifndef RATELIMIT_STORED_H
#define RATELIMIT_STORED_H

#include <millrace/store.h>

struct stored;

struct stored *stored_create(
    const struct mr_store_service *, const char *group);
void stored_destroy(struct stored **);

enum stored_kind { STORED_LIMITS, STORED_BLOCK };

/* key: "mailbox:alice@example.com".  Lives as long as the message, or NULL. */
const char *stored_find(
    struct stored *, struct mr_ctx *, enum stored_kind, const char *key);

/* For the command; NULL removes. */
mr_store_status stored_put(struct stored *, struct mr_ctx *, enum stored_kind,
    const char *key, const char *text);

/* Show each; false if the store is away.  Not for the mail path. */
bool stored_each(struct stored *, struct mr_ctx *, enum stored_kind,
    bool (*seen)(void *arg, const char *key, const char *text), void *arg);

#endif
