/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of the request: what rspamd is told of a message beside the
 * message itself.  Asks the host, no one else.
 */
#ifndef RSPAMD_QUESTION_H
#define RSPAMD_QUESTION_H

#include <millrace/plugin.h>

/* settings: rspamd's Settings-Id, or NULL.  Memory of the message. */
const char *question_head(
    struct mr_ctx *, const char *settings, size_t message_size, size_t *n);

#endif
