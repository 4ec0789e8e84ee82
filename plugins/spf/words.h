/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of a result: to the client that is refused, and in the field
 * Received-SPF (RFC 7208, 9.1).  Pure; what comes from outside is made
 * harmless here.
 */
#ifndef SPF_WORDS_H
#define SPF_WORDS_H

#include <stdint.h>

#include "result.h"
#include "text.h"

enum {
	WORDS_REPLY = 480, /* bytes of each line of a reply, with the NUL */
	WORDS_VALUE = 255, /* that one placeholder or property brings */
	/* Of a field's value: comment and six properties, all escaped. */
	WORDS_HEADER = 2 * WORDS_REPLY + 6 * (2 * WORDS_VALUE + 32) + 64,
};

/* All of it may be bytes that a stranger chose.  NULL: not known. */
struct words {
	enum identity identity;
	enum result result;
	const char *client;
	const char *sender;
	const char *domain; /* that was checked */
	const char *helo;
	const char *receiver;
	const char *why;  /* of an error */
	const char *path; /* the term that matched */
};

/* "192.0.2.7 is not allowed to send mail for example.com" */
void words_reason(const struct words *, struct text *);

/*
 * A text with placeholders, {client} and the like; {{ is a brace.  What is
 * wrong with it and how to mend it, or NULL.
 */
const char *words_fault(const char *text);
/* Expand a text without fault to one line of printable ASCII. */
void words_expand(const char *text, const struct words *, struct text *);

/* A line with the text of exp=, marked as somebody else's. */
void words_explain(const char *explanation, const char *domain, struct text *);

/* The value of Received-SPF, folded. */
void words_header(const struct words *, struct text *);

/* 550, "5.7.23" and the like (RFC 7372; RFC 7208, 8.6 and 8.7). */
int32_t words_code(enum result, bool for_good, const char **dsn);

#endif
