/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it takes that mail is learned in any order.  People teach a folder of
 * ham, then one of spam, or report nothing but spam for weeks; a learner that
 * only ever sees the newest message would forget the other kind over that.
 * So the newest 2,000 messages of each kind are kept as examples, and a long
 * run of one kind is mixed with examples of the other.
 */
#ifndef LEARN_TEACH_H
#define LEARN_TEACH_H

#include "model.h"
#include "seen.h"

/* What came of a run. */
struct tally {
	uint64_t learned, corrected, known, forgotten, unknown;
};

struct teacher {
	struct model *model;
	struct seen *seen;
	bool corrects; /* a person says that the verdict was wrong */
	struct tally tally;
};

/* One message; twice the same counts once.  False: the list took it not. */
bool teach(struct teacher *, const struct features *,
    const unsigned char digest[SEEN_DIGEST], bool spam);
bool unteach(struct teacher *, const struct features *,
    const unsigned char digest[SEEN_DIGEST]);

/* At the end: level out what the messages of this time have tilted. */
bool teach_settle(struct teacher *);

#endif
