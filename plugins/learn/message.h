/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message's features, the same whether it comes from a mail server or out
 * of a mailbox: what was added on the way after this host is left out.
 */
#ifndef LEARN_MESSAGE_H
#define LEARN_MESSAGE_H

#include <millrace/address.h>
#include <millrace/content.h>

#include "features.h"

enum { MESSAGE_DIGEST = 32 };

struct message_tools {
	const struct mr_content_service *content;
	const struct mr_address_service *address;
	const struct mr_list *own_hosts; /* that write Received fields here */
};

/*
 * At eom, or in a command's message.  False: out of memory.  digest (SHA-256)
 * is the same for the same message; NULL: not wanted.
 */
bool message_features(struct mr_ctx *, const struct message_tools *,
    struct features *, unsigned char digest[MESSAGE_DIGEST]);

/* Whether a field is left out: pure, for a test. */
bool message_ignores(
    const char *name, const char *value, const struct mr_list *own_hosts);

#endif
