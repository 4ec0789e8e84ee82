/* SPDX-License-Identifier: Apache-2.0 */
/* Signs and steps of logins, on a store in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include <millrace/fake.h>

#include "../../plugins/account/alert.h"
#include "../../plugins/account/baseline.h"
#include "../../plugins/account/state.h"
#include "wrong.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

extern const struct mr_plugin mr_plugin_account;

/* --- pure parts --- */

static void
test_signals_are_parsed(void **state)
{
	static const struct {
		const char *text, *why; /* why NULL: it is good */
		enum signal_kind kind;
		struct signal want;
	} rows[] = {
		{ "networks 10 / 1h weight 3", NULL, SIGNAL_NETWORKS,
		    { true, 10, 3600000, 0, 3 } },
		{ "  countries 3/1d ", NULL, SIGNAL_COUNTRIES,
		    { true, 3, 86400000, 0, 3 } },
		{ "rise 50 / 30m factor 6 weight 9", NULL, SIGNAL_RISE,
		    { true, 50, 1800000, 6, 9 } },
		{ "rise 50 / 1h", NULL, SIGNAL_RISE,
		    { true, 50, 3600000, 4, 3 } },
		{ "unknown-recipients 0 / 28d", NULL, SIGNAL_UNKNOWN,
		    { true, 0, 2419200000, 0, 5 } },
		{ "networks 254 / 1s", NULL, SIGNAL_NETWORKS,
		    { true, 254, 1000, 0, 3 } },
		{ "networks 255 / 1h", "different ones", 0, { 0 } },
		{ "spam 1000000001 / 1h", "after the name", 0, { 0 } },
		{ "planets 1 / 1h", "there is no such", 0, { 0 } },
		{ "networks", "after the name", 0, { 0 } },
		{ "networks x", "after the name", 0, { 0 } },
		{ "networks 5", "after the number", 0, { 0 } },
		{ "networks 5 /", "after / comes", 0, { 0 } },
		{ "networks 5 / 0h", "after / comes", 0, { 0 } },
		{ "networks 5 / 1", "the period needs", 0, { 0 } },
		{ "networks 5 / 1hour", "the period needs", 0, { 0 } },
		{ "networks 5 / 29d", "the period must", 0, { 0 } },
		{ "networks 5 / 1h weight", "after weight", 0, { 0 } },
		{ "networks 5 / 1h weight 0", "after weight", 0, { 0 } },
		{ "networks 5 / 1h factor 2", "after the period", 0, { 0 } },
		{ "rise 5 / 1h factor 0", "after factor", 0, { 0 } },
		{ "networks 5 / 1h often", "after the period", 0, { 0 } },
		{ "", "there is no such", 0, { 0 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct signal s = { 0 };
		enum signal_kind kind = SIGNAL_KINDS;
		const char *why = signal_parse(rows[i].text, &kind, &s);

		if ((why == NULL) != (rows[i].why == NULL) ||
		    (why != NULL &&
			strncmp(why, rows[i].why, strlen(rows[i].why)) != 0))
			fail_msg("\"%s\": %s", rows[i].text, why);
		if (why == NULL && (kind != rows[i].kind ||
				       memcmp(&s, &rows[i].want, sizeof(s))))
			fail_msg("\"%s\": other numbers", rows[i].text);
	}
}

static void
test_sums(void **state)
{
	struct signal signals[SIGNAL_KINDS] = {
		[SIGNAL_NETWORKS] = { true, 10, 1, 0, 3 },
		[SIGNAL_SPAM] = { true, 0, 1, 0, 4 },
		[SIGNAL_RISE] = { true, 50, 1, 4, 5 },
	};
	static const struct {
		int64_t networks, spam, rise, baseline, want;
	} rows[] = {
		{ 0, 0, 0, 0, 0 },
		{ 10, 0, 50, 0, 0 },
		{ 11, 0, 0, 0, 3 },
		{ 11, 1, 0, 0, 7 },
		{ 0, 0, 51, 0, 5 },
		{ 0, 0, 51, 12, 5 },
		{ 0, 0, 51, 13, 0 }, /* 52 are usual for it */
		{ 0, 0, 53, 13, 5 },
		{ 11, 1, 99, 0, 12 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const int64_t values[SIGNAL_KINDS] = {
			[SIGNAL_NETWORKS] = rows[i].networks,
			[SIGNAL_COUNTRIES] = 1000, /* not watched */
			[SIGNAL_SPAM] = rows[i].spam,
			[SIGNAL_RISE] = rows[i].rise,
		};

		assert_int_equal(signal_sum(signals, values, rows[i].baseline),
		    rows[i].want);
	}
}

/* What is usual is known, fades, and is not what happens now. */
static void
test_baseline(void **state)
{
	const int64_t hour = 3600000, day = 24 * hour;
	int64_t now = 1700000000000 / hour * hour;
	struct baseline b, again;
	char text[BASELINE_BYTES];
	size_t n;

	(void)state;
	baseline_parse("", 0, &b);
	assert_int_equal(baseline_most(&b), 0);
	for (int i = 1; i <= 20; i++)
		baseline_add(&b, now, hour, i);
	/* Twenty in the hour that runs: nothing is usual yet. */
	assert_int_equal(baseline_most(&b), 0);
	assert_true(baseline_add(&b, now + hour, hour, 1));
	assert_in_range(baseline_most(&b), 17, 20);
	n = baseline_print(text, &b);
	baseline_parse(text, n, &again);
	assert_int_equal(again.most, b.most);
	assert_int_equal(again.now, b.now);
	/* Small steps of an hour are not worth a write. */
	for (int i = 2; i <= 40; i++)
		baseline_add(&b, now + hour, hour, i);
	assert_false(baseline_add(&b, now + hour, hour, 41));
	/* It fades although it is used each hour. */
	for (int i = 2; i < 24 * 28; i++)
		baseline_add(&b, now + i * hour, hour, 1);
	assert_in_range(baseline_most(&b), 3, 10);
	assert_true(baseline_add(&b, now + 100 * day, hour, 1));
	assert_in_range(baseline_most(&b), 0, 1);
	for (const char *const *bad = (const char *const[]){ "1", "1 2",
		 "1 2 3 4", "a b c", "1 2 -3", NULL };
	     *bad != NULL; bad++) {
		baseline_parse(*bad, strlen(*bad), &b);
		assert_int_equal(b.period, 0);
	}
}

static void
test_states_are_parsed(void **state)
{
	static const char *const bad[] = { "", "block", "block ", "block 1",
		"block 1 x", "stop 1 2", "block 1 2x", "block x 2" };
	struct state s = { .login = "a" }, again = { .login = "a" };
	char text[STATE_TEXT_BYTES + 80], login[LOGIN_BYTES + 1];
	size_t n;

	(void)state;
	s.step = STEP_BLOCK;
	s.epoch = 17;
	s.since_ms = 1700000000000;
	strcpy(s.text, "Call us, please");
	n = state_print(text, &s);
	assert_string_equal(text, "block 17 1700000000000 Call us, please");
	assert_true(state_parse(text, n, &again));
	assert_int_equal(again.step, STEP_BLOCK);
	assert_int_equal(again.epoch, 17);
	assert_string_equal(again.text, "Call us, please");
	assert_true(state_parse("none 5 6", 8, &again));
	assert_string_equal(again.text, "");
	for (size_t i = 0; i < COUNT(bad); i++)
		if (state_parse(bad[i], strlen(bad[i]), &again))
			fail_msg("taken: \"%s\"", bad[i]);
	state_spell(login, "Al Ice%");
	assert_string_equal(login, "al%20ice%25");
}

/* --- the plugin --- */

static void
begin(struct fake *f)
{
	fake_store_clear();
	fake_init(f, &mr_plugin_account);
	f->client.login = "alice@example.com";
}

static void
opened(struct fake *f)
{
	if (!fake_open(f))
		fail_msg("%s", fake_transcript(f));
	fake_forget(f);
}

static mr_verdict
send_from(struct fake *f, const char *addr, mr_outcome outcome)
{
	mr_verdict v;

	f->client.addr = addr;
	v = fake_mail(f, "alice@example.com");
	if (v == MR_CONTINUE) {
		v = fake_rcpt(f, "b@example.net");
		fake_header(f, "From", "Alice <alice@example.com>");
		if (v == MR_CONTINUE)
			v = fake_eoh(f);
	}
	fake_end(f, v == MR_REJECT ? MR_OUTCOME_REJECTED : outcome);
	return v;
}

/* Eleven networks are three, twelve messages of spam four more: seven. */
static void
test_steps(void **state)
{
	struct fake f;
	char addr[32];

	(void)state;
	begin(&f);
	fake_set(&f, "signals", "networks 2 / 1h weight 3");
	fake_set(&f, "signals", "spam 1 / 1h weight 4");
	fake_set(&f, "signals", "unknown-recipients 2 / 1h weight 5");
	fake_set(&f, "spam-notes", "score.action=reject");
	fake_set(&f, "block-at", "12");
	opened(&f);
	for (int i = 0; i < 3; i++) {
		snprintf(addr, sizeof(addr), "198.51.%d.1", i);
		assert_int_equal(
		    send_from(&f, addr, MR_OUTCOME_ACCEPTED), MR_CONTINUE);
	}
	assert_true(fake_did(&f, "log warn login alice@example.com: alert, "
				 "the weights are 3"));
	/* The same networks again are no news. */
	fake_forget(&f);
	send_from(&f, "198.51.0.200", MR_OUTCOME_ACCEPTED);
	assert_false(fake_did(&f, "log warn"));
	for (int i = 0; i < 2; i++) {
		f.client.addr = "198.51.0.1";
		fake_mail(&f, "alice@example.com");
		fake_note(&f, "score.action", "reject");
		fake_end(&f, MR_OUTCOME_REJECTED);
	}
	assert_true(fake_did(&f, "log warn login alice@example.com: squeeze, "
				 "the weights are 7"));
	fake_mail(&f, "alice@example.com");
	assert_true(fake_did(&f, "note_set account.squeeze=10"));
	assert_true(fake_did(&f, "symbol ACCOUNT_SQUEEZED"));
	fake_macro(&f, "{rcpt_mailer}", "error");
	fake_macro(&f, "{rcpt_host}", "5.7.1"); /* refused, but known */
	for (int i = 0; i < 9; i++)
		fake_rcpt(&f, "nobody@example.net");
	fake_macro(&f, "{rcpt_host}", "5.1.1");
	for (int i = 0; i < 3; i++)
		fake_rcpt(&f, "nobody@example.net");
	fake_end(&f, MR_OUTCOME_ABORTED);
	assert_true(fake_did(&f, "log warn login alice@example.com: block, "
				 "the weights are 12"));
	assert_int_equal(
	    send_from(&f, "198.51.0.1", MR_OUTCOME_ACCEPTED), MR_REJECT);
	assert_true(fake_did(&f, "reply 550 5.7.1 Sending is blocked, change "
				 "your password"));
	/* Others are not alice. */
	f.client.login = "bob@example.com";
	assert_int_equal(
	    send_from(&f, "198.51.0.1", MR_OUTCOME_ACCEPTED), MR_CONTINUE);
	fake_finish(&f);
}

/* The message that brings the sum over the step is refused itself. */
static void
test_blocked_at_once(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	fake_set(&f, "signals", "networks 1 / 1h weight 9");
	opened(&f);
	assert_int_equal(
	    send_from(&f, "192.0.2.1", MR_OUTCOME_ACCEPTED), MR_CONTINUE);
	assert_int_equal(
	    send_from(&f, "2001:db8::1", MR_OUTCOME_ACCEPTED), MR_REJECT);
	/* And it stays so from where it was usual. */
	assert_int_equal(
	    send_from(&f, "192.0.2.1", MR_OUTCOME_ACCEPTED), MR_REJECT);
	fake_finish(&f);
}

static void
test_who_is_not_watched(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	fake_set(&f, "signals", "networks 0 / 1h weight 9");
	fake_set(&f, "ignore-clients", "192.0.2.0/24");
	fake_set(&f, "exempt", "news@example.com");
	opened(&f);
	assert_int_equal(
	    send_from(&f, "192.0.2.1", MR_OUTCOME_ACCEPTED), MR_CONTINUE);
	f.client.login = "news@example.com";
	f.client.addr = "198.51.100.1";
	assert_int_equal(fake_mail(&f, "news@example.com"), MR_SKIP);
	f.client.login = NULL;
	assert_int_equal(fake_mail(&f, "x@example.com"), MR_SKIP);
	f.client.login = "alice@example.com";
	assert_int_equal(fake_mail(&f, "x@example.com"), MR_REJECT);
	fake_finish(&f);
}

/* Whose address is in From: its own, one that the map gives it, another. */
static void
test_foreign_from(void **state)
{
	static const struct {
		const char *login, *from;
		bool owners, foreign;
	} rows[] = {
		{ "alice@example.com", "A <Alice@Example.com>", false, false },
		{ "alice@example.com", "bob@example.com", false, true },
		{ "alice@example.com", "bob@example.com", true, false },
		{ "alice@example.com", "alice@example.com, x@example.org", true,
		    true },
		{ "alice", "x@example.org", false, false }, /* who knows */
		{ "alice", "x@example.org", true, true },
		{ "alice", "sales@example.org", true, false },
		{ "carol", "sales@example.org", true, true },
		{ "carol", "x@shared.example", true, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fake f;

		begin(&f);
		f.client.login = rows[i].login;
		if (rows[i].owners) {
			fake_set(&f, "owners",
			    "bob@example.com bob,alice@example.com");
			fake_set(&f, "owners", "sales@example.org alice bob");
			fake_set(&f, "owners", "@shared.example *");
		}
		opened(&f);
		fake_mail(&f, "x@example.com");
		fake_header(&f, "From", rows[i].from);
		fake_eoh(&f);
		if (fake_did(&f, "symbol ACCOUNT_FOREIGN_FROM") !=
		    rows[i].foreign)
			fail_msg("%s as %s", rows[i].login, rows[i].from);
		fake_finish(&f);
	}
}

static void
test_over_limit_counts(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	fake_set(&f, "signals", "over-limit 2 / 1h weight 8");
	opened(&f);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
		    fake_mail(&f, "alice@example.com"), MR_CONTINUE);
		fake_note(&f, "ratelimit.result", "over");
		fake_end(&f, MR_OUTCOME_TEMPFAILED);
	}
	assert_int_equal(fake_mail(&f, "alice@example.com"), MR_REJECT);
	fake_finish(&f);
}

static void
test_store_down_lets_pass(void **state)
{
	struct fake f;

	(void)state;
	begin(&f);
	opened(&f);
	fake_store.down = true;
	assert_int_equal(fake_mail(&f, "alice@example.com"), MR_SKIP);
	fake_finish(&f);
}

static void
test_wrong_options(void **state)
{
	static const struct wrong rows[] = {
		{ "signals", "planets 1 / 1h",
		    "config_error signals: \"planets 1 / 1h\": there is no" },
		{ "signals", "countries 1 / 1h",
		    "config_error signals: \"countries 1 / 1h\": it needs" },
		{ "signals", "asns 1 / 1h",
		    "config_error signals: \"asns 1 / "
		    "1h\": it needs" },
		{ "spam-notes", "spam", "config_error spam-notes: \"spam\"" },
		{ "blocked-reply", "a\tb", "config_error blocked-reply" },
		{ "group", "", "config_error group" },
		{ "alert-command", "mail root",
		    "config_error alert-command: \"mail root\": the program" },
		{ "alert-command", "/nonexistent",
		    "config_error alert-command: \"/nonexistent\": there is" },
		{ "country-database", "/nonexistent",
		    "config_error country-database: /nonexistent: " },
		{ "asn-database", "/etc/passwd",
		    "config_error asn-database: /etc/passwd: " },
	};
	struct fake f;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		begin(&f);
		wrong_check(&f, &rows[i]);
	}
}

/* --- running a program --- */

static void
test_run(void **state)
{
	static char cat[] = "/bin/cat", sh[] = "/bin/sh", c[] = "-c";
	static char fails[] = "exit 3", env[] = "env; ls /proc/self/fd | wc -l";
	static char none[] = "/nonexistent", deaf[] = "exec 0<&-; sleep 0.1";
	char *const run_cat[] = { cat, NULL }, *const run_fails[] = { sh, c,
		fails, NULL };
	char *const run_env[] = { sh, c, env, NULL }, *const run_none[] = {
		none, NULL
	};
	char *const run_deaf[] = { sh, c, deaf, NULL };
	char out[65536], *big = malloc(1 << 20);
	int ends[2];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(alert_run(run_cat, "hello\n", ends[1]), 0);
	n = read(ends[0], out, sizeof(out));
	assert_int_equal(n, 6);
	assert_memory_equal(out, "hello\n", 6);
	assert_int_equal(alert_run(run_fails, "", -1), 3);
	assert_int_equal(alert_run(run_none, "", -1), -1);
	/* Nothing of ours is inherited but the three. */
	setenv("SECRET", "of-the-daemon", 1);
	assert_int_equal(alert_run(run_env, "", ends[1]), 0);
	n = read(ends[0], out, sizeof(out) - 1);
	out[n > 0 ? n : 0] = '\0';
	assert_null(strstr(out, "SECRET"));
	assert_non_null(strstr(out, "PATH=/usr/local/sbin"));
	assert_non_null(strstr(out, "\n4\n"));
	/* One that does not read its input does no harm. */
	memset(big, 'x', (1 << 20) - 1);
	big[(1 << 20) - 1] = '\0';
	assert_int_equal(alert_run(run_deaf, big, -1), 0);
	free(big);
	close(ends[0]);
	close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signals_are_parsed),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_baseline),
		cmocka_unit_test(test_states_are_parsed),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_blocked_at_once),
		cmocka_unit_test(test_who_is_not_watched),
		cmocka_unit_test(test_foreign_from),
		cmocka_unit_test(test_over_limit_counts),
		cmocka_unit_test(test_store_down_lets_pass),
		cmocka_unit_test(test_wrong_options),
		cmocka_unit_test(test_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
