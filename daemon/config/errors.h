/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with a configuration, gathered so that one run tells all of
 * it.  The result is in the order of the files and lines.
 */
#ifndef CONFIG_ERRORS_H
#define CONFIG_ERRORS_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

struct errors_line {
	struct config_place place;
	size_t order; /* of its file, and of its coming */
	char *text;
};

/* Zeroed is empty. */
struct errors {
	struct errors_line *lines;
	size_t count;
	const char **files; /* borrowed, in the order they were first named */
	size_t nfiles;
};

/* Errors of this file come after those of the files named before. */
void errors_file(struct errors *, const char *file);
/* place.file NULL: it has no place.  The text is "what: cure". */
void errors_add(struct errors *, struct config_place, const char *, ...)
    __attribute__((format(printf, 3, 4)));
/* Lines "file:line: text"; the caller frees it.  NULL if there are none. */
char *errors_text(struct errors *);
void errors_finish(struct errors *);

#endif
