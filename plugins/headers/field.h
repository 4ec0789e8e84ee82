/* SPDX-License-Identifier: Apache-2.0 */
/* Names of header fields, and patterns of them.  Pure. */
#ifndef HEADERS_FIELD_H
#define HEADERS_FIELD_H

#include <stdbool.h>
#include <stddef.h>

enum { FIELD_NAME_BYTES = 255 };

/*
 * Cut "Name: value" in two: the length of the name; *value stands after the
 * colon and blanks.  0: it is not one.
 */
size_t field_cut(const char *text, const char **value);

/* A name, in which * and ? may stand for others; at least one letter. */
bool field_pattern_ok(const char *pattern);

#endif
