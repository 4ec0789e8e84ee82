/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include <millrace/fake.h>

#include "../../plugins/greylist/entry.h"
#include "wrong.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

extern const struct mr_plugin mr_plugin_greylist;

static void
test_spelling(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "Bob@Example.com", "bob@example.com" },
		{ "a b", "a%20b" },
		{ "a%\n\x7f\xff", "a%25%0A%7F%FF" },
		{ "", "" },
	};
	char out[ENTRY_PART_BYTES + 1], other[ENTRY_PART_BYTES + 1];
	char longest[400];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		entry_spell(out, rows[i].in);
		assert_string_equal(out, rows[i].want);
	}
	memset(longest, 'x', sizeof(longest));
	longest[399] = '\0';
	entry_spell(out, longest);
	longest[398] = 'y';
	entry_spell(other, longest);
	assert_true(strlen(out) <= ENTRY_PART_BYTES);
	assert_string_not_equal(out, other);
}

static void
test_networks(void **state)
{
	static const struct {
		const char *addr;
		unsigned bits4, bits6;
		const char *want;
	} rows[] = {
		{ "192.0.2.77", 24, 64, "192.0.2.0/24" },
		{ "192.0.2.77", 32, 64, "192.0.2.77/32" },
		{ "192.0.2.77", 26, 64, "192.0.2.64/26" },
		{ "192.0.2.77", 1, 64, "128.0.0.0/1" },
		{ "2001:db8:1:2:3::4", 24, 64, "2001:db8:1:2::/64" },
		{ "2001:db8:ffff::4", 24, 33, "2001:db8:8000::/33" },
		{ "2001:db8::4", 24, 128, "2001:db8::4/128" },
		{ "unknown", 24, 64, "unknown" },
		{ "", 24, 64, "unknown" },
	};
	char out[ENTRY_PART_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		entry_network(out, rows[i].addr, rows[i].bits4, rows[i].bits6);
		assert_string_equal(out, rows[i].want);
	}
}

static void
test_names_and_values(void **state)
{
	static const char *const bad_names[] = { "", "g", "g ", "g a b",
		"g a b c d", "g a  c", "x a b c", "p a", "g a b c " };
	static const char *const bad_values[] = { "", "P", "P ", "X 1", "P1",
		"P 1x", "P -1", "P 123456789012345678901" };
	struct entry_parts parts;
	struct entry e = { 0 };
	char name[ENTRY_NAME_BYTES], value[ENTRY_VALUE_BYTES];
	size_t n = entry_name(name, "192.0.2.0/24", "example.org", "b@c.test");

	(void)state;
	assert_true(entry_name_parse(name, n, &parts));
	assert_string_equal(parts.origin, "192.0.2.0/24");
	assert_string_equal(parts.domain, "example.org");
	assert_string_equal(parts.recipient, "b@c.test");
	for (size_t i = 0; i < COUNT(bad_names); i++)
		if (entry_name_parse(
			bad_names[i], strlen(bad_names[i]), &parts))
			fail_msg("taken: \"%s\"", bad_names[i]);
	n = entry_print(value, &(struct entry){ ENTRY_PASSED, 1234567890123 });
	assert_string_equal(value, "P 1234567890123");
	assert_true(entry_parse(value, n, &e));
	assert_int_equal(e.state, ENTRY_PASSED);
	assert_int_equal(e.since_ms, 1234567890123);
	for (size_t i = 0; i < COUNT(bad_values); i++)
		if (entry_parse(bad_values[i], strlen(bad_values[i]), &e))
			fail_msg("taken: \"%s\"", bad_values[i]);
}

/* --- the plugin --- */

static void
begin(struct fake *f)
{
	fake_store_clear();
	fake_init(f, &mr_plugin_greylist);
	fake_set(f, "delay", "0");
}

static mr_verdict
try_once(struct fake *f, const char *to)
{
	mr_verdict v;

	fake_mail(f, "ann@example.org");
	v = fake_rcpt(f, to);
	fake_end(f, MR_OUTCOME_ACCEPTED);
	return v;
}

static void
test_store_down_lets_pass(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	assert_true(fake_open(&f));
	fake_store.down = true;
	assert_int_equal(try_once(&f, "b@example.test"), MR_CONTINUE);
	assert_true(fake_did(&f, "note_set greylist.result=unknown"));
	fake_finish(&f);
}

/* What is remembered is forgotten after its time. */
static void
test_lifetimes(void **state)
{
	const int64_t hour = 3600000;
	struct fake f;

	(void)state;
	begin(&f);
	fake_set(&f, "retry-within", "2h");
	fake_set(&f, "lifetime", "10h");
	fake_set(&f, "auto-allow", "0");
	assert_true(fake_open(&f));
	assert_int_equal(try_once(&f, "b@example.test"), MR_TEMPFAIL);
	fake_store.now_ms += 2 * hour + 1;
	assert_int_equal(try_once(&f, "b@example.test"), MR_TEMPFAIL);
	assert_int_equal(try_once(&f, "b@example.test"), MR_CONTINUE);
	fake_store.now_ms += 9 * hour;
	assert_int_equal(try_once(&f, "b@example.test"), MR_CONTINUE);
	fake_store.now_ms += 2 * hour; /* its own clock did not move */
	assert_int_equal(try_once(&f, "b@example.test"), MR_TEMPFAIL);
	fake_finish(&f);
}

static void
test_delay(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	fake_set(&f, "delay", "1h");
	assert_true(fake_open(&f));
	assert_int_equal(try_once(&f, "b@example.test"), MR_TEMPFAIL);
	assert_int_equal(try_once(&f, "b@example.test"), MR_TEMPFAIL);
	assert_true(fake_did(&f, "reply 450 4.7.1 Greylisted, please try again "
				 "in 60 minutes"));
	fake_finish(&f);
}

/* The time of an entry is that of its last mail, to a 36th of a lifetime. */
static void
test_renewed(void **state)
{
	static const char name[] = "g 192.0.2.0/24 example.org b@example.test";
	const struct mr_bytes group = { "greylist", 8 };
	const struct mr_bytes key = { name, sizeof(name) - 1 };
	const int64_t now = (int64_t)time(NULL) * 1000, hour = 3600000;
	static const struct {
		int64_t age;
		bool renewed;
	} rows[] = { { 0, false }, { 1, false }, { 3, true }, { 60, true } };
	struct mr_bytes value;
	struct entry e;
	char text[ENTRY_VALUE_BYTES];
	struct fake f;

	(void)state;
	begin(&f);
	fake_set(&f, "lifetime", "72h");
	assert_true(fake_open(&f));
	for (size_t i = 0; i < COUNT(rows); i++) {
		e = (struct entry){ ENTRY_PASSED, now - rows[i].age * hour };
		value =
		    (struct mr_bytes){ text, (uint32_t)entry_print(text, &e) };
		fake_mail(&f, "ann@example.org");
		fake_store_service.set(&f.ctx, group, key, value, 0);
		assert_int_equal(fake_rcpt(&f, "b@example.test"), MR_CONTINUE);
		fake_store_service.get(&f.ctx, group, key, &value);
		assert_true(entry_parse(value.p, value.n, &e));
		assert_int_equal(
		    e.since_ms >= now - hour / 2, rows[i].renewed || i == 0);
		fake_end(&f, MR_OUTCOME_ACCEPTED);
	}
	fake_finish(&f);
}

/* A value that is none is as if nothing were there. */
static void
test_rubbish_in_the_store(void **state)
{
	static const char name[] = "g 192.0.2.0/24 example.org b@example.test";
	const struct mr_bytes group = { "greylist", 8 };
	const struct mr_bytes key = { name, sizeof(name) - 1 };
	struct fake f;

	(void)state;
	begin(&f);
	assert_true(fake_open(&f));
	fake_mail(&f, "ann@example.org");
	fake_store_service.set(
	    &f.ctx, group, key, (struct mr_bytes){ "rubbish", 7 }, 0);
	assert_int_equal(fake_rcpt(&f, "b@example.test"), MR_TEMPFAIL);
	assert_int_equal(try_once(&f, "b@example.test"), MR_CONTINUE);
	fake_finish(&f);
}

static void
test_wrong_options(void **state)
{
	static const struct wrong rows[] = {
		{ "delay", "1d", "config_error retry-within: it must" },
		{ "reply", "", "config_error reply: the text must have" },
		{ "reply", "a\nb", "config_error reply: the text must be" },
		{ "group", "a b", "config_error group: a group's name" },
	};
	struct fake f;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		begin(&f);
		fake_set(&f, "retry-within", "1d");
		wrong_check(&f, &rows[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spelling),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_names_and_values),
		cmocka_unit_test(test_store_down_lets_pass),
		cmocka_unit_test(test_lifetimes),
		cmocka_unit_test(test_delay),
		cmocka_unit_test(test_renewed),
		cmocka_unit_test(test_rubbish_in_the_store),
		cmocka_unit_test(test_wrong_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
