/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a relay of ours was connected to, from the field Received that it
 * wrote (RFC 5321, 4.4), in the words of Postfix, Sendmail, Exim, qmail and
 * Exchange.  Pure.
 */
#ifndef SPF_RECEIVED_H
#define SPF_RECEIVED_H

#include <stdbool.h>

#include "address.h"
#include "text.h"

struct received {
	struct address client;
	struct span helo; /* within the value; n is 0 if it is not told */
};

/* value: folded or not.  False: it does not tell the client's address. */
bool received_parse(struct span value, struct received *);

#endif
