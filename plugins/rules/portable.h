/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Do PCRE2 and Hyperscan read a pattern alike?  Where one of them knows a
 * construct and the other takes it for something else, one would not find
 * what the other matches.  Pure.
 */
#ifndef RULES_PORTABLE_H
#define RULES_PORTABLE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * True: each construct of the pattern is in the part that they share.  It is
 * one that PCRE2 compiles, in bytes, without PCRE2_EXTENDED.
 */
bool portable_pattern(const char *pattern, size_t n);

#endif
