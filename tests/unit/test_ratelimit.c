/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole messages through the plugin, on a store in memory.  The plugin's own
 * files are linked, not included.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include <millrace/fake.h>

#include "wrong.h"

extern const struct mr_plugin mr_plugin_ratelimit;

static int messages;

static void
begin(struct fake *f)
{
	fake_init(f, &mr_plugin_ratelimit);
	f->client.login = "alice@example.com";
}

static void
opened(struct fake *f)
{
	if (!fake_open(f))
		fail_msg("%s", fake_transcript(f));
	fake_forget(f);
}

/* MAIL with arguments, which fake_mail() has none of. */
static mr_verdict
mail_from(struct fake *f, const char *from, const char *size)
{
	const char *args[] = { size, NULL };
	static char id[32];
	mr_verdict v;

	fake_end(f, MR_OUTCOME_ABORTED);
	f->in_message = true;
	f->recipients[0] = NULL;
	f->ctx.message = fake_alloc(&f->message, f->plugin->message_size);
	snprintf(id, sizeof(id), "message-%d", ++messages);
	f->ctx.message_id = id;
	f->ctx.sender = fake_copy(&f->message, from);
	f->ctx.recipients = f->recipients;
	v = f->plugin->on_mail(&f->ctx, f->ctx.sender, args);
	f->skip = v == MR_SKIP;
	return v;
}

static mr_verdict
mail(struct fake *f)
{
	return mail_from(f, "alice@example.com", NULL);
}

/* One message to one recipient; the verdict that decided. */
static mr_verdict
send_one(struct fake *f, mr_outcome outcome)
{
	mr_verdict v = mail(f);

	if (v != MR_CONTINUE && v != MR_SKIP) {
		fake_end(f, v == MR_REJECT ? MR_OUTCOME_REJECTED
					   : MR_OUTCOME_TEMPFAILED);
		return v;
	}
	v = fake_rcpt(f, "bob@example.net");
	if (v == MR_CONTINUE || v == MR_SKIP) {
		fake_header(f, "Subject", "hello");
		fake_eoh(f);
		fake_body(f, "hello\r\n", 7);
		v = fake_eom(f);
	}
	if (v == MR_REJECT || v == MR_TEMPFAIL)
		outcome = v == MR_REJECT ? MR_OUTCOME_REJECTED
					 : MR_OUTCOME_TEMPFAILED;
	fake_end(f, outcome);
	return v;
}

static int
accepted_of(struct fake *f, int count)
{
	int n = 0;

	while (count-- > 0)
		n += send_one(f, MR_OUTCOME_ACCEPTED) == MR_CONTINUE;
	return n;
}

/* --- counting --- */

static void
test_exactly_n(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "limits", "10 messages / 1h");
	opened(&f);
	assert_int_equal(accepted_of(&f, 30), 10);
	assert_true(fake_did(&f, "reply 450 4.7.1 Sending limit reached: 10 "
				 "messages / 1h, try again in "));
	assert_true(fake_did(&f, "symbol RATELIMIT_OVER 0.00 "
				 "mailbox:alice@example.com 10 messages / 1h"));
	/* Another login is another account; no login is none. */
	f.client.login = "bob@example.com";
	assert_int_equal(accepted_of(&f, 3), 3);
	f.client.login = NULL;
	assert_int_equal(accepted_of(&f, 30), 30);
	/* Upper case is the same one. */
	f.client.login = "ALICE@example.com";
	assert_int_equal(accepted_of(&f, 3), 0);
	fake_store.now_ms += 3600000 + 60000;
	assert_int_equal(accepted_of(&f, 30), 10);
	fake_finish(&f);
}

/* What a message took is given back when it does not go out. */
static void
test_given_back(void **state)
{
	static const mr_outcome lost[] = { MR_OUTCOME_REJECTED,
		MR_OUTCOME_TEMPFAILED, MR_OUTCOME_ABORTED };
	static const mr_outcome kept[] = { MR_OUTCOME_ACCEPTED,
		MR_OUTCOME_DISCARDED, MR_OUTCOME_QUARANTINED,
		MR_OUTCOME_MOVED };
	struct fake f;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		fake_store_clear();
		begin(&f);
		fake_set(&f, "limits", "1 message / 1h");
		opened(&f);
		for (int n = 0; n < 10; n++)
			assert_int_equal(send_one(&f, lost[i]), MR_CONTINUE);
		assert_int_equal(accepted_of(&f, 2), 1);
		fake_finish(&f);
	}
	for (size_t i = 0; i < 4; i++) {
		fake_store_clear();
		begin(&f);
		fake_set(&f, "limits", "1 message / 1h");
		opened(&f);
		assert_int_equal(send_one(&f, kept[i]), MR_CONTINUE);
		assert_int_equal(accepted_of(&f, 2), 0);
		fake_finish(&f);
	}
}

/* Told again to another worker, under the same id: counted once. */
static void
test_told_again(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "limits", "2 messages / 1h, 3 recipients / 1h");
	fake_set(&f, "limits", "2 distinct recipients / 1d");
	opened(&f);
	for (int n = 0; n < 5; n++) {
		assert_int_equal(mail(&f), MR_CONTINUE);
		messages--; /* the same id the next time */
		assert_int_equal(fake_rcpt(&f, "bob@example.net"), MR_CONTINUE);
		assert_int_equal(
		    fake_rcpt(&f, "carol@example.net"), MR_CONTINUE);
		fake_end(&f, n < 4 ? MR_OUTCOME_MOVED : MR_OUTCOME_ABORTED);
	}
	messages++;
	/* The last one gave all of it back. */
	assert_int_equal(accepted_of(&f, 5), 2);
	fake_finish(&f);
}

static void
test_recipients(void **state)
{
	struct fake f;
	char to[40];
	int taken = 0;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "limits", "20 recipients / 1h");
	opened(&f);
	mail(&f);
	for (int i = 0; i < 60; i++) {
		snprintf(to, sizeof(to), "r%d@example.net", i);
		taken += fake_rcpt(&f, to) == MR_CONTINUE;
	}
	assert_int_equal(taken, 20);
	assert_int_equal(fake_eom(&f), MR_CONTINUE);
	fake_end(&f, MR_OUTCOME_ACCEPTED);
	assert_int_equal(mail(&f), MR_TEMPFAIL);
	fake_finish(&f);
}

/* A later instance refuses one: it was not sent to, so it does not count. */
static void
test_recipient_lost_later(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "limits", "3 recipients / 1h");
	fake_set(&f, "limits", "9 distinct recipients / 1h");
	opened(&f);
	mail(&f);
	fake_rcpt(&f, "a@example.net");
	fake_rcpt(&f, "b@example.net");
	fake_rcpt(&f, "c@example.net");
	f.recipients[0] = "c@example.net";
	f.recipients[1] = NULL;
	fake_end(&f, MR_OUTCOME_ACCEPTED);
	mail(&f);
	assert_int_equal(fake_rcpt(&f, "d@example.net"), MR_CONTINUE);
	assert_int_equal(fake_rcpt(&f, "e@example.net"), MR_CONTINUE);
	assert_int_equal(fake_rcpt(&f, "f@example.net"), MR_TEMPFAIL);
	fake_finish(&f);
}

static void
test_whole_or_nothing(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "limits", "2 recipients / 1h");
	fake_set(&f, "partial", "false");
	opened(&f);
	mail(&f);
	fake_rcpt(&f, "a@example.net");
	fake_rcpt(&f, "b@example.net");
	assert_int_equal(fake_rcpt(&f, "c@example.net"), MR_TEMPFAIL);
	assert_int_equal(fake_data(&f), MR_TEMPFAIL);
	fake_end(&f, MR_OUTCOME_TEMPFAILED);
	mail(&f);
	assert_int_equal(fake_rcpt(&f, "a@example.net"), MR_CONTINUE);
	assert_int_equal(fake_data(&f), MR_CONTINUE);
	fake_finish(&f);
}

static void
test_distinct(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "limits", "2 distinct recipients / 1d");
	opened(&f);
	for (int i = 0; i < 5; i++) {
		mail(&f);
		assert_int_equal(fake_rcpt(&f, "a@example.net"), MR_CONTINUE);
		assert_int_equal(fake_rcpt(&f, "A@Example.net"), MR_CONTINUE);
		assert_int_equal(fake_rcpt(&f, "b@example.net"), MR_CONTINUE);
		assert_int_equal(fake_rcpt(&f, "c@example.net"), MR_TEMPFAIL);
		fake_end(&f, MR_OUTCOME_ACCEPTED);
	}
	/* One that was refused is not known the next time. */
	mail(&f);
	assert_int_equal(fake_rcpt(&f, "c@example.net"), MR_TEMPFAIL);
	fake_finish(&f);
}

static void
test_failed(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "limits", "3 failed recipients / 1h");
	opened(&f);
	assert_true(f.plan.wants & MR_WANT_REJECTED_RCPT);
	fake_macro(&f, "{rcpt_mailer}", "error");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(mail(&f), MR_CONTINUE);
		fake_rcpt(&f, "nobody@example.net");
		/* Given back it is not: that is what it is about. */
		fake_end(&f, MR_OUTCOME_ABORTED);
	}
	assert_int_equal(mail(&f), MR_TEMPFAIL);
	fake_finish(&f);
}

/* --- bytes --- */

static void
test_bytes(void **state)
{
	struct fake f;
	char body[500];

	(void)state;
	memset(body, 'x', sizeof(body));
	fake_store_clear();
	begin(&f);
	fake_set(&f, "limits", "2 KB / 1d");
	opened(&f);
	assert_int_equal(
	    mail_from(&f, "alice@example.com", "SIZE=2049"), MR_REJECT);
	assert_true(fake_did(&f, "reply 552 5.3.4 This message alone is more "
				 "than the limit of 2 KB / 1d allows"));
	fake_end(&f, MR_OUTCOME_REJECTED);
	/* It said 2000 and was 520: 1500 or so are left. */
	assert_int_equal(
	    mail_from(&f, "alice@example.com", "SIZE=2000"), MR_CONTINUE);
	fake_rcpt(&f, "a@example.net");
	fake_rcpt(&f, "b@example.net");
	fake_header(&f, "Subject", "hello");
	fake_eoh(&f);
	fake_body(&f, body, sizeof(body));
	assert_int_equal(fake_eom(&f), MR_CONTINUE);
	fake_end(&f, MR_OUTCOME_ACCEPTED);
	assert_int_equal(
	    mail_from(&f, "alice@example.com", "SIZE=1600"), MR_TEMPFAIL);
	fake_end(&f, MR_OUTCOME_TEMPFAILED);
	/* It said nothing and was 502, four times: there is no room. */
	for (int i = 0; i < 4; i++) {
		mail(&f);
		assert_int_equal(fake_rcpt(&f, "a@example.net"), MR_CONTINUE);
		fake_eoh(&f);
		fake_body(&f, body, sizeof(body));
		assert_int_equal(
		    fake_eom(&f), i < 3 ? MR_CONTINUE : MR_TEMPFAIL);
		fake_end(
		    &f, i < 3 ? MR_OUTCOME_ACCEPTED : MR_OUTCOME_TEMPFAILED);
	}
	fake_finish(&f);
}

static void
test_bytes_never(void **state)
{
	struct fake f;
	char body[1100] = { 0 };

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "limits", "1 KB / 1d");
	opened(&f);
	mail(&f);
	fake_rcpt(&f, "a@example.net");
	fake_eoh(&f);
	fake_body(&f, body, sizeof(body));
	assert_int_equal(fake_eom(&f), MR_REJECT);
	assert_true(fake_did(&f, "reply 552 5.3.4"));
	fake_end(&f, MR_OUTCOME_REJECTED);
	fake_finish(&f);
}

/* --- keys --- */

static void
test_all_keys_or_none(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "key", "mailbox = lower(login)");
	fake_set(&f, "key", "domain = domain(login)");
	fake_set(&f, "key", "server = 'all'");
	fake_set(&f, "limits", "3 messages / 1h");
	fake_set(&f, "limits", "domain: 4 messages / 1h");
	fake_set(&f, "limits", "server: 6 messages / 1h");
	opened(&f);
	assert_int_equal(accepted_of(&f, 5), 3);
	f.client.login = "bob@example.com";
	assert_int_equal(accepted_of(&f, 5), 1);
	/* What the domain refused, bob's own limit did not count. */
	f.client.login = "carol@example.org";
	assert_int_equal(accepted_of(&f, 5), 2);
	assert_true(fake_did(&f, "symbol RATELIMIT_OVER 0.00 server:all"));
	fake_finish(&f);
}

static void
test_recipient_domain(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "key", "to = login '/' domain(recipient)");
	fake_set(&f, "limits", "1 message / 1h, 2 recipients / 1h");
	opened(&f);
	mail(&f);
	assert_int_equal(fake_rcpt(&f, "a@example.net"), MR_CONTINUE);
	assert_int_equal(fake_rcpt(&f, "b@example.org"), MR_CONTINUE);
	assert_int_equal(fake_rcpt(&f, "c@example.net"), MR_CONTINUE);
	assert_int_equal(fake_rcpt(&f, "d@example.net"), MR_TEMPFAIL);
	fake_end(&f, MR_OUTCOME_ACCEPTED);
	mail(&f);
	assert_int_equal(fake_rcpt(&f, "e@example.net"), MR_TEMPFAIL);
	assert_int_equal(fake_rcpt(&f, "e@example.test"), MR_CONTINUE);
	fake_finish(&f);
}

/* Mail of sendmail(1): the header names the tenant, at eom. */
static void
test_header(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	f.client.login = NULL;
	f.client.addr = "local";
	fake_set(
	    &f, "key", "script = first(login, before(header(X-Script), ':'))");
	fake_set(&f, "limits", "3 recipients / 1h");
	fake_set(&f, "count-at", "eom");
	opened(&f);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(mail(&f), MR_CONTINUE);
		assert_int_equal(fake_rcpt(&f, "a@example.net"), MR_CONTINUE);
		assert_int_equal(fake_rcpt(&f, "b@example.net"), MR_CONTINUE);
		fake_header(&f, "X-Script", i < 2 ? "1001:a.php" : "1002:b");
		fake_eoh(&f);
		assert_int_equal(
		    fake_eom(&f), i == 1 ? MR_TEMPFAIL : MR_CONTINUE);
		fake_end(
		    &f, i == 1 ? MR_OUTCOME_TEMPFAILED : MR_OUTCOME_ACCEPTED);
	}
	assert_true(fake_did(&f, "symbol RATELIMIT_OVER 0.00 script:1001"));
	fake_finish(&f);
}

/* A key that a header tells, beside one that is known from mail on. */
static void
test_header_beside_login(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "key", "mailbox = login");
	fake_set(&f, "key", "list = header(List-Id)");
	fake_set(&f, "limits", "5 messages / 1h");
	fake_set(&f, "limits", "list: 1 message / 1h");
	opened(&f);
	for (int i = 0; i < 3; i++) {
		mail(&f);
		fake_rcpt(&f, "a@example.net");
		fake_header(&f, "List-Id", "news");
		fake_eoh(&f);
		assert_int_equal(
		    fake_eom(&f), i > 0 ? MR_TEMPFAIL : MR_CONTINUE);
		fake_end(
		    &f, i > 0 ? MR_OUTCOME_TEMPFAILED : MR_OUTCOME_ACCEPTED);
	}
	/* Four are left of the mailbox: refusals by the list took none. */
	assert_int_equal(accepted_of(&f, 9), 4);
	fake_finish(&f);
}

static void
test_eom_recipient_keys(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "key", "mailbox = login");
	fake_set(&f, "key", "to = domain(recipient)");
	fake_set(&f, "limits", "5 recipients / 1h");
	fake_set(&f, "limits", "to: 2 recipients / 1h");
	fake_set(&f, "count-at", "eom");
	opened(&f);
	mail(&f);
	fake_rcpt(&f, "a@example.net");
	fake_rcpt(&f, "b@example.net");
	fake_rcpt(&f, "c@example.org");
	fake_eoh(&f);
	assert_int_equal(fake_eom(&f), MR_CONTINUE);
	fake_end(&f, MR_OUTCOME_ACCEPTED);
	mail(&f);
	fake_rcpt(&f, "d@example.org");
	fake_rcpt(&f, "e@example.org");
	fake_eoh(&f);
	assert_int_equal(fake_eom(&f), MR_TEMPFAIL);
	fake_end(&f, MR_OUTCOME_TEMPFAILED);
	mail(&f);
	fake_rcpt(&f, "d@example.org");
	fake_rcpt(&f, "f@example.test");
	fake_eoh(&f);
	assert_int_equal(fake_eom(&f), MR_CONTINUE);
	fake_finish(&f);
}

/* --- over the limit --- */

static void
test_reject(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "limits", "1 message / 1h");
	fake_set(&f, "over", "reject");
	fake_set(&f, "reply", "{key} has sent {used} of {limit}");
	opened(&f);
	accepted_of(&f, 1);
	assert_int_equal(send_one(&f, MR_OUTCOME_ACCEPTED), MR_REJECT);
	assert_true(fake_did(&f, "reply 550 5.7.1 mailbox:alice@example.com "
				 "has sent 1 message of 1 message / 1h"));
	fake_finish(&f);
}

static void
test_hold(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "limits", "4 messages / 1h");
	fake_set(&f, "over", "hold");
	fake_set(&f, "hold-margin", "50");
	opened(&f);
	assert_int_equal(accepted_of(&f, 4), 4);
	assert_false(fake_did(&f, "quarantine"));
	assert_int_equal(accepted_of(&f, 2), 2);
	assert_true(fake_did(&f, "quarantine sending limit reached"));
	assert_true(fake_did(&f, "symbol RATELIMIT_HELD"));
	assert_int_equal(accepted_of(&f, 9), 0);
	fake_finish(&f);
}

static void
test_rate(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "limits", "rate 1 message / 1s burst 3");
	opened(&f);
	assert_int_equal(accepted_of(&f, 9), 3);
	fake_store.now_ms += 2000;
	assert_int_equal(accepted_of(&f, 9), 2);
	fake_finish(&f);
}

static void
test_count_rejected(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "limits", "2 messages / 1h");
	fake_set(&f, "count-rejected", "score.action=reject");
	opened(&f);
	for (int i = 0; i < 3; i++)
		send_one(&f, MR_OUTCOME_REJECTED);
	assert_int_equal(mail(&f), MR_CONTINUE);
	fake_note(&f, "score.action", "reject");
	fake_rcpt(&f, "a@example.net");
	fake_end(&f, MR_OUTCOME_REJECTED);
	assert_int_equal(accepted_of(&f, 5), 1);
	fake_finish(&f);
}

static void
test_exempt(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "limits", "1 recipient / 1h");
	fake_set(&f, "exempt", "news@example.com");
	fake_set(&f, "exempt-recipients", "@example.com");
	opened(&f);
	/* The recipient is exempt, not the message that it is one of. */
	mail(&f);
	assert_int_equal(fake_rcpt(&f, "x@example.com"), MR_CONTINUE);
	assert_int_equal(fake_rcpt(&f, "a@example.net"), MR_CONTINUE);
	assert_int_equal(fake_rcpt(&f, "b@example.net"), MR_TEMPFAIL);
	assert_int_equal(fake_rcpt(&f, "y@example.com"), MR_CONTINUE);
	fake_end(&f, MR_OUTCOME_ACCEPTED);
	assert_int_equal(mail(&f), MR_TEMPFAIL);
	/* <> of a login counts; of others it does not. */
	assert_int_equal(mail_from(&f, "", NULL), MR_TEMPFAIL);
	f.client.login = "news@example.com";
	assert_int_equal(mail(&f), MR_SKIP);
	fake_finish(&f);

	fake_store_clear();
	begin(&f);
	f.client.login = NULL;
	fake_set(&f, "key", "net({client_addr}, 24, 64)");
	fake_set(&f, "limits", "0 messages / 1h");
	opened(&f);
	assert_int_equal(mail_from(&f, "", NULL), MR_SKIP);
	assert_int_equal(mail(&f), MR_REJECT);
	fake_finish(&f);
}

/* --- overrides --- */

static void
test_overrides_of_files(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "key", "mailbox = login");
	fake_set(&f, "key", "tenant = tenant(login)");
	fake_set(&f, "tenants", "@example.com t1");
	fake_set(&f, "limits", "1 message / 1h");
	fake_set(&f, "overrides", "mailbox:alice@example.com 3 messages / 1h");
	fake_set(&f, "overrides", "tenant:t1 mailbox: 2 messages / 1h");
	fake_set(&f, "overrides", "mailbox:eve@example.org blocked Pay first");
	opened(&f);
	assert_int_equal(accepted_of(&f, 9), 3);
	f.client.login = "bob@example.com";
	assert_int_equal(accepted_of(&f, 9), 2);
	f.client.login = "carol@example.org";
	assert_int_equal(accepted_of(&f, 9), 1);
	f.client.login = "eve@example.org";
	assert_int_equal(accepted_of(&f, 9), 0);
	assert_true(fake_did(&f, "reply 550 5.7.1 Pay first"));
	fake_finish(&f);
}

static void
sql(const char *path, const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* The copy is read again in the background; the counts stay. */
static void
test_overrides_of_sql(void **state)
{
	char path[] = "/tmp/test_ratelimit-XXXXXX";
	struct fake f;
	int n = 0;

	(void)state;
	close(mkstemp(path));
	sql(path, "CREATE TABLE limits (key TEXT, limits TEXT);"
		  "INSERT INTO limits VALUES ('mailbox:ALICE@example.com', "
		  "'2 messages / 1h'), ('mailbox:carol@example.com', "
		  "'4 messages / 1h')");
	fake_store_clear();
	begin(&f);
	fake_set(&f, "limits", "1 message / 1h");
	fake_set(&f, "overrides-sql", path);
	fake_set(&f, "overrides-refresh", "100ms");
	opened(&f);
	assert_int_equal(accepted_of(&f, 9), 2);
	sql(path, "UPDATE limits SET limits = '5 messages / 1h' "
		  "WHERE key LIKE '%alice%'");
	/* Waits for the thread, which never has to be in time. */
	for (int i = 0; i < 500 && n == 0; i++) {
		n = accepted_of(&f, 9);
		usleep(20000);
	}
	assert_int_equal(n, 3);
	/* What is wrong now is told, and the last good copy stays. */
	sql(path, "INSERT INTO limits VALUES ('mailbox:bob@example.com', 'x')");
	usleep(250000);
	f.client.login = "bob@example.com";
	assert_int_equal(accepted_of(&f, 9), 1);
	f.client.login = "carol@example.com";
	assert_int_equal(accepted_of(&f, 9), 4);
	fake_finish(&f);
	unlink(path);
}

static void
test_squeezed(void **state)
{
	struct fake f;

	(void)state;
	fake_store_clear();
	begin(&f);
	fake_set(&f, "limits", "20 messages / 1h");
	opened(&f);
	fake_note(&f, "account.squeeze", "10");
	assert_int_equal(send_one(&f, MR_OUTCOME_ACCEPTED), MR_CONTINUE);
	fake_note(&f, "account.squeeze", "10");
	assert_int_equal(send_one(&f, MR_OUTCOME_ACCEPTED), MR_CONTINUE);
	fake_note(&f, "account.squeeze", "10");
	assert_int_equal(send_one(&f, MR_OUTCOME_ACCEPTED), MR_TEMPFAIL);
	assert_int_equal(accepted_of(&f, 99), 18);
	fake_finish(&f);
}

/* --- the store is away --- */

static void
test_store_down(void **state)
{
	static const struct {
		const char *way;
		uint32_t hosts;
		int want; /* accepted, of 30 with a limit of 20 */
	} rows[] = {
		{ "tempfail", 0, 0 },
		{ "tempfail", 2, 0 },
		{ "open", 0, 30 },
		{ "open", 2, 30 },
		{ "share", 0, 0 },
		{ "share", 2, 5 },
	};
	struct fake f;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fake_store_clear();
		fake_store.down = true;
		fake_store.hosts = rows[i].hosts;
		begin(&f);
		fake_set(&f, "limits", "20 messages / 1h");
		fake_set(&f, "when-store-down", rows[i].way);
		opened(&f);
		if (accepted_of(&f, 30) != rows[i].want)
			fail_msg(
			    "%s with %u hosts", rows[i].way, rows[i].hosts);
		fake_finish(&f);
	}
}

/* --- the configuration --- */

static void
test_wrong_options(void **state)
{
	static const struct wrong rows[] = {
		{ "limits", "100 mails / 1h",
		    "config_error limits: \"100 "
		    "mails / 1h\": the unit must" },
		{ "limits", "domain: 1 message / 1h",
		    "config_error limits: \"domain: 1 message / 1h\": there "
		    "is no key" },
		{ "limits", "blocked",
		    "config_error limits: \"blocked\": a "
		    "limit for all" },
		{ "limits", "unlimited",
		    "config_error limits: \"unlimited\": "
		    "say what" },
		{ "limits", "1 message / 1h, 2 messages / 1h",
		    "config_error limits: \"1 message / 1h, 2 messages / "
		    "1h\": there is a limit of that" },
		{ "key", "lower(",
		    "config_error key: \"lower(\": an "
		    "expression is missing" },
		{ "key", "x = tenant(login)",
		    "config_error key: \"x = "
		    "tenant(login)\": tenant() "
		    "needs" },
		{ "key", "X1 = login",
		    "config_error key: \"X1 = login\": "
		    "there is no such name" },
		{ "reply", "{x}", "config_error reply: there are {limit}" },
		{ "blocked-reply", "a\nb",
		    "config_error blocked-reply: the "
		    "text must" },
		{ "count-rejected", "spam",
		    "config_error count-rejected: "
		    "\"spam\": write" },
		{ "group", "A b", "config_error group: a group's name" },
		{ "overrides", "alice@example.com 1 message / 1h",
		    "config_error overrides: \"alice@example.com\": the key "
		    "must be" },
		{ "overrides", "mailbox:a rubbish",
		    "config_error overrides: \"mailbox:a\": write it like" },
		{ "overrides-sql", "/nonexistent/db",
		    "config_error overrides-sql: /nonexistent/db: unable" },
	};
	struct fake f;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(&f);
		wrong_check(&f, &rows[i]);
	}
}

/* What is asked of the MTA is what the configuration needs. */
static void
test_plan(void **state)
{
	static const struct {
		const char *key, *limit, *option, *value;
		uint32_t stages, wants;
	} rows[] = {
		{ "login", "1 message / 1h", NULL, NULL,
		    MR_STAGE_MAIL | MR_STAGE_RCPT, 0 },
		{ "login", "1 KB / 1h", NULL, NULL,
		    MR_STAGE_MAIL | MR_STAGE_RCPT | MR_STAGE_BODY |
			MR_STAGE_EOM,
		    MR_WANT_HEADERS },
		{ "header(X-A)", "1 message / 1h", NULL, NULL,
		    MR_STAGE_MAIL | MR_STAGE_RCPT | MR_STAGE_EOM,
		    MR_WANT_HEADERS },
		{ "login", "1 failed recipient / 1h", "partial", "false",
		    MR_STAGE_MAIL | MR_STAGE_RCPT | MR_STAGE_DATA,
		    MR_WANT_REJECTED_RCPT },
		{ "{daemon_name}", "1 message / 1h", "count-at", "eom",
		    MR_STAGE_MAIL | MR_STAGE_RCPT | MR_STAGE_EOM, 0 },
	};
	struct fake f;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(&f);
		fake_set(&f, "key", rows[i].key);
		fake_set(&f, "limits", rows[i].limit);
		if (rows[i].option != NULL)
			fake_set(&f, rows[i].option, rows[i].value);
		assert_true(fake_open(&f));
		assert_int_equal(f.plan.stages, rows[i].stages);
		assert_int_equal(f.plan.wants, rows[i].wants);
		assert_int_equal(f.plan.actions, 0);
		fake_finish(&f);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exactly_n),
		cmocka_unit_test(test_given_back),
		cmocka_unit_test(test_told_again),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_recipient_lost_later),
		cmocka_unit_test(test_whole_or_nothing),
		cmocka_unit_test(test_distinct),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_bytes_never),
		cmocka_unit_test(test_all_keys_or_none),
		cmocka_unit_test(test_recipient_domain),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_header_beside_login),
		cmocka_unit_test(test_eom_recipient_keys),
		cmocka_unit_test(test_reject),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_count_rejected),
		cmocka_unit_test(test_exempt),
		cmocka_unit_test(test_overrides_of_files),
		cmocka_unit_test(test_overrides_of_sql),
		cmocka_unit_test(test_squeezed),
		cmocka_unit_test(test_store_down),
		cmocka_unit_test(test_wrong_options),
		cmocka_unit_test(test_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
