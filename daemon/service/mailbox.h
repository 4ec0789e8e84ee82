/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The address list of a header field (RFC 5322, 3.4 and 4.4; UTF-8 as in
 * RFC 6532).
 *
 * What is no address list is read generously: programs that show mail do so
 * too, each in its own way, and a policy must see every address that one of
 * them may show.  It is then marked as broken.
 */
#ifndef SERVICE_MAILBOX_H
#define SERVICE_MAILBOX_H

#include "base/arena.h"
#include "base/span.h"
#include "millrace/address.h"

enum { MAILBOX_COUNT = 256 };

/* Never NULL; all of it is in the arena. */
const struct mr_mailboxes *mailbox_parse(struct arena *, struct span value);

#endif
