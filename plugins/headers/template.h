/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text with macros: "{client_addr}", "{note:spf.result|none}", "{{" for a
 * brace.  Pure: asks its caller what a name stands for, and makes harmless
 * what it is told.
 */
#ifndef HEADERS_TEMPLATE_H
#define HEADERS_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	TEMPLATE_NAME_BYTES = 100,  /* of a macro's name */
	TEMPLATE_VALUE_BYTES = 512, /* that one macro may bring */
	TEMPLATE_BYTES = 900,       /* of the whole result */
};

enum template_kind { TEMPLATE_END, TEMPLATE_TEXT, TEMPLATE_MACRO };

struct template_piece {
	enum template_kind kind;
	const char *text; /* of TEXT, or the default of MACRO; no NUL after */
	size_t n;
	char name[TEMPLATE_NAME_BYTES + 1]; /* of MACRO, as written */
};

/*
 * Cut the next piece off *at.  Returns NULL, or what is wrong and how to
 * mend it.
 */
const char *template_next(const char **at, struct template_piece *);

/* The first fault of the whole text, or NULL. */
const char *template_fault(const char *text);

/* What a name stands for; NULL or "": the default, or nothing. */
typedef const char *template_value(void *arg, const char *name);

/*
 * Expand text into out (TEMPLATE_BYTES + 1).  Control bytes become blanks,
 * blanks at both ends go, and what is too long is cut between characters.
 * text has no fault.  Returns the length.
 */
size_t template_expand(
    char *out, const char *text, template_value *value, void *arg);

#endif
