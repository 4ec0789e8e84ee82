/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which messages a model has learned, and as what: so that none counts
 * twice, and one can be learned anew or forgotten; and the features of the
 * newest.  A SQLite file beside the model; used under the writer's lock only.
 */
#ifndef LEARN_SEEN_H
#define LEARN_SEEN_H

#include "features.h"

enum { SEEN_DIGEST = 32, SEEN_EXAMPLES = 2000 /* of each kind */ };
enum seen_class { SEEN_NOT = -1, SEEN_HAM = 0, SEEN_SPAM = 1 };

struct seen;

/* NULL and *why; the caller frees it. */
struct seen *seen_open(const char *model_path, char **why);
/* Keep what was set since it was opened, or drop it all. */
bool seen_commit(struct seen *, char **why);
bool seen_clear(struct seen *); /* all are forgotten */
void seen_close(struct seen **);

enum seen_class seen_get(
    struct seen *, const unsigned char digest[SEEN_DIGEST]);
/* SEEN_NOT: forget it, as an example too.  False: not written. */
bool seen_set(
    struct seen *, const unsigned char digest[SEEN_DIGEST], enum seen_class);

/*
 * Keep it as an example in place of the one that came SEEN_EXAMPLES before:
 * it is the number-th of its kind.  False: it could not be written.
 */
bool seen_keep(struct seen *, const unsigned char digest[SEEN_DIGEST],
    enum seen_class, uint64_t number, const struct features *);
/*
 * An example of that kind, the same for the same number; no features if there
 * is none.  f needs features_finish.  False: it could not be read.
 */
bool seen_example(
    struct seen *, enum seen_class, uint64_t number, struct features *f);

#endif
