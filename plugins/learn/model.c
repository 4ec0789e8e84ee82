/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include <math.h>
#include <string.h>

#define MAGIC            "mrlearn\n"
#define RATE             0.2
#define CLEAR            4.0 /* a margin with nothing left to learn */
#define SURPRISE         0.9
#define DOUBT            0.3
#define LARGEST          60.0
#define CALIBRATION_RATE 0.05
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
		return "it is of another version: export it there and import "
		       "it here, or begin anew";
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

static double
value_of(const struct features *f)
{
	return 1 / sqrt((double)f->count + 1);
}

double
model_margin(const struct model *m, const struct features *f)
{
	double sum = 0;

	for (uint32_t i = 0; i < f->count; i++)
		sum += (double)m->weights[f->numbers[i]];
	sum *= value_of(f);
	/* A file that was damaged in the middle says nothing. */
	return isfinite(sum) ? clamp(sum, -LARGEST, LARGEST) : 0;
}

double
model_log_odds(const struct model *m, double margin)
{
	return clamp(
	    m->head->slope * margin + m->head->shift, -LARGEST, LARGEST);
}

/* One step of the weights towards the label. */
static void
step(struct model *m, const struct features *f, double margin, bool spam)
{
	double error = (spam ? 1.0 : 0.0) - sigmoid(margin);
	double g;

	/* What contradicts all that was learned may be a wrong label. */
	if (fabs(error) > SURPRISE)
		error *= DOUBT;
	g = error * value_of(f);

	for (uint32_t i = 0; i < f->count; i++) {
		float *sum = &m->sums[f->numbers[i]];
		float *weight = &m->weights[f->numbers[i]];

		*sum += (float)(g * g);
		*weight += (float)(RATE * g / sqrt((double)*sum + 1e-8));
	}
}

/* What was predicted before a message was learned tells how sure to be. */
static void
calibrate(struct model *m, double margin, bool spam)
{
	struct model_head *h = m->head;
	double error = (spam ? 1.0 : 0.0) - sigmoid(model_log_odds(m, margin));

	h->slope = clamp(h->slope + CALIBRATION_RATE * error *
					clamp(margin, -CLEAR, CLEAR) / CLEAR,
	    SLOPE_MIN, SLOPE_MAX);
	h->shift = clamp(h->shift + CALIBRATION_RATE * error * 0.1, -2, 2);
}

static bool
is_right(double margin, bool spam)
{
	return spam ? margin > 0 : margin < 0;
}

static bool
is_clear(double margin, bool spam)
{
	return fabs(margin) >= CLEAR && is_right(margin, spam);
}

double
model_learn(
    struct model *m, const struct features *f, bool spam, bool correction)
{
	double margin = model_margin(m, f);

	calibrate(m, margin, spam);
	if (spam)
		m->head->spam++;
	else
		m->head->ham++;
	m->head->corrections += correction;
	for (int i = 0; i < STEPS; i++) {
		if (is_clear(margin, spam) ||
		    (i > 0 && (!correction || is_right(margin, spam))))
			break;
		step(m, f, margin, spam);
		margin = model_margin(m, f);
	}
	return margin;
}

void
model_recall(struct model *m, const struct features *f, bool spam)
{
	double margin = model_margin(m, f);

	calibrate(m, margin, spam);
	if (!is_clear(margin, spam))
		step(m, f, margin, spam);
}

void
model_forget(struct model *m, const struct features *f, bool spam)
{
	uint64_t *count = spam ? &m->head->spam : &m->head->ham;

	*count -= *count > 0;
	step(m, f, model_margin(m, f), !spam);
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
