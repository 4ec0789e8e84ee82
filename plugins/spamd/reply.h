/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What spamd answers to SYMBOLS (spamd/PROTOCOL of SpamAssassin), made
 * harmless.  Pure.
 */
#ifndef SPAMD_REPLY_H
#define SPAMD_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REPLY_HEAD_MAX = 4096,
	REPLY_BODY_MAX = 65536,
	REPLY_TEXT = 200,
	REPLY_SYMBOLS = 200, /* more are passed over */
	REPLY_NAME = 64,
	REPLY_SCORE = 10000, /* no score counts for more */
};

enum reply_state { REPLY_MORE, REPLY_WHOLE, REPLY_ERROR, REPLY_BAD };

struct reply {
	char error[REPLY_TEXT + 1]; /* of ERROR, printable ASCII */
	bool spam;
	double score, threshold;
	uint32_t count;
	char symbols[REPLY_SYMBOLS][REPLY_NAME + 1]; /* A-Z, 0-9 and "_" */
};

/* *r is set if it is WHOLE; of ERROR, only the text. */
enum reply_state reply_parse(const char *bytes, size_t n, struct reply *r);

#endif
