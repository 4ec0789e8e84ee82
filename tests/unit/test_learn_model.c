/* SPDX-License-Identifier: Apache-2.0 */
/* The learner: features, the model's arithmetic, explanations. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../../plugins/learn/explain.c"
#include "../../plugins/learn/features.c"
#include "../../plugins/learn/model.c"

static struct model
model_new(void)
{
	struct model m = model_at(calloc(1, MODEL_SIZE));

	assert_non_null(m.head);
	model_begin(&m);
	return m;
}

static void
text_features(struct features *f, const char *subject, const char *text)
{
	assert_true(features_init(f));
	assert_true(features_field(f, "Subject", subject, ""));
	assert_true(features_text(f, text, strlen(text)));
}

/* How many features the parts of a message make, and how many they share. */
static const struct count_case {
	const char *about, *first, *second;
	uint32_t first_count, both_count;
} count_cases[] = {
	{ "shorter than a gram", "abc", "", 0, 0 },
	{ "one gram", "abcd", "", 1, 1 },
	{ "grams overlap", "abcdef", "", 3, 3 },
	{ "case is lost", "abcd", "ABCD", 1, 1 },
	{ "line ends are blanks", "a b c", "a\nb\tc", 2, 2 },
	{ "the same again is not new", "abcdabcd", "", 4, 4 },
	{ "other text is", "abcd", "efgh", 1, 2 },
};

static void
test_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(count_cases) / sizeof(count_cases[0]);
	     i++) {
		const struct count_case *c = &count_cases[i];
		struct features f;

		assert_true(features_init(&f));
		assert_true(features_text(&f, c->first, strlen(c->first)));
		if (f.count != c->first_count)
			fail_msg("%s: %u", c->about, f.count);
		assert_true(features_text(&f, c->second, strlen(c->second)));
		if (f.count != c->both_count)
			fail_msg("%s: both %u", c->about, f.count);
		features_finish(&f);
	}
}

/* The same bytes in another place are another feature. */
static void
test_spaces(void **state)
{
	struct features f;

	(void)state;
	assert_true(features_init(&f));
	assert_true(features_raw(&f, "abcd", 4));
	assert_true(features_text(&f, "abcd", 4));
	assert_true(features_field(&f, "A", "abcd", ""));
	assert_true(features_field(&f, "B", "abcd", "A"));
	assert_true(features_url(&f, "abcd", "abcd", "abcd"));
	/* raw, text, two fields and their two orders, three of the URL */
	assert_int_equal(f.count, 9);
	assert_true(features_field(&f, "b", "abcd", "A"));
	assert_int_equal(f.count, 10); /* another spelling, the same field */
	features_finish(&f);
}

static void
test_limits(void **state)
{
	static char big[FEATURES_BYTES * 3];
	struct features f;

	(void)state;
	for (size_t i = 0; i < sizeof(big) - 1; i++)
		big[i] = (char)('a' + i * i % 23);
	assert_true(features_init(&f));
	assert_true(features_field(&f, "X", big, ""));
	assert_true(f.count <= FEATURES_FIELD);
	assert_true(features_text(&f, big, sizeof(big) - 1));
	assert_true(f.count <= FEATURES_FIELD + FEATURES_BYTES);
	for (uint32_t i = 0; i < f.count; i++) {
		assert_true(f.numbers[i] < 1 << FEATURES_BITS);
		assert_true(f.origins[i] < f.nunits);
	}
	features_finish(&f);
}

static void
teach(struct model *m, const char *subject, const char *text, bool spam)
{
	struct features f;

	text_features(&f, subject, text);
	model_learn(m, &f, spam, false);
	features_finish(&f);
}

static double
ask(const struct model *m, const char *subject, const char *text)
{
	struct features f;
	double margin;

	text_features(&f, subject, text);
	margin = model_margin(m, &f);
	features_finish(&f);
	return margin;
}

static void
test_learns(void **state)
{
	struct model m = model_new();

	(void)state;
	assert_true(ask(&m, "cheap pills", "buy them now") == 0);
	for (int i = 0; i < 5; i++) {
		teach(&m, "cheap pills", "buy them now", true);
		teach(&m, "minutes", "of the meeting on monday", false);
	}
	assert_int_equal(m.head->spam, 5);
	assert_int_equal(m.head->ham, 5);
	assert_true(ask(&m, "cheap pills", "buy them today") > 0);
	assert_true(ask(&m, "minutes", "of the meeting on friday") < 0);
	free(m.head);
}

/* A correction takes as many steps as it needs. */
static void
test_correction(void **state)
{
	struct model m = model_new();
	struct features f;

	(void)state;
	for (int i = 0; i < 50; i++)
		teach(&m, "invoice", "please find it enclosed", true);
	assert_true(ask(&m, "invoice", "please find it enclosed") > 1);
	text_features(&f, "invoice", "please find it enclosed");
	model_forget(&m, &f, true);
	assert_int_equal(m.head->spam, 49);
	assert_true(model_learn(&m, &f, false, true) < 0);
	assert_int_equal(m.head->ham, 1);
	assert_int_equal(m.head->corrections, 1);
	features_finish(&f);
	free(m.head);
}

/* A label that contradicts moves less than one that a person insists on. */
static void
test_doubt(void **state)
{
	struct model first = model_new(), told = model_new();
	struct features f;
	double before;

	(void)state;
	for (int i = 0; i < 50; i++) {
		teach(&first, "invoice", "please find it enclosed", true);
		teach(&told, "invoice", "please find it enclosed", true);
	}
	text_features(&f, "invoice", "please find it enclosed");
	before = model_margin(&first, &f);
	assert_true(model_learn(&first, &f, false, false) < before);
	model_forget(&told, &f, true);
	assert_true(model_margin(&told, &f) < model_margin(&first, &f));
	features_finish(&f);
	free(first.head);
	free(told.head);
}

/* A margin, a label, whether it is sure, and the gradient. */
static const struct gradient_case {
	double margin;
	bool spam, sure;
	double low, high;
} gradient_cases[] = {
	{ 0, true, true, 0.499, 0.501 },
	{ 0, false, true, -0.501, -0.499 },
	{ 0, true, false, 0.39, 0.41 },    /* .5 * .8 * .5 / .5 */
	{ -5, true, true, 0.99, 1 },       /* a correction in full */
	{ -5, true, false, 0.04, 0.06 },   /* the label may be wrong */
	{ 5, false, false, -0.06, -0.04 }, /* either way */
	{ 2.9, true, true, 0.05, 0.06 },
	{ 3, true, true, 0, 0 }, /* clear */
	{ -3, false, true, 0, 0 },
	{ 60, true, false, 0, 0 },
	{ -60, true, false, 0, 1e-20 },
};

static void
test_gradients(void **state)
{
	(void)state;
	for (size_t i = 0;
	     i < sizeof(gradient_cases) / sizeof(gradient_cases[0]); i++) {
		const struct gradient_case *c = &gradient_cases[i];
		double g = gradient(c->margin, c->spam, c->sure);

		if (!(g >= c->low && g <= c->high))
			fail_msg("row %zu: %g", i, g);
	}
}

static uint32_t
draw(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 24;
}

/* One message says no more of itself than that it is clear. */
static void
test_reach(void **state)
{
	static char text[FEATURES_BYTES];
	struct model m = model_new();
	struct features f;
	uint32_t seed = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)('a' + draw(&seed) % 23);
	text_features(&f, "a subject, and a long one it is", text);
	assert_true(f.of_kind[UNIT_FIELD] > 20);
	assert_true(f.of_kind[UNIT_WORD] > 200);
	assert_true(fabs(model_learn(&m, &f, true, false)) < 2 * REACH + 0.01);
	assert_true(model_margin(&m, &f) > CLEAR);
	features_finish(&f);
	free(m.head);
}

/* Each part for itself: one that is clear, and beyond reach, stays so. */
static void
test_parts(void **state)
{
	struct model m = model_new();
	struct features f;
	struct judged j;

	(void)state;
	text_features(&f, "invoice", "please find it enclosed");
	for (uint32_t i = 0; i < f.count; i++)
		if (part_at(&f, i) == PART_TEXT)
			m.weights[f.numbers[i]] = 2;
	judge(&m, &f, &j);
	assert_true(j.margin[PART_TEXT] > REACH);
	assert_true(j.margin[PART_FIELDS] == 0);
	model_learn(&m, &f, true, false);
	assert_true(model_margin(&m, &f) > j.sum);
	for (uint32_t i = 0; i < f.count; i++)
		if (part_at(&f, i) == PART_TEXT)
			assert_true(m.weights[f.numbers[i]] == 2);
		else
			assert_true(m.weights[f.numbers[i]] > 0);
	/* Contradicted, it gives way, and the rest with it. */
	model_learn(&m, &f, false, false);
	assert_true(model_margin(&m, &f) < j.sum);
	features_finish(&f);
	free(m.head);
}

/* One label in ten is wrong, and fresh messages are told apart. */
static void
test_wrong_labels(void **state)
{
	static const char *const words[2][8] = {
		{ "minutes", "agenda", "monday", "project", "budget", "review",
		    "meeting", "holiday" },
		{ "pills", "winner", "lottery", "casino", "bonus", "cheap",
		    "prize", "claim" },
	};
	struct model m = model_new();
	uint32_t seed = 1;

	(void)state;
	for (int i = 0; i < 400; i++) {
		bool spam = i % 2 != 0, wrong = i % 20 == 3 || i % 20 == 8;
		char text[200] = "";
		double margin;

		for (int k = 0; k < 12; k++) {
			strcat(text, words[spam][draw(&seed) % 8]);
			strcat(text, " ");
		}
		margin = ask(&m, "letter", text);
		if (i >= 100 && (spam ? margin <= 0 : margin >= 0))
			fail_msg("message %d: %g", i, margin);
		teach(&m, "letter", text, spam != wrong);
	}
	free(m.head);
}

/* What is clear already is left alone. */
static void
test_clear_is_not_trained(void **state)
{
	struct model m = model_new();
	double before;

	(void)state;
	for (int i = 0; i < 300; i++)
		teach(&m, "cheap pills", "buy them now", true);
	before = ask(&m, "cheap pills", "buy them now");
	assert_true(before >= CLEAR);
	teach(&m, "cheap pills", "buy them now", true);
	assert_true(ask(&m, "cheap pills", "buy them now") == before);
	free(m.head);
}

static void
test_calibration_stays_in_bounds(void **state)
{
	struct model m = model_new();

	(void)state;
	for (int i = 0; i < 2000; i++)
		teach(&m, "same", "text for both", i % 2 == 0);
	assert_true(m.head->slope >= SLOPE_MIN && m.head->slope <= SLOPE_MAX);
	assert_true(fabs(m.head->shift) <= 2);
	assert_true(fabs(model_log_odds(&m, 1e9)) <= LARGEST);
	assert_true(fabs(ask(&m, "same", "text for both")) < 2);
	free(m.head);
}

static void
test_confidence(void **state)
{
	static const struct {
		uint64_t ham, spam, from;
		double want;
	} rows[] = {
		{ 0, 0, 200, 0 },
		{ 199, 5000, 200, 0 },
		{ 5000, 199, 200, 0 },
		{ 200, 200, 200, 1.0 / 201 },
		{ 299, 299, 200, 100.0 / 201 },
		{ 400, 400, 200, 1 },
		{ 0, 0, 0, 1 },
	};
	struct model m = model_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		m.head->ham = rows[i].ham;
		m.head->spam = rows[i].spam;
		assert_true(fabs(model_confidence(&m, rows[i].from) -
				 rows[i].want) < 1e-9);
	}
	free(m.head);
}

static void
test_faults(void **state)
{
	struct model m = model_new();

	(void)state;
	assert_null(model_fault(m.head, MODEL_SIZE));
	assert_non_null(model_fault(m.head, MODEL_SIZE - 1));
	assert_non_null(model_fault(m.head, MODEL_SIZE + 1));
	assert_non_null(model_fault(m.head, 3));
	m.head->slope = NAN;
	assert_non_null(model_fault(m.head, MODEL_SIZE));
	m.head->slope = 1;
	m.head->bits = 19;
	assert_non_null(model_fault(m.head, MODEL_SIZE));
	m.head->bits = FEATURES_BITS;
	m.head->version = 1;
	assert_non_null(
	    strstr(model_fault(m.head, MODEL_SIZE), "another version"));
	m.head->version = MODEL_VERSION;
	m.head->magic[0] = 'x';
	assert_non_null(model_fault(m.head, MODEL_SIZE));
	free(m.head);
}

/* A file that was damaged in its middle must not poison a verdict. */
static void
test_damaged_weights(void **state)
{
	struct model m = model_new();

	(void)state;
	for (uint32_t i = 0; i < MODEL_WEIGHTS; i++)
		m.weights[i] = i % 2 ? NAN : INFINITY;
	assert_true(ask(&m, "anything", "at all") == 0);
	for (uint32_t i = 0; i < MODEL_WEIGHTS; i++)
		m.weights[i] = 1e30f;
	assert_true(ask(&m, "anything", "at all") <= LARGEST);
	free(m.head);
}

static void
test_explains(void **state)
{
	struct model m = model_new();
	struct features f;
	char out[400], small[12];

	(void)state;
	for (int i = 0; i < 5; i++) {
		teach(&m, "hello",
		    "\x01"
		    "buy viagra; tonight",
		    true);
		teach(&m, "hello", "see you on monday", false);
	}
	text_features(&f, "hello",
	    "\x01"
	    "buy viagra; monday viagra;");
	explain(&m, &f, 2.2, out, sizeof(out));
	assert_non_null(strstr(out, "p=0.900; spam: "));
	assert_non_null(strstr(out, "viagra? +"));
	assert_non_null(strstr(out, "; ham: monday -"));
	assert_null(strchr(out, '\x01'));
	assert_ptr_equal(strstr(out, "viagra"), strrchr(out, 'v'));
	explain(&m, &f, 2.2, small, sizeof(small));
	assert_int_equal(strlen(small), sizeof(small) - 1);
	features_finish(&f);
	free(m.head);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_spaces),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_learns),
		cmocka_unit_test(test_correction),
		cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_gradients),
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_wrong_labels),
		cmocka_unit_test(test_clear_is_not_trained),
		cmocka_unit_test(test_calibration_stays_in_bounds),
		cmocka_unit_test(test_confidence),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_damaged_weights),
		cmocka_unit_test(test_explains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
