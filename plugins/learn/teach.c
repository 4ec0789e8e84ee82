/* SPDX-License-Identifier: Apache-2.0 */
#include "teach.h"

enum { LONG = 100 }; /* of one kind without one of the other */

static enum seen_class
class_of(bool spam)
{
	return spam ? SEEN_SPAM : SEEN_HAM;
}

/* How many of the newest kind came without one of the other. */
static uint64_t
run_length(const struct model *m)
{
	int64_t run = m->head->run;

	return (uint64_t)(run < 0 ? -run : run);
}

static void
count_run(struct model *m, bool spam)
{
	int64_t *run = &m->head->run;

	if (spam)
		*run = *run > 0 ? *run + 1 : 1;
	else
		*run = *run < 0 ? *run - 1 : -1;
}

/* Learn an example again.  False: it could not be read. */
static bool
recall(struct teacher *t, bool spam, uint64_t which)
{
	struct features f;
	bool ok = seen_example(t->seen, class_of(spam), which, &f);

	if (ok && f.count > 0)
		model_recall(t->model, &f, spam);
	features_finish(&f);
	return ok;
}

static bool
is_long(const struct teacher *t)
{
	return run_length(t->model) > LONG;
}

/* For so many messages an example of each kind. */
static bool
settle(struct teacher *t, uint64_t messages)
{
	const struct model_head *h = t->model->head;
	/* Onwards from those that the message before was levelled with. */
	uint64_t from = h->ham + h->spam;

	for (uint64_t i = 0; i < messages; i++)
		if (!recall(t, false, from + i) || !recall(t, true, from + i))
			return false;
	return true;
}

bool
teach(struct teacher *t, const struct features *f,
    const unsigned char digest[SEEN_DIGEST], bool spam)
{
	enum seen_class before = seen_get(t->seen, digest);
	struct model *m = t->model;

	if (before == class_of(spam)) {
		t->tally.known++;
		return true;
	}
	if (before != SEEN_NOT) {
		model_forget(m, f, !spam);
		t->tally.corrected++;
	}
	count_run(m, spam);
	if (is_long(t) && !recall(t, !spam, run_length(m)))
		return false;
	/* Later it would undo what the correction has just reached. */
	if (is_long(t) && t->corrects && !settle(t, 1))
		return false;
	model_learn(m, f, spam, t->corrects || before != SEEN_NOT);
	t->tally.learned++;
	return seen_set(t->seen, digest, class_of(spam)) &&
	       seen_keep(t->seen, digest, class_of(spam),
		   spam ? m->head->spam : m->head->ham, f);
}

bool
unteach(struct teacher *t, const struct features *f,
    const unsigned char digest[SEEN_DIGEST])
{
	enum seen_class before = seen_get(t->seen, digest);

	if (before == SEEN_NOT) {
		t->tally.unknown++;
		return true;
	}
	model_forget(t->model, f, before == SEEN_SPAM);
	t->tally.forgotten++;
	return seen_set(t->seen, digest, SEEN_NOT);
}

bool
teach_settle(struct teacher *t)
{
	return !is_long(t) || t->corrects || settle(t, t->tally.learned);
}
