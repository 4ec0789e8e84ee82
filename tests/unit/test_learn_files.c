/* SPDX-License-Identifier: Apache-2.0 */
/* The learner's files: models, what was learned, mailboxes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugins/learn/features.c"
#include "../../plugins/learn/mailbox.c"
#include "../../plugins/learn/model.c"
#include "../../plugins/learn/seen.c"
#include "../../plugins/learn/snapshot.c"

static char folder[] = "/tmp/millrace-learn-XXXXXX";

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int
remove_folder(void **state)
{
	char *command = NULL;
	int status;

	(void)state;
	if (asprintf(&command, "rm -r %s", folder) == -1)
		return 1;
	status = system(command);
	free(command);
	return status;
}

static const char *
in_folder(const char *name)
{
	static char path[200];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void
write_file(const char *path, const char *bytes, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

static const struct mbox_case {
	const char *text;
	const char *messages[4];
} mbox_cases[] = {
	{ "", { NULL } },
	{ "A: b\n\nbody\n", { "A: b\n\nbody\n" } },
	{ "From x\nA: b\n\none\n\nFrom y\nC: d\n\ntwo\n",
	    { "From x\nA: b\n\none\n\n", "From y\nC: d\n\ntwo\n" } },
	{ "From x\nA: b\n\nFrom here on\nnot a message\n",
	    { "From x\nA: b\n\n", "From here on\nnot a message\n" } },
	{ "From x\nA: b\n\ntext\nFrom here\n",
	    { "From x\nA: b\n\ntext\nFrom here\n" } },
	{ "From x\r\nA: b\r\n\r\n1\r\n\r\nFrom y\r\n\r\n2\r\n",
	    { "From x\r\nA: b\r\n\r\n1\r\n\r\n", "From y\r\n\r\n2\r\n" } },
	{ "A: b\n\nFrom y\n", { "A: b\n\nFrom y\n" } },
};

static void
test_mbox(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mbox_cases) / sizeof(mbox_cases[0]);
	     i++) {
		const char *at = mbox_cases[i].text, *text;
		size_t left = strlen(at), len, n = 0;

		while (mailbox_next(&at, &left, &text, &len)) {
			const char *want = mbox_cases[i].messages[n++];

			assert_non_null(want);
			assert_int_equal(len, strlen(want));
			assert_memory_equal(text, want, len);
		}
		assert_null(mbox_cases[i].messages[n]);
	}
}

static bool
gather(void *arg, const char *text, size_t len)
{
	strncat(arg, text, len);
	return strlen(arg) < 40;
}

static void
test_mailboxes(void **state)
{
	char got[200] = "", *why;

	(void)state;
	mkdir(in_folder("maildir"), 0700);
	mkdir(in_folder("maildir/cur"), 0700);
	mkdir(in_folder("maildir/new"), 0700);
	mkdir(in_folder("maildir/cur/sub"), 0700);
	write_file(in_folder("maildir/stray"), "no", 2);
	write_file(in_folder("maildir/cur/1"), "one.", 4);
	write_file(in_folder("maildir/new/2"), "two.", 4);
	write_file(in_folder("maildir/new/.hidden"), "no", 2);
	assert_true(mailbox_each(in_folder("maildir"), gather, got, &why));
	assert_string_equal(got, "one.two.");
	got[0] = '\0';
	assert_true(mailbox_each(in_folder("maildir/new"), gather, got, &why));
	assert_string_equal(got, "two.");
	assert_false(mailbox_each(in_folder("none"), gather, got, &why));
	assert_non_null(strstr(why, "/none: "));
	free(why);
}

static void
test_models(void **state)
{
	struct snapshots *s = snapshots_create();
	const struct snapshot *old, *new;
	const char *reason;
	struct writer w;
	char *why;

	(void)state;
	assert_null(snapshot_take(s, in_folder("m"), 0, &reason));
	assert_null(reason);
	assert_true(writer_begin(&w, in_folder("m"), &why));
	w.model.weights[7] = 1;
	assert_true(writer_commit(&w, &why));
	writer_end(&w);
	/* It is looked at once a second. */
	assert_null(snapshot_take(s, in_folder("m"), 999, &reason));
	old = snapshot_take(s, in_folder("m"), 1000, &reason);
	assert_non_null(old);
	assert_true(snapshot_model(old).weights[7] == 1);

	assert_true(writer_begin(&w, in_folder("m"), &why));
	assert_true(w.model.weights[7] == 1);
	w.model.weights[7] = 2;
	assert_true(writer_commit(&w, &why));
	writer_end(&w);
	new = snapshot_take(s, in_folder("m"), 2000, &reason);
	assert_true(snapshot_model(new).weights[7] == 2);
	assert_true(snapshot_model(old).weights[7] == 1);
	snapshot_give(s, old);
	snapshot_give(s, new);
	snapshots_destroy(&s);
}

/* A file that is none leaves the last good one in force, and is not lost. */
static void
test_bad_models(void **state)
{
	struct snapshots *s = snapshots_create();
	const struct snapshot *good, *still;
	const char *reason;
	struct writer w;
	char *why;

	(void)state;
	assert_true(writer_begin(&w, in_folder("bad"), &why));
	assert_true(writer_commit(&w, &why));
	writer_end(&w);
	good = snapshot_take(s, in_folder("bad"), 0, &reason);
	assert_non_null(good);
	unlink(in_folder("bad"));
	write_file(in_folder("bad"), "rubbish", 7);
	still = snapshot_take(s, in_folder("bad"), 5000, &reason);
	assert_ptr_equal(still, good);
	assert_non_null(strstr(reason, "not a model"));
	assert_false(writer_begin(&w, in_folder("bad"), &why));
	assert_non_null(strstr(why, "/bad: it is not a model"));
	free(why);
	snapshot_give(s, good);
	snapshot_give(s, still);
	snapshots_destroy(&s);
	assert_false(writer_begin(&w, "/nowhere/at/all", &why));
	assert_non_null(strstr(why, "/nowhere/at/all"));
	free(why);
}

static void
test_seen(void **state)
{
	const unsigned char a[32] = "a", b[32] = "b";
	struct seen *s;
	char *why;

	(void)state;
	assert_non_null(s = seen_open(in_folder("s"), &why));
	assert_int_equal(seen_get(s, a), SEEN_NOT);
	assert_true(seen_set(s, a, SEEN_SPAM));
	assert_true(seen_set(s, b, SEEN_HAM));
	assert_true(seen_commit(s, &why));
	seen_close(&s);

	assert_non_null(s = seen_open(in_folder("s"), &why));
	assert_int_equal(seen_get(s, a), SEEN_SPAM);
	assert_int_equal(seen_get(s, b), SEEN_HAM);
	assert_true(seen_set(s, a, SEEN_NOT));
	assert_int_equal(seen_get(s, a), SEEN_NOT);
	seen_close(&s); /* without a commit */

	assert_non_null(s = seen_open(in_folder("s"), &why));
	assert_int_equal(seen_get(s, a), SEEN_SPAM);
	seen_close(&s);
	assert_null(seen_open("/nowhere/at/all", &why));
	assert_non_null(strstr(why, "/nowhere/at/all.seen"));
	free(why);
}

static void
some_features(struct features *f, char last)
{
	char text[] = "some words, and at the end x";

	text[sizeof(text) - 2] = last;
	assert_true(features_init(f));
	assert_true(features_text(f, text, sizeof(text) - 1));
	assert_true(features_field(f, "Subject", text, ""));
}

static bool
same_features(const struct features *a, const struct features *b)
{
	return a->count == b->count &&
	       memcmp(a->of_kind, b->of_kind, sizeof(a->of_kind)) == 0 &&
	       memcmp(a->seen, b->seen, (MASK + 1) / 8) == 0;
}

static void
test_packed(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		bool ok;
		uint32_t count;
	} rows[] = {
		{ "", 0, true, 0 }, { "\0\0\0", 3, true, 1 },
		{ "\0\0\1\0\0\2", 6, true, 2 },
		{ "\0\0\1\0\0\1", 6, true, 1 },    /* the same again */
		{ "\x3f\xff\xff", 3, true, 1 },    /* the largest */
		{ "\x40\0\0", 3, false, 0 },       /* of no kind */
		{ "\x3f\xff\xff\1", 4, false, 1 }, /* cut off */
	};
	unsigned char bytes[600];
	struct features f, g;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(features_init(&g));
		if (features_unpack(&g, (const unsigned char *)rows[i].bytes,
			rows[i].n) != rows[i].ok ||
		    g.count != rows[i].count)
			fail_msg("row %zu: %u features", i, g.count);
		features_finish(&g);
	}
	some_features(&f, 'x');
	assert_in_range(f.count * FEATURES_PACKED, 1, sizeof(bytes));
	n = features_pack(&f, bytes);
	assert_true(features_init(&g));
	assert_true(features_unpack(&g, bytes, n));
	assert_true(same_features(&f, &g));
	features_finish(&f);
	features_finish(&g);
}

/* The number of features of an example, 0 if there is none. */
static uint32_t
example(struct seen *s, enum seen_class class, uint64_t number,
    const struct features *want)
{
	struct features f;
	uint32_t count;

	assert_true(seen_example(s, class, number, &f));
	if (f.count > 0)
		assert_true(same_features(&f, want));
	count = f.count;
	features_finish(&f);
	return count;
}

static void
test_examples(void **state)
{
	const unsigned char a[32] = "a", b[32] = "b";
	struct features x, y;
	struct seen *s;
	char *why;

	(void)state;
	some_features(&x, 'x');
	some_features(&y, 'y');
	assert_non_null(s = seen_open(in_folder("examples"), &why));
	assert_int_equal(example(s, SEEN_HAM, 7, NULL), 0);
	assert_true(seen_keep(s, a, SEEN_HAM, 3, &x));
	assert_true(seen_keep(s, b, SEEN_SPAM, 1, &y));
	for (uint64_t n = 0; n < 9; n++) {
		assert_int_equal(example(s, SEEN_HAM, n, &x), x.count);
		assert_int_equal(example(s, SEEN_SPAM, n, &y), y.count);
	}
	/* The place of the one that came 2,000 before. */
	assert_true(seen_keep(s, b, SEEN_HAM, 3 + SEEN_EXAMPLES, &y));
	assert_int_equal(example(s, SEEN_HAM, 3, &y), y.count);
	assert_true(seen_commit(s, &why));
	seen_close(&s);

	/* What is forgotten or called otherwise is no example any more. */
	assert_non_null(s = seen_open(in_folder("examples"), &why));
	assert_true(seen_keep(s, a, SEEN_HAM, 5, &x));
	assert_int_equal(example(s, SEEN_HAM, 5, &x), x.count);
	assert_true(seen_set(s, a, SEEN_SPAM));
	assert_int_equal(example(s, SEEN_HAM, 5, &y), y.count);
	assert_true(seen_set(s, b, SEEN_NOT));
	assert_int_equal(example(s, SEEN_HAM, 3, NULL), 0);
	assert_int_equal(example(s, SEEN_SPAM, 1, NULL), 0);
	seen_close(&s);
	features_finish(&x);
	features_finish(&y);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mbox),
		cmocka_unit_test(test_mailboxes),
		cmocka_unit_test(test_models),
		cmocka_unit_test(test_bad_models),
		cmocka_unit_test(test_seen),
		cmocka_unit_test(test_packed),
		cmocka_unit_test(test_examples),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
