/* SPDX-License-Identifier: Apache-2.0 */
/* Messages out of what people keep mail in. */
#ifndef LEARN_MAILBOX_H
#define LEARN_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Show each message of a file (one message, or an mbox: RFC 4155), of a
 * Maildir (cur and new), of a folder of files, or of the standard input for
 * "-", until seen() says false.  False and *why if something cannot be read;
 * the caller frees it.
 */
bool mailbox_each(const char *path,
    bool (*seen)(void *arg, const char *text, size_t len), void *arg,
    char **why);

/*
 * Cut the next message off an mbox.  What does not begin with a "From " line
 * is one message.  Pure.
 */
bool mailbox_next(
    const char **at, size_t *left, const char **text, size_t *len);

#endif
