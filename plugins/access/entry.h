/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of a list entry: what its owner wants to be said or scored.
 * Pure: knows neither lists nor the daemon.
 */
#ifndef ACCESS_ENTRY_H
#define ACCESS_ENTRY_H

#include <stdbool.h>

enum { ENTRY_TEXT_BYTES = 900 };

struct entry_reply {
	int code;         /* 0: none was given */
	char dsn[16];     /* "": none was given */
	const char *text; /* within the value; "": none was given */
};

/*
 * "[code [dsn]] text", each part optional: "550 5.7.1 Go away", "Go away",
 * "".  Returns NULL, or what is wrong and how to mend it; *reply is then
 * untouched.
 */
const char *entry_reply_parse(const char *value, struct entry_reply *reply);

/* A decimal number, "2.5" or "-1".  False: it is not one. */
bool entry_score_parse(const char *value, double *score);

#endif
