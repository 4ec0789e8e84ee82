/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns as a shell has them, but no more than * and ?. */
#ifndef BASE_GLOB_H
#define BASE_GLOB_H

#include <stdbool.h>

#include "base/span.h"

/*
 * Does the pattern hold for the whole text?  * is any run of bytes, ? any
 * one; ASCII letters in any case.  Takes at most text times pattern steps,
 * whatever both are.
 */
bool glob_match(struct span pattern, struct span text);

#endif
