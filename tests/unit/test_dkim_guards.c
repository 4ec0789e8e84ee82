/* SPDX-License-Identifier: Apache-2.0 */
/* What a message may do to libopendkim, and must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dkim_scene.h"

enum { BODY_BYTES = 4 << 20 };

/* One bad signature takes no other with it. */
static const struct neighbour {
	const char *about, *value;
	bool fill; /* to 70000 bytes */
	enum verify_result result;
	const char *reason;
} neighbours[] = {
	{ "no tags", " nonsense", false, VERIFY_PERMERROR,
	    "it is no list of tags" },
	{ "empty", "", false, VERIFY_PERMERROR, "v= is missing" },
	{ "a control character", " v=1; a=\x01", false, VERIFY_PERMERROR,
	    "it is no list of tags" },
	{ "SHA-1",
	    " v=1; a=rsa-sha1; d=example.com; s=x; h=from; bh=aaaa; b=aaaa",
	    false, VERIFY_POLICY,
	    "SHA-1 is not safe and no longer valid (RFC 8301)" },
	{ "From is not signed",
	    " v=1; a=rsa-sha256; d=example.com; s=x; h=to; bh=aaaa; b=aaaa",
	    false, VERIFY_PERMERROR, "it does not sign the From field" },
	{ "expired",
	    " v=1; a=rsa-sha256; d=example.com; s=x; h=from; bh=aaaa; b=aaaa;\n"
	    " t=1; x=2",
	    false, VERIFY_POLICY, "it has expired" },
	{ "from the future",
	    " v=1; a=rsa-sha256; d=example.com; s=x; h=from; bh=aaaa; b=aaaa;\n"
	    " t=99999999999",
	    false, VERIFY_POLICY, "it was made in the future" },
	{ "UTF-8 in i=",
	    " v=1; a=rsa-sha256; d=example.com; s=x; h=from; bh=aaaa; b=aaaa;\n"
	    " i=caf\xc3\xa9@example.com",
	    false, VERIFY_NEUTRAL,
	    "it holds UTF-8, which is not supported (RFC 8616)" },
	{ "a length that is none",
	    " v=1; a=rsa-sha256; d=example.com; s=x; h=from; bh=aaaa; b=aaaa; "
	    "l=-1",
	    false, VERIFY_PERMERROR, "l= is no length" },
	{ "an enormous length",
	    " v=1; a=rsa-sha256; d=example.com; s=rsa; h=from; bh=aaaa; "
	    "b=aaaa; l=999999999999999999",
	    false, VERIFY_FAIL,
	    "the signed header was changed, or the key is another" },
	{ "a signature that is none",
	    " v=1; a=rsa-sha256; d=example.com; s=rsa; h=from; bh=aaaa; b=aaaa",
	    false, VERIFY_FAIL,
	    "the signed header was changed, or the key is another" },
	{ "a body hash of 2000 bytes, and 100 names",
	    " v=1; a=ed25519-sha256; d=example.com; s=ed; b=aaaa; h=from"
	    ":a:b:c:d:e:f:g:h:i:j:k:l:m:n:o:p:q:r:s:t:u:v:w:x:y:z:"
	    "subject:subject:subject:subject; bh=aa",
	    false, VERIFY_FAIL,
	    "the signed header was changed, or the key is another" },
	{ "passed over", "", true, VERIFY_PASS, "" },
};

static void
test_neighbours(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(neighbours); i++) {
		const struct neighbour *n = &neighbours[i];
		char *big = malloc(70001);
		struct scene s;

		memset(big, 'x', 70000);
		big[70000] = '\0';
		begin(&s);
		sign_with(&s, &plain, &keys.rsa, "rsa");
		put_top(&s, "DKIM-Signature", n->fill ? big : n->value);
		sign_with(&s, &plain, &keys.ed25519, "ed");
		check(&s);
		assert_int_equal(s.over, n->fill ? 1 : 0);
		assert_int_equal(s.count, n->fill ? 2 : 3);
		want(&s, n->about, 0, VERIFY_PASS, "");
		if (!n->fill)
			want(&s, n->about, 1, n->result, n->reason);
		want(&s, n->about, s.count - 1, VERIFY_PASS, "");
		end(&s);
		free(big);
	}
}

static void
test_more_than_wanted_are_passed_over(void **state)
{
	struct scene s;

	(void)state;
	begin(&s);
	s.limits.signatures = 3;
	for (int i = 0; i < 5; i++)
		sign_with(&s, &plain, &keys.ed25519, "ed");
	check(&s);
	assert_int_equal(s.count, 3);
	assert_int_equal(s.over, 2);
	for (uint32_t i = 0; i < 3; i++)
		want(&s, "within", i, VERIFY_PASS, "");
	end(&s);
}

/* We never sign with l=, so a field that has it is put together here. */
static void
sign_part(struct scene *s, const char *covered)
{
	static const char *const from[] = { "From", NULL };
	const struct sign_rules rules = { true, true, from, nothing, 0 };
	unsigned char digest[KEY_DIGEST_BYTES], out[KEY_SIGNATURE_BYTES];
	struct verify_message m = message_of(s);
	struct bodyhash body;
	struct text t = { 0 };
	char hash[BODYHASH_TEXT];

	assert_true(bodyhash(true, -1, covered, strlen(covered), &body));
	bodyhash_text(&body, hash);
	text_add(&t, " ", 1);
	put_tag(&t, "v=1; a=ed25519-sha256; c=relaxed/relaxed;");
	put_tag(&t, "d=example.com; s=ed; h=From;");
	put_tag(&t, "l=%zu; bh=%s; b=", strlen(covered), hash);
	assert_true(hash_header(&rules, &m, &t, digest));
	put_base64(&t, out, key_sign(&keys.ed25519, digest, out));
	s->made[s->nmade++] = t.p;
	put_top(s, "DKIM-Signature", t.p);
}

static void
test_appended_text(void **state)
{
	static const char covered[] = "Hi.\r\n";
	static const struct {
		const char *body;
		bool allowed;
		enum verify_result result;
		const char *reason;
	} rows[] = {
		{ covered, false, VERIFY_PASS, "" },
		/* What the canonicalization takes off is not text. */
		{ "Hi. \r\n\r\n", false, VERIFY_PASS, "" },
		{ "Hi.\r\nBuy this\r\n", false, VERIFY_POLICY,
		    "text was added below what it signs (l=)" },
		{ "Hi.\r\nBuy this\r\n", true, VERIFY_PASS, "" },
		{ "Ho.\r\n", true, VERIFY_FAIL, "the body was changed" },
		{ "Hi", true, VERIFY_PERMERROR,
		    "the body is shorter than l= says" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct scene s;

		begin(&s);
		s.limits.allow_appended = rows[i].allowed;
		sign_part(&s, covered);
		s.body = rows[i].body;
		check(&s);
		want(&s, rows[i].body, 0, rows[i].result, rows[i].reason);
		end(&s);
	}
}

static void
test_no_from(void **state)
{
	struct scene s = { .limits = usual, .body = "a\r\n" };

	(void)state;
	put(&s, "From", " a@example.com");
	sign_with(&s, &plain, &keys.rsa, "rsa");
	s.nfields--; /* it was the last */
	check(&s);
	want(&s, "no From", 0, VERIFY_PERMERROR, "there is no From field");
	assert_int_equal(s.lookups, 0);
	end(&s);
}

/* libopendkim wants an address in From to verify at all; DKIM does not. */
static void
test_from_without_address(void **state)
{
	static const char *const froms[] = { " undisclosed:;", " ", " <>",
		" \"", " (((", " a@b@c",
		" caf\xc3\xa9 <\xc3\xa9@example.com>" };

	(void)state;
	for (size_t i = 0; i < COUNT(froms); i++) {
		struct scene s = { .limits = usual, .body = "a\r\n" };

		put(&s, "From", froms[i]);
		sign_with(&s, &plain, &keys.rsa, "rsa");
		check(&s);
		want(&s, froms[i], 0, VERIFY_PASS, "");
		end(&s);
	}
}

static void
test_sizes(void **state)
{
	char *big = malloc(BODY_BYTES + 1);
	struct scene s;

	(void)state;
	/* A field of 50 KB is signed; one of 70 KB is more than it can. */
	for (size_t n = 50000; n <= 70000; n += 20000) {
		memset(big, 'x', n);
		big[0] = ' ';
		big[n] = '\0';
		begin(&s);
		put(&s, "Cc", big);
		sign_with(&s, &plain, &keys.rsa, "rsa");
		check(&s);
		if (n == 50000)
			want(&s, "50 KB", 0, VERIFY_PASS, "");
		else
			want(&s, "70 KB", 0, VERIFY_NEUTRAL,
			    "it signs a field of over 60000 bytes");
		end(&s);
	}
	/* One line without blanks and without an end. */
	memset(big, 'x', BODY_BYTES);
	begin(&s);
	s.body = big;
	s.body_bytes = BODY_BYTES;
	sign_with(&s, &plain, &keys.rsa, "rsa");
	check(&s);
	want(&s, "one line", 0, VERIFY_PASS, "");
	end(&s);
	free(big);
}

/* A name for each of many fields: work that grows with their product. */
static void
test_many_fields_and_names(void **state)
{
	enum { MANY = 100000 };
	struct verify_field *all = calloc(MANY, sizeof(*all));
	char *value = malloc(16000);
	struct verify_limits limits = usual;
	struct verify_signature found[2];
	struct verify_message m = { all, MANY, "a\r\n", 3 };
	struct verifier *v = guarded_verifier(&limits);
	struct scene s = { 0 };
	uint32_t beyond;
	size_t n;

	(void)state;
	n = (size_t)snprintf(value, 16000,
	    " v=1; a=rsa-sha256; d=example.com; s=rsa; bh=aaaa; b=aaaa;\n"
	    " h=from");
	for (int i = 0; i < 7000; i++)
		n += (size_t)snprintf(value + n, 16000 - n, ":a");
	for (int i = 0; i < MANY; i++)
		all[i] = (struct verify_field){ "a", " b" };
	all[0] = (struct verify_field){ "DKIM-Signature", value };
	all[1] = (struct verify_field){ "From", " a@example.com" };
	assert_int_equal(verify_find(v, all, MANY, 0, found, &beyond), 1);
	verify_run(v, &m, found, 1, look, &s);
	assert_int_equal(found[0].result, VERIFY_NEUTRAL);
	assert_string_equal(found[0].reason, "it signs too many fields");
	assert_int_equal(s.lookups, 0);
	verifier_destroy(&v);
	free(value);
	free(all);
}

/* All fields are signed, and more: it wrote past the end of its list. */
static void
test_more_names_than_fields(void **state)
{
	static const char *const values[] = {
		" v=1; a=rsa-sha256; d=example.com; s=rsa; bh=aaaa; b=aaaa;\n"
		" h=from:dkim-signature:x:y",
		" v=1; a=rsa-sha256; d=example.com; s=rsa; bh=aaaa; b=aaaa;\n"
		" h=x:subject:from:dkim-signature:y:not signed",
	};

	(void)state;
	for (int fields = 1; fields < 8; fields++) {
		struct scene s = { .limits = usual, .body = "a\r\n" };

		put(&s, "DKIM-Signature", values[0]);
		put(&s, "From", " a@example.com");
		for (int i = 1; i < fields; i++)
			put(&s, "x", " b");
		check(&s);
		want(&s, values[0], 0, VERIFY_FAIL,
		    "the signed header was changed, or the key is another");
		s.fields[0].value = values[1];
		check(&s);
		want(&s, values[1], 0, VERIFY_PERMERROR,
		    "h= names no header fields");
	}
}

static void
test_time(void **state)
{
	static const struct {
		const char *about;
		int64_t ago, valid;
		enum verify_result result;
		const char *reason;
	} rows[] = {
		{ "fresh", 0, 3600, VERIFY_PASS, "" },
		{ "expired, within the drift", 200, 100, VERIFY_PASS, "" },
		{ "expired", 500, 100, VERIFY_POLICY, "it has expired" },
		{ "ahead, within the drift", -200, 0, VERIFY_PASS, "" },
		{ "ahead", -500, 0, VERIFY_POLICY,
		    "it was made in the future" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct sign_rules rules = plain;
		struct scene s;

		begin(&s);
		rules.expire_s = rows[i].valid;
		sign_at(
		    &s, &rules, &keys.ed25519, "ed", time(NULL) - rows[i].ago);
		check(&s);
		want(&s, rows[i].about, 0, rows[i].result, rows[i].reason);
		end(&s);
	}
}

/* What our fields look like: folded, in one order, never with l=. */
static void
test_field(void **state)
{
	const struct sign_identity id = { &keys.ed25519, "example.com", "ed",
		"@news.example.com" };
	const struct sign_rules rules = { true, true, headers, headers, 60 };
	struct verify_message m;
	struct bodyhash body;
	struct scene s;
	char *value;

	(void)state;
	begin(&s);
	m = message_of(&s);
	assert_true(bodyhash(true, -1, m.body, m.body_bytes, &body));
	value = sign_field(&rules, &m, &body, &id, 1528637909);
	assert_non_null(value);
	assert_int_equal(strncmp(value,
			     "v=1; a=ed25519-sha256; c=relaxed/relaxed; "
			     "d=example.com;\n"
			     "\ts=ed; i=@news.example.com; t=1528637909; "
			     "x=1528637969;\n"
			     "\th=From:From:To:To:Cc:Subject:Subject:Date:"
			     "Date:Message-ID:\n"
			     "\tMessage-ID:Reply-To;\n"
			     "\tbh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8"
			     "=;\n"
			     "\tb=",
			     238),
	    0);
	for (const char *line = value; *line != '\0';) {
		size_t n = strcspn(line, "\n");

		assert_true(n <= 78);
		line += n + (line[n] == '\n');
	}
	free(value);
	/* An MTA adds these two if they are missing. */
	s.nfields -= 2;
	m = message_of(&s);
	value = sign_field(&rules, &m, &body, &id, 1528637909);
	assert_non_null(value);
	assert_null(strstr(value, "Date"));
	assert_null(strstr(value, "Message-ID"));
	assert_non_null(strstr(value, "Cc:Subject:Subject:Reply-To;"));
	free(value);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_more_than_wanted_are_passed_over),
		cmocka_unit_test(test_appended_text),
		cmocka_unit_test(test_no_from),
		cmocka_unit_test(test_from_without_address),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_many_fields_and_names),
		cmocka_unit_test(test_more_names_than_fields),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_field),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
