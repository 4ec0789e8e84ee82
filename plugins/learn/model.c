/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include <math.h>
#include <string.h>

#define MAGIC            "mrlearn\n"
#define RATE             0.25
#define CLEAR            3.0 /* a part's margin with nothing left to learn */
#define REACH            4.0 /* how far a step may take it */
#define WRONG            0.1 /* this share of labels may be */
#define LARGEST          60.0
#define CALIBRATION_RATE 0.05
#define CALIBRATION_WIDE 4.0 /* a margin beyond teaches the slope no more */
#define SLOPE_MIN        0.25
#define SLOPE_MAX        8.0

enum { STEPS = 200 };

struct model
model_at(void *memory)
{
	struct model_head *head = memory;
	float *weights = (float *)(void *)(head + 1);

	return (struct model){ head, weights, weights + MODEL_WEIGHTS };
}

void
model_begin(struct model *m)
{
	memset(m->head, 0, MODEL_SIZE);
	memcpy(m->head->magic, MAGIC, sizeof(m->head->magic));
	m->head->version = MODEL_VERSION;
	m->head->bits = FEATURES_BITS;
	m->head->slope = 1;
}

const char *
model_fault(const void *memory, uint64_t size)
{
	const struct model_head *h = memory;

	if (size < sizeof(*h) || memcmp(h->magic, MAGIC, sizeof(h->magic)) != 0)
		return "it is not a model of this learner";
	if (h->version != MODEL_VERSION || h->bits != FEATURES_BITS)
		return "it is of another version of the learner: move it away "
		       "and learn anew";
	if (size != MODEL_SIZE)
		return "it is cut off";
	if (!isfinite(h->slope) || !isfinite(h->shift))
		return "its numbers are broken";
	return NULL;
}

static double
clamp(double x, double low, double high)
{
	return x < low ? low : x > high ? high : x;
}

static double
sigmoid(double x)
{
	return 1 / (1 + exp(-clamp(x, -LARGEST, LARGEST)));
}

enum part { PART_RAW, PART_FIELDS, PART_TEXT, PARTS };

static const enum part part_of[UNIT_KINDS] = {
	[UNIT_RAW] = PART_RAW,
	[UNIT_FIELD] = PART_FIELDS,
	[UNIT_WORD] = PART_TEXT,
	[UNIT_URL] = PART_TEXT,
};

/* How a message is judged part by part. */
struct judged {
	double value[PARTS], margin[PARTS];
	double sum; /* of the margins */
};

static enum part
part_at(const struct features *f, uint32_t i)
{
	return part_of[f->units[f->origins[i]].kind];
}

static double
value_of(const struct features *f, enum part part)
{
	double n = 1;

	for (int kind = 0; kind < UNIT_KINDS; kind++)
		if (part_of[kind] == part)
			n += f->of_kind[kind];
	return 1 / sqrt(n);
}

double
model_value(const struct features *f, enum unit_kind kind)
{
	return value_of(f, part_of[kind]);
}

static void
judge(const struct model *m, const struct features *f, struct judged *j)
{
	double sums[PARTS] = { 0 };

	for (uint32_t i = 0; i < f->count; i++)
		sums[part_at(f, i)] += (double)m->weights[f->numbers[i]];
	j->sum = 0;
	for (int p = 0; p < PARTS; p++) {
		j->value[p] = value_of(f, (enum part)p);
		sums[p] *= j->value[p];
		/* A file that was damaged in the middle says nothing. */
		j->margin[p] =
		    isfinite(sums[p]) ? clamp(sums[p], -LARGEST, LARGEST) : 0;
		j->sum += j->margin[p];
	}
	j->sum = clamp(j->sum, -LARGEST, LARGEST);
}

double
model_margin(const struct model *m, const struct features *f)
{
	struct judged j;

	judge(m, f, &j);
	return j.sum;
}

double
model_log_odds(const struct model *m, double margin)
{
	return clamp(
	    m->head->slope * margin + m->head->shift, -LARGEST, LARGEST);
}

static bool
is_clear(double margin, bool spam)
{
	return spam ? margin >= CLEAR : margin <= -CLEAR;
}

/*
 * Where to, and how much: the gradient of the likelihood of a label that is
 * wrong with the chance WRONG.  A label that is sure has no such chance.
 */
static double
gradient(double margin, bool spam, bool sure)
{
	double right = sigmoid(spam ? margin : -margin);
	double g = 1 - right;

	if (is_clear(margin, spam))
		return 0;
	if (!sure)
		g *=
		    (1 - 2 * WRONG) * right / (WRONG + (1 - 2 * WRONG) * right);
	return spam ? g : -g;
}

static double
rate_of(float sum, double g)
{
	return RATE / sqrt((double)sum + g * g + 1e-8);
}

/* One step of the weights towards the label. */
static void
step(struct model *m, const struct features *f, const struct judged *j,
    bool spam, bool sure)
{
	double g[PARTS], moves[PARTS] = { 0 }, share[PARTS];
	bool any = false;

	for (int p = 0; p < PARTS; p++) {
		g[p] = gradient(j->margin[p], spam, sure) * j->value[p];
		any = any || g[p] != 0;
	}
	if (!any)
		return;
	for (uint32_t i = 0; i < f->count; i++) {
		enum part p = part_at(f, i);

		moves[p] += rate_of(m->sums[f->numbers[i]], g[p]);
	}
	for (int p = 0; p < PARTS; p++) {
		double most = REACH - j->margin[p] * (spam ? 1 : -1);
		double move = moves[p] * fabs(g[p]) * j->value[p];

		/* A part that is clear already may be beyond, and stays. */
		share[p] = g[p] != 0 && move > most ? most / move : 1;
	}
	for (uint32_t i = 0; i < f->count; i++) {
		enum part p = part_at(f, i);
		float *sum = &m->sums[f->numbers[i]];

		m->weights[f->numbers[i]] +=
		    (float)(share[p] * g[p] * rate_of(*sum, g[p]));
		*sum += (float)(g[p] * g[p]);
	}
}

/* What was predicted before a message was learned tells how sure to be. */
static void
calibrate(struct model *m, double margin, bool spam)
{
	struct model_head *h = m->head;
	double error = (spam ? 1.0 : 0.0) - sigmoid(model_log_odds(m, margin));

	h->slope = clamp(
	    h->slope + CALIBRATION_RATE * error *
			   clamp(margin, -CALIBRATION_WIDE, CALIBRATION_WIDE) /
			   CALIBRATION_WIDE,
	    SLOPE_MIN, SLOPE_MAX);
	h->shift = clamp(h->shift + CALIBRATION_RATE * error * 0.1, -2, 2);
}

static bool
is_right(double margin, bool spam)
{
	return spam ? margin > 0 : margin < 0;
}

double
model_learn(
    struct model *m, const struct features *f, bool spam, bool correction)
{
	struct judged j;

	judge(m, f, &j);
	calibrate(m, j.sum, spam);
	if (spam)
		m->head->spam++;
	else
		m->head->ham++;
	m->head->corrections += correction;
	for (int i = 0; i < STEPS; i++) {
		step(m, f, &j, spam, correction);
		judge(m, f, &j);
		if (!correction || is_right(j.sum, spam))
			break;
	}
	return j.sum;
}

void
model_recall(struct model *m, const struct features *f, bool spam)
{
	struct judged j;

	judge(m, f, &j);
	calibrate(m, j.sum, spam);
	step(m, f, &j, spam, false);
}

void
model_forget(struct model *m, const struct features *f, bool spam)
{
	uint64_t *count = spam ? &m->head->spam : &m->head->ham;
	struct judged j;

	*count -= *count > 0;
	judge(m, f, &j);
	step(m, f, &j, !spam, true);
}

double
model_confidence(const struct model *m, uint64_t from)
{
	uint64_t least =
	    m->head->ham < m->head->spam ? m->head->ham : m->head->spam;

	if (least < from)
		return 0;
	if (from == 0 || least >= 2 * from)
		return 1;
	return (double)(least - from + 1) / (double)(from + 1);
}
