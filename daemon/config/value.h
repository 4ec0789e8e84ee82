/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a value, and what it stands for.  Pure: no files, no memory
 * but what is returned.  A function that fails leaves its result as it was
 * and *why a line without a place, which the caller frees.
 */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "millrace/plugin.h"

bool value_bool(const char *text, bool *, char **why);
/* MR_INT, MR_DURATION, MR_SIZE, MR_CHOICE, CONFIG_OCTAL; range checked. */
bool value_number(
    const struct mr_option *, const char *text, int64_t *, char **why);
bool value_real(
    const struct mr_option *, const char *text, double *, char **why);

/* In config syntax, text in quotes. */
void value_print_bool(bool, struct buf *);
void value_print_number(const struct mr_option *, int64_t, struct buf *);
void value_print_real(double, struct buf *);

/* Cut the next word off the choices "a|b".  False at the end. */
bool value_choice_next(struct span *choices, struct span *choice);

#endif
