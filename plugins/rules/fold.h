/* SPDX-License-Identifier: Apache-2.0 */
/* What names look like to a reader in a hurry.  Pure. */
#ifndef RULES_FOLD_H
#define RULES_FOLD_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Fold UTF-8 text to what it looks like: lower case, letters of other
 * scripts, digits and pairs that look like a Latin letter as that letter
 * ("pаypa1" as "paypal", "rn" as "m"); other marks are left out, blanks kept.
 * At most size - 1 bytes and a NUL.  Returns the length.
 */
size_t fold_text(char *out, size_t size, const char *text, size_t n);

/*
 * The first label of an A-label domain, its Punycode undone (RFC 3492), to
 * UTF-8.  Returns its length; 0: it cannot be decoded.
 */
size_t fold_label(char *out, size_t size, const char *domain);

/* Letters to insert, remove, change or swap; more than most: most + 1. */
unsigned fold_distance(const char *a, const char *b, unsigned most);

/* Words in which Latin letters stand beside those of another script. */
unsigned fold_mixed_words(const char *text, size_t n);

#endif
