/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <millrace/fake.h>

#include "../../plugins/score/field.c"
#include "../../plugins/score/points.c"
#include "../../plugins/score/policy.c"
#include "../../plugins/score/score.c"
#include "wrong.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { OPTIONS = 6 };

/*
 * A message to a@example.com and b@example.net with the Subject "hi" and a
 * forged X-Spam-Flag, in which earlier instances found A 4, B 3.5, LIST_X 3,
 * LIST_Y 3 and GOOD -1: 12.5 points.
 */
struct story {
	const char *about;
	struct {
		const char *name, *text;
	} set[OPTIONS];
	mr_verdict want;
	const char *lines; /* one after another, each with its LF */
};

#define FORGED "delete_header X-Spam-Flag 1\n"
#define NOTES(points, action)                                                  \
	"note_set score.value=" points "\nnote_set score.action=" action "\n"
#define FIELDS(flag, points, level)                                            \
	"add_header X-Spam-Flag: " flag "\nadd_header X-Spam-Score: " points   \
	"\nadd_header X-Spam-Level: " level "\n"
#define NO_FIELDS                                                              \
	{                                                                      \
		"headers", "never"                                             \
	}

static const struct story stories[] = {
	{ "the defaults mark it", { { NULL, NULL } }, MR_CONTINUE,
	    NOTES("12.50", "header") "symbol SCORE_HEADER 0.00 12.50 of 5.00 "
				     "for a@example.com\n" FORGED FIELDS(
					 "YES", "12.50", "************") },
	{ "below all thresholds", { { "weights", "* 0.5" } }, MR_CONTINUE,
	    NOTES("2.50", "none") FORGED FIELDS("NO", "2.50", "**") },
	{ "refused", { { "reject", "12.5" }, NO_FIELDS }, MR_REJECT,
	    NOTES("12.50",
		"reject") "symbol SCORE_REJECT 0.00 12.50 of 12.50 "
			  "for a@example.com\n" FORGED
			  "reply 550 5.7.1 This message looks like spam\n" },
	{ "never refused", { { "reject", "0" }, { "header", "0" }, NO_FIELDS },
	    MR_CONTINUE, NOTES("12.50", "none") FORGED },
	{ "thrown away", { { "discard", "10" }, NO_FIELDS }, MR_DISCARD,
	    NOTES("12.50", "discard") "symbol SCORE_DISCARD 0.00 12.50 of "
				      "10.00 for a@example.com\n" FORGED },
	{ "held", { { "quarantine", "10" }, NO_FIELDS }, MR_QUARANTINE,
	    NOTES("12.50", "quarantine") "symbol SCORE_QUARANTINE 0.00 12.50 "
					 "of 10.00 for a@example.com\n" FORGED
					 "quarantine 12.50 points\n" },
	{ "put off by another", { { "greylist", "10" }, NO_FIELDS },
	    MR_CONTINUE,
	    NOTES("12.50", "greylist") "symbol SCORE_GREYLIST 0.00 12.50 of "
				       "10.00 for a@example.com\n" FORGED },
	{ "the subject", { { "subject", "10" }, NO_FIELDS }, MR_CONTINUE,
	    NOTES("12.50", "subject") "symbol SCORE_SUBJECT 0.00 12.50 of "
				      "10.00 for a@example.com\n" FORGED
				      "change_header Subject 1: [SPAM] hi\n" },
	{ "a weight, and a factor",
	    { { "weights", "A 1\nLIST_* x0.5" }, NO_FIELDS }, MR_CONTINUE,
	    NOTES("6.50", "header") "symbol SCORE_HEADER 0.00 6.50 of 5.00 for "
				    "a@example.com\n" FORGED },
	{ "a group is full", { { "groups", "lists 4 LIST_*" }, NO_FIELDS },
	    MR_CONTINUE,
	    NOTES("10.50", "header") "symbol SCORE_HEADER 0.00 10.50 of 5.00 "
				     "for a@example.com\n" FORGED },
	{ "a report",
	    { { "report-header", "X-Report" }, { "flag-header", "" },
		{ "score-header", "" }, { "level-header", "" },
		{ "groups", "lists 4 LIST_*" } },
	    MR_CONTINUE,
	    NOTES("10.50", "header") "symbol SCORE_HEADER 0.00 10.50 of 5.00 "
				     "for a@example.com\n"
				     "add_header X-Report: A 4.00, B 3.50, "
				     "LIST_X 3.00, LIST_Y 1.00, "
				     "GOOD -1.00\n" },
	{ "names of one's own, and what is removed",
	    { { "flag-header", "X-Junk" }, { "score-header", "" },
		{ "level-header", "" }, { "remove", "x-spam*\nsub*" } },
	    MR_CONTINUE,
	    NOTES("12.50", "header") "symbol SCORE_HEADER 0.00 12.50 of 5.00 "
				     "for a@example.com\n"
				     "delete_header Subject 1\n"
				     "delete_header X-Spam-Flag 1\n"
				     "add_header X-Junk: YES\n" },
	{ "fields of spam only", { { "header", "13" }, { "headers", "spam" } },
	    MR_CONTINUE, NOTES("12.50", "none") FORGED },
	{ "the strictest policy counts",
	    { { "policies", "b@example.net reject=10" }, NO_FIELDS }, MR_REJECT,
	    NOTES("12.50",
		"reject") "symbol SCORE_REJECT 0.00 12.50 of 10.00 "
			  "for b@example.net, others have another "
			  "policy\n" FORGED
			  "reply 550 5.7.1 This message looks like spam\n" },
	{ "the mildest policy counts",
	    { { "policies", "b@example.net reject=10\na@example.com "
			    "header=never" },
		{ "differ", "mildest" }, NO_FIELDS },
	    MR_CONTINUE, NOTES("12.50", "none") FORGED },
	{ "one policy for all", { { "policies", "* reject=10" }, NO_FIELDS },
	    MR_REJECT,
	    NOTES("12.50",
		"reject") "symbol SCORE_REJECT 0.00 12.50 of 10.00 "
			  "for a@example.com\n" FORGED
			  "reply 550 5.7.1 This message looks like spam\n" },
	{ "recipients apart",
	    { { "policies", "b@example.net reject=10" }, { "differ", "split" },
		NO_FIELDS },
	    MR_CONTINUE,
	    "reply 452 4.5.3 Send to this recipient in a message of its "
	    "own\n" NOTES(
		"12.50", "header") "symbol SCORE_HEADER 0.00 12.50 of 5.00 "
				   "for a@example.com\n" FORGED },
	{ "recipients together",
	    { { "policies", "* reject=20" }, { "differ", "split" }, NO_FIELDS },
	    MR_CONTINUE,
	    NOTES("12.50", "header") "symbol SCORE_HEADER 0.00 12.50 of 5.00 "
				     "for a@example.com\n" FORGED },
};

static void
configure(struct fake *f, const struct story *s)
{
	fake_init(f, &mr_plugin_score);
	for (size_t i = 0; i < OPTIONS && s->set[i].name != NULL; i++) {
		char text[200], *next = text, *one;

		snprintf(text, sizeof(text), "%s", s->set[i].text);
		while ((one = strsep(&next, "\n")) != NULL)
			fake_set(f, s->set[i].name, one);
	}
}

static void
test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(stories); i++) {
		const struct story *s = &stories[i];
		struct fake f;
		mr_verdict v;

		configure(&f, s);
		if (!fake_open(&f))
			fail_msg("%s: %s", s->about, fake_transcript(&f));
		fake_forget(&f);
		fake_mail(&f, "x@example.org");
		fake_finding(&f, "A", 4, NULL);
		fake_finding(&f, "B", 3.5, NULL);
		fake_finding(&f, "LIST_X", 3, NULL);
		fake_finding(&f, "LIST_Y", 3, NULL);
		fake_finding(&f, "GOOD", -1, NULL);
		fake_rcpt(&f, "a@example.com");
		fake_rcpt(&f, "b@example.net");
		fake_header(&f, "Subject", "hi");
		fake_header(&f, "X-Spam-Flag", "NO");
		v = fake_eom(&f);
		if (v != s->want || strcmp(fake_transcript(&f), s->lines) != 0)
			fail_msg("%s: %d\n%s\nwant %d:\n%s", s->about, v,
			    fake_transcript(&f), s->want, s->lines);
		fake_finish(&f);
	}
}

/* What an observing instance found, and a subject that is marked already. */
static void
test_others(void **state)
{
	struct fake f;

	(void)state;
	fake_init(&f, &mr_plugin_score);
	fake_set(&f, "subject", "1");
	fake_set(&f, "header", "1");
	assert_true(fake_open(&f));
	fake_mail(&f, "");
	fake_finding(&f, "A", 2, NULL);
	fake_finding(&f, "B", 9, NULL);
	f.findings[1].observed = true;
	fake_header(&f, "Subject", "[SPAM] hi");
	assert_int_equal(fake_eom(&f), MR_CONTINUE);
	assert_true(fake_did(&f, "note_set score.value=2.00"));
	assert_true(fake_did(&f, "symbol SCORE_SUBJECT 0.00 2.00 of 1.00\n"));
	assert_false(fake_did(&f, "change_header"));
	fake_end(&f, MR_OUTCOME_ACCEPTED);
	fake_mail(&f, "");
	assert_int_equal(fake_eom(&f), MR_CONTINUE);
	fake_finish(&f);
}

static const struct wrong wrongs[] = {
	{ "weights", "SPF_FAIL", "config_error weights: \"SPF_FAIL\" is not" },
	{ "weights", "A 2000", "config_error weights: \"A 2000\" is not" },
	{ "weights", "A 1 2", "config_error weights: \"A 1 2\" is not" },
	{ "groups", "lists 6", "config_error groups: \"lists 6\" is not" },
	{ "groups", "lists x A", "config_error groups: \"lists x A\" is not" },
	{ "policies", "a@b.test", "config_error policies: entry \"a@b.test\"" },
	{ "policies", "a@b.test reject=x",
	    "config_error policies: entry \"a@b.test\": the points" },
	{ "policies", "a@b.test burn=1",
	    "config_error policies: entry \"a@b.test\": a policy is made" },
	{ "flag-header", "X Spam", "config_error flag-header: not a field" },
	{ "report-header", "X:", "config_error report-header: not a field" },
	{ "subject-tag", "", "config_error subject-tag: must be 1" },
	{ "reply", "a\nb", "config_error reply: must be 1" },
};

static void
test_wrong(void **state)
{
	(void)state;
	wrong_check_all(&mr_plugin_score, wrongs, COUNT(wrongs));
}

/* Long reports are folded, and end before they are too long. */
static void
test_report(void **state)
{
	char text[300] = "";
	struct report r = { .p = text, .size = sizeof(text) };
	unsigned n = 0;

	(void)state;
	while (field_report_add(&r, "A_RULE_OF_SOME_LENGTH\n", -1.5) && n < 99)
		n++;
	assert_in_range(n, 8, 12);
	assert_true(strlen(text) < sizeof(text));
	for (const char *p = text; p != NULL && *p != '\0';) {
		const char *end = strchr(p, '\n');

		assert_in_range(
		    end != NULL ? (size_t)(end - p) : strlen(p), 1, 78);
		assert_true(end == NULL || end[1] == '\t');
		p = end != NULL ? end + 1 : NULL;
	}
}

static void
test_level(void **state)
{
	char level[52];

	(void)state;
	field_level(-3, level);
	assert_string_equal(level, "");
	field_level(3.9, level);
	assert_string_equal(level, "***");
	field_level(1e6, level);
	assert_int_equal(strlen(level), 50);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_level),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
