/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text of an operator's with names in braces, "Refused: {signature}", for
 * replies: what comes from elsewhere is put in as printable ASCII and can
 * neither end the line nor begin another name.  Pure, and all in this file.
 *
 *	static const char *const names[] = { "signature", NULL };
 *	const char *values[] = { signature };
 */
#ifndef MR_TEXT_H
#define MR_TEXT_H

#include <stdio.h>
#include <string.h>

enum { MR_TEXT_MAX = 400, MR_TEXT_VALUE = 200, MR_TEXT_BYTES = 980 };

/* n bytes as printable ASCII, others as "?", cut to fit; at least size 1. */
static inline void
mr_text_clean(char *out, size_t size, const char *bytes, size_t n)
{
	size_t i = 0;

	for (; i < n && i < size - 1; i++)
		out[i] = bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?';
	out[i] = '\0';
}

/* The place of the name that text ("{name}...") begins with, or -1. */
static inline int
mr_text_name(const char *text, const char *const *names)
{
	for (int i = 0; names[i] != NULL; i++) {
		size_t n = strlen(names[i]);

		if (strncmp(text + 1, names[i], n) == 0 && text[n + 1] == '}')
			return i;
	}
	return -1;
}

/* NULL, or what is wrong with the text, in why. */
static inline const char *
mr_text_fault(
    const char *text, const char *const *names, char *why, size_t size)
{
	size_t n = text != NULL ? strlen(text) : 0;

	snprintf(
	    why, size, "the text must have 1 to %d characters", MR_TEXT_MAX);
	if (n == 0 || n > MR_TEXT_MAX)
		return why;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p < ' ' || *p > '~') {
			snprintf(why, size,
			    "the text must be one line of printable ASCII");
			return why;
		}
		if (*p == '{' && mr_text_name(p, names) == -1) {
			n = (size_t)snprintf(why, size, "in braces may stand");
			for (int i = 0; names[i] != NULL && n < size; i++)
				n += (size_t)snprintf(why + n, size - n,
				    "%s {%s}", i > 0 ? "," : "", names[i]);
			return why;
		}
	}
	return NULL;
}

/*
 * The text with the values (NULL: nothing) for the names; a value has
 * MR_TEXT_VALUE bytes at most.  text has no fault.
 */
static inline void
mr_text_expand(char out[MR_TEXT_BYTES], const char *text,
    const char *const *names, const char *const *values)
{
	size_t n = 0;

	while (*text != '\0' && n < MR_TEXT_BYTES - 1) {
		int i = *text == '{' ? mr_text_name(text, names) : -1;
		size_t room = MR_TEXT_BYTES - n;

		if (i == -1) {
			out[n++] = *text++;
			continue;
		}
		if (values[i] != NULL)
			mr_text_clean(out + n,
			    room < MR_TEXT_VALUE + 1 ? room : MR_TEXT_VALUE + 1,
			    values[i], strlen(values[i]));
		else
			out[n] = '\0';
		n += strlen(out + n);
		text += strlen(names[i]) + 2;
	}
	out[n] = '\0';
}

#endif
