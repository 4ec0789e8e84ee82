/* SPDX-License-Identifier: Apache-2.0 */
/* The texts that clients are told.  Pure. */
#ifndef RATELIMIT_REPLY_H
#define RATELIMIT_REPLY_H

#include <stddef.h>
#include <stdint.h>

enum { REPLY_BYTES = 600 };

/* What {limit}, {key}, {used} and {when} stand for. */
struct reply_facts {
	const char *limit, *key, *used, *when;
};

/* What is wrong with a text of the configuration, or NULL. */
const char *reply_fault(const char *text);

/* out: REPLY_BYTES.  Cut where it finds no room; printable ASCII. */
void reply_build(
    char out[REPLY_BYTES], const char *text, const struct reply_facts *);

/* "in 12 minutes", rounded up; "now". */
enum { REPLY_WHEN_BYTES = 40 };
void reply_when(char out[REPLY_WHEN_BYTES], int64_t ms);

#endif
