/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Online logistic regression over hashed features, and the numbers it keeps.
 * Pure arithmetic on memory that somebody else owns.
 *
 * A message has three parts: the first bytes as they came, the header fields,
 * and what a reader sees with its URLs.  Each part is judged and taught for
 * itself, as if there were no others, and their margins are added: what one
 * of them has learned from a wrong label the others outvote.
 *
 * A feature that is there has the value 1/sqrt(n+1), n those of its part, so
 * that a long message counts no more than a short one; each weight has its
 * own step, which shrinks as it is corrected (AdaGrad).  A label is taken to
 * be wrong now and then, so one that contradicts what is known counts less,
 * and no message moves its own margin further than to be clear.
 */
#ifndef LEARN_MODEL_H
#define LEARN_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "features.h"

enum { MODEL_WEIGHTS = 1 << FEATURES_BITS, MODEL_VERSION = 2 };

/* As it lies in a file: little-endian numbers, this machine's floats. */
struct model_head {
	char magic[8]; /* "mrlearn\n" */
	uint32_t version, bits;
	uint64_t ham, spam;   /* messages learned */
	uint64_t corrections; /* of those that contradicted the model */
	int64_t changed;      /* Unix time */
	double slope, shift;  /* margin to log-odds: slope * m + shift */
	int64_t run; /* newest of one kind in a row: spam above 0, ham below */
	uint64_t reserved[7];
};

struct model {
	struct model_head *head;
	float *weights, *sums; /* MODEL_WEIGHTS each */
};

/* Bytes of a model in one piece of memory, and where its parts are. */
#define MODEL_SIZE                                                             \
	(sizeof(struct model_head) + 2 * sizeof(float) * (size_t)MODEL_WEIGHTS)
struct model model_at(void *memory);
void model_begin(struct model *); /* one that knows nothing */
/* NULL, or why these bytes are no model of ours. */
const char *model_fault(const void *memory, uint64_t size);

/* What a feature of this kind counts in this message. */
double model_value(const struct features *, enum unit_kind);
/* The margin: above 0 spam, below 0 ham. */
double model_margin(const struct model *, const struct features *);
/* Log-odds of spam (natural logarithm), calibrated. */
double model_log_odds(const struct model *, double margin);

/*
 * Learn a message: a step for each part that is not clear already.  A
 * correction is a label that a person insists on: it is not doubted, and
 * steps are taken until the message is on the right side (200 at most).
 * Returns the margin afterwards.
 */
double model_learn(
    struct model *, const struct features *, bool spam, bool correction);
/* Again, one that was learned before: it does not count anew. */
void model_recall(struct model *, const struct features *, bool spam);
/* Undo, as far as it can be done, that it was learned. */
void model_forget(struct model *, const struct features *, bool spam);

/* How far it may speak: 0 below `from` of each kind, 1 from twice that on. */
double model_confidence(const struct model *, uint64_t from);

#endif
