/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which messages a model has learned, and as what: so that none counts
 * twice, and one can be learned anew or forgotten.  A SQLite file beside the
 * model; used under the writer's lock only.
 */
#ifndef LEARN_SEEN_H
#define LEARN_SEEN_H

#include <stdbool.h>

enum seen_class { SEEN_NOT = -1, SEEN_HAM = 0, SEEN_SPAM = 1 };

struct seen;

/* NULL and *why; the caller frees it. */
struct seen *seen_open(const char *model_path, char **why);
/* Keep what was set since it was opened, or drop it all. */
bool seen_commit(struct seen *, char **why);
void seen_close(struct seen **);

enum seen_class seen_get(struct seen *, const unsigned char digest[32]);
/* SEEN_NOT: forget it.  False: it could not be written. */
bool seen_set(struct seen *, const unsigned char digest[32], enum seen_class);

#endif
