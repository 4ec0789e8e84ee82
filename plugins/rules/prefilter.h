/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many words looked for in one pass (Aho and Corasick, CACM 18:6, 1975), in
 * upper or lower case.  Pure.
 */
#ifndef RULES_PREFILTER_H
#define RULES_PREFILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prefilter;

struct prefilter *prefilter_create(void);
void prefilter_destroy(struct prefilter **);

/* Before build: word stands for id; several words may have the same one. */
void prefilter_add(struct prefilter *, const char *word, size_t n, uint32_t id);
void prefilter_build(struct prefilter *);

/* Set seen[id] for each word that the text holds. */
void prefilter_scan(
    const struct prefilter *, const char *text, size_t n, bool *seen);

#endif
