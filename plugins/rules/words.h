/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many words looked for in one pass (Aho and Corasick, CACM 18:6, 1975), in
 * upper or lower case.  Pure.
 */
#ifndef RULES_WORDS_H
#define RULES_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct words;

struct words *words_create(void);
void words_destroy(struct words **);

/* Before build: word stands for id; several words may have the same one. */
void words_add(struct words *, const char *word, size_t n, uint32_t id);
void words_build(struct words *);

/* Set seen[id] for each word that the text holds. */
void words_scan(const struct words *, const char *text, size_t n, bool *seen);

#endif
