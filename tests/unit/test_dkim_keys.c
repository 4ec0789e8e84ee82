/* SPDX-License-Identifier: Apache-2.0 */
/* The key table, the files that it names, and which key signs when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../plugins/dkim/key.c"
#include "../../plugins/dkim/keyring.c"
#include "../../plugins/dkim/keytable.c"
#include "../../plugins/dkim/record.c"
#include "../../plugins/dkim/rotate.c"
#include "../../plugins/dkim/signature.c"
#include "../../plugins/dkim/tags.c"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* One line: "pattern|selector|file|domain|identity|algorithm", or the fault. */
static const struct line {
	const char *text, *want;
} lines[] = {
	{ "example.com s k", "example.com|s|k|example.com||" },
	{ "  example.com\ts   k  # x", "example.com|s|k|example.com||" },
	{ "\n# x\n\nexample.com s k#1", "example.com|s|k#1|example.com||" },
	{ "@example.com s k", "example.com|s|k|example.com||" },
	{ ".example.com s k", ".example.com|s|k|example.com||" },
	{ "a@example.com s k", "a@example.com|s|k|example.com||" },
	{ "a@example.com s k d=b.example", "a@example.com|s|k|b.example||" },
	{ "* s k d=example.com", "*|s|k|example.com||" },
	{ "* s k d=*", "*|s|k|||" },
	{ "alice s k d=example.com i=alice@example.com",
	    "alice|s|k|example.com|alice@example.com|" },
	{ "example.com s k i=@b.example.com a=rsa-sha256",
	    "example.com|s|k|example.com|@b.example.com|rsa-sha256" },
	{ "example.com s k a=ed25519-sha256\r",
	    "example.com|s|k|example.com||ed25519-sha256" },
	{ "", "" },
	{ "# only\n \t\n", "" },
	{ "example.com", "1: a line is: pattern selector key-file" },
	{ "\nexample.com s", "2: a line is: pattern selector key-file" },
	{ "example.com s/x k",
	    "1: the second column must be a selector: letters, digits and "
	    "hyphens" },
	{ "* s k", "1: the pattern names no domain: add d=example.com" },
	{ "alice s k", "1: the pattern names no domain: add d=example.com" },
	{ "* s k d=a_;b", "1: d= is no domain name" },
	{ "example.com s k d=com", "1: d= is no domain name" },
	{ "example.com s k d=",
	    "1: what follows the key file must be d=, i= or a= with a value" },
	{ "example.com s k x",
	    "1: what follows the key file must be d=, i= or a= with a value" },
	{ "example.com s k x=1",
	    "1: there is no such option; d=, i= and a= are known" },
	{ "example.com s k a=rsa-sha1",
	    "1: a= must be rsa-sha256 or ed25519-sha256" },
	{ "example.com s k i=@example.org",
	    "1: i= must be of the domain d= or below it" },
	{ "example.com s k i=a;b@example.com",
	    "1: i= must be plain text without ; and =" },
	{ "* s k d=* i=@example.com", "1: i= needs a domain d= of its own" },
};

static void
print_row(char *out, size_t size, const struct keytable_row *r)
{
	snprintf(out, size, "%.*s|%.*s|%.*s|%.*s|%.*s|%s", (int)r->pattern.n,
	    r->pattern.p, (int)r->selector.n, r->selector.p, (int)r->file.n,
	    r->file.p, (int)r->domain.n, r->domain.p, (int)r->identity.n,
	    r->identity.p != NULL ? r->identity.p : "",
	    signature_algorithm_name(r->algorithm));
}

static void
test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		struct span text = span_of(lines[i].text);
		struct keytable_row row;
		char got[300] = "";
		unsigned line = 0;
		const char *why;

		if (keytable_next(&text, &line, &row, &why))
			print_row(got, sizeof(got), &row);
		else if (why != NULL)
			snprintf(got, sizeof(got), "%u: %s", line, why);
		if (strcmp(got, lines[i].want) != 0)
			fail_msg("\"%s\": \"%s\", want \"%s\"", lines[i].text,
			    got, lines[i].want);
	}
}

static const struct candidates {
	const char *address, *want;
} candidates[] = {
	{ "a@b.example.com",
	    "a@b.example.com b.example.com .example.com .com * " },
	{ "a@com", "a@com com * " },
	{ "alice", "alice * " },
	{ "a@", "a@ * " },
	{ "@", "@ * " },
	{ "", " * " },
	{ "a@b@c.d", "a@b@c.d c.d .d * " },
	{ "a@.b", "a@.b .b * " },
	{ "*", "* " },
};

static void
test_candidates(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(candidates); i++) {
		struct span at = { NULL, 0 };
		char got[200] = "";
		size_t n = 0;

		while (keytable_candidate(span_of(candidates[i].address), &at))
			n += (size_t)snprintf(
			    got + n, sizeof(got) - n, "%.*s ", (int)at.n, at.p);
		if (strcmp(got, candidates[i].want) != 0)
			fail_msg("\"%s\": \"%s\"", candidates[i].address, got);
	}
}

/* --- files --- */

struct folder {
	char path[64];
	char told[4096];
};

static void
make_folder(struct folder *f)
{
	memset(f, 0, sizeof(*f));
	snprintf(f->path, sizeof(f->path), "/tmp/millrace-dkim-XXXXXX");
	assert_non_null(mkdtemp(f->path));
}

static char *
path_in(const struct folder *f, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", f->path, name) > 0);
	return path;
}

static void
write_file(
    const struct folder *f, const char *name, const char *text, mode_t mode)
{
	char *path = path_in(f, name);
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	assert_int_equal(chmod(path, mode), 0);
	free(path);
}

static void
write_key(const struct folder *f, const char *name,
    enum signature_algorithm algorithm, unsigned bits, mode_t mode)
{
	struct key k;
	char *pem, *text;
	size_t n;

	assert_true(key_generate(algorithm, bits, &k));
	assert_non_null(pem = key_pem(&k, &n));
	text = strndup(pem, n);
	write_file(f, name, text, mode);
	free(text);
	free(pem);
	key_finish(&k);
}

static void
remove_folder(const struct folder *f)
{
	char *command;

	assert_true(asprintf(&command, "rm -r %s", f->path) > 0);
	assert_int_equal(system(command), 0);
	free(command);
}

static void
remember(void *arg, const char *text)
{
	struct folder *f = arg;
	size_t n = strlen(f->told), folder = strlen(f->path);

	/* The folder's name is another one each time. */
	if (strncmp(text, f->path, folder) == 0)
		text += folder + 1;
	snprintf(f->told + n, sizeof(f->told) - n, "%s\n", text);
}

/* A good key of a kind that DKIM has not (openssl genpkey). */
#define EC_KEY                                                                 \
	"-----BEGIN PRIVATE KEY-----\n"                                        \
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgquHlsjOOdbVW5TAU\n"   \
	"Xrsl43gXb8TUkhITmhtx2mxu8pmhRANCAAQTQPBTtH5Xq6rfZiQ47QfHommiHu1o\n"   \
	"mkY6jLNILRhbUth9uphPT/f6kPULFG06EsXdHq/FQRSlZkWbve4VIcfr\n"           \
	"-----END PRIVATE KEY-----\n"

static const struct key_file {
	const char *name, *text;
	mode_t mode;
	const char *why; /* behind the path */
} key_files[] = {
	{ "none", NULL, 0, ": No such file or directory" },
	{ "public", "", 0644,
	    ": others may read or write it (mode 644); chmod 600 it" },
	{ "group", "", 0640,
	    ": others may read or write it (mode 640); chmod 600 it" },
	{ "empty", "", 0600, ": not a private key in PEM" },
	{ "text", "hello\n", 0600,
	    ": not a private key in PEM without a password" },
	{ "ec", EC_KEY, 0600, ": neither an RSA nor an Ed25519 key" },
};

static void
test_key_files(void **state)
{
	struct folder f;
	struct key k;

	(void)state;
	make_folder(&f);
	for (size_t i = 0; i < COUNT(key_files); i++) {
		char *path = path_in(&f, key_files[i].name), *why = NULL;

		if (key_files[i].text != NULL)
			write_file(&f, key_files[i].name, key_files[i].text,
			    key_files[i].mode);
		assert_false(key_load(path, &k, &why));
		assert_non_null(why);
		assert_string_equal(why + strlen(path), key_files[i].why);
		free(why);
		free(path);
	}
	remove_folder(&f);
}

static void
test_kinds_of_keys(void **state)
{
	struct folder f;
	struct key k;
	char *path, *why = NULL;

	(void)state;
	make_folder(&f);
	write_key(&f, "ed", ALGORITHM_ED25519, 0, 0400);
	path = path_in(&f, "ed");
	assert_true(key_load(path, &k, &why));
	assert_int_equal(k.algorithm, ALGORITHM_ED25519);
	assert_int_equal(k.bits, 256);
	assert_int_equal(strlen(k.public), 44);
	key_finish(&k);
	free(path);
	write_key(&f, "rsa", ALGORITHM_RSA_SHA256, 1024, 0600);
	path = path_in(&f, "rsa");
	assert_true(key_load(path, &k, &why));
	assert_int_equal(k.algorithm, ALGORITHM_RSA_SHA256);
	assert_int_equal(k.bits, 1024);
	assert_int_equal(strlen(k.public), 216);
	key_finish(&k);
	free(path);
	write_key(&f, "short", ALGORITHM_RSA_SHA256, 768, 0600);
	path = path_in(&f, "short");
	assert_false(key_load(path, &k, &why));
	assert_string_equal(why + strlen(path),
	    ": an RSA key of 768 bits; it must have 1024 to 4096, and should "
	    "have 2048");
	free(why);
	free(path);
	remove_folder(&f);
}

/* A folder is no key, nor is a pipe that nobody writes to. */
static void
test_no_files(void **state)
{
	struct folder f;
	struct key k;
	char *path, *why = NULL;

	(void)state;
	make_folder(&f);
	assert_false(key_load(f.path, &k, &why));
	assert_string_equal(why + strlen(f.path), ": not a file");
	free(why);
	path = path_in(&f, "pipe");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(key_load(path, &k, &why));
	assert_string_equal(why + strlen(path), ": not a file");
	free(why);
	free(path);
	remove_folder(&f);
}

static void
load(struct folder *f, struct keyring *ring, const char *table)
{
	char *path = path_in(f, "table");

	write_file(f, "table", table, 0644);
	f->told[0] = '\0';
	keyring_load(ring, path, remember, f);
	free(path);
}

static void
test_keyring_faults(void **state)
{
	static const struct {
		const char *table, *want;
	} rows[] = {
		{ "", "table: there is no key in it\n" },
		{ "# nothing\n", "table: there is no key in it\n" },
		{ "example.com s ed\nexample.org\nexample.net s ed x=1\n",
		    "table:2: a line is: pattern selector key-file\n"
		    "table:3: there is no such option; d=, i= and a= are "
		    "known\n" },
		{ "example.com s ed a=rsa-sha256\n",
		    "table:1: the key is of another kind than a= says\n" },
	};
	struct keyring ring;
	struct folder f;

	(void)state;
	make_folder(&f);
	write_key(&f, "ed", ALGORITHM_ED25519, 0, 0600);
	for (size_t i = 0; i < COUNT(rows); i++) {
		load(&f, &ring, rows[i].table);
		assert_string_equal(f.told, rows[i].want);
		assert_int_equal(ring.count, 0);
		keyring_finish(&ring);
	}
	load(&f, &ring, "a.example s gone\nb.example s gone2\n");
	assert_non_null(strstr(f.told, "table:1: "));
	assert_non_null(strstr(f.told, "/gone2: No such file or directory"));
	assert_false(keyring_load(&ring, f.path, remember, &f));
	assert_false(keyring_load(&ring, "/nowhere/table", remember, &f));
	remove_folder(&f);
}

/* Whose mail, and the selectors of its keys; "|" between groups. */
static const struct selection {
	const char *address, *want;
} selections[] = {
	{ "joe@example.com", "r1 r2|e1" },
	{ "boss@example.com", "boss" },
	{ "BOSS@Example.COM", "boss" },
	{ "joe@b.example.com", "sub" },
	{ "joe@c.b.example.com", "sub" },
	{ "joe@anexample.com", "all" },
	{ "joe@example.org", "all" },
	{ "alice", "alice" },
	{ "bob", "all" },
	{ "", "all" },
};

static void
test_selections(void **state)
{
	struct keyring ring;
	struct folder f;

	(void)state;
	make_folder(&f);
	write_key(&f, "rsa", ALGORITHM_RSA_SHA256, 1024, 0600);
	write_key(&f, "ed", ALGORITHM_ED25519, 0, 0600);
	load(&f, &ring,
	    "example.com r1 rsa\n"
	    "* all ed d=example.net\n"
	    "example.com e1 ed\n"
	    "Boss@Example.com boss ed\n"
	    "EXAMPLE.com r2 rsa d=Example.com\n"
	    ".example.com sub rsa\n"
	    "alice alice ed d=example.com\n");
	assert_string_equal(f.told, "");
	for (size_t i = 0; i < COUNT(selections); i++) {
		const struct keyring_key *k;
		char got[200] = "";
		uint32_t count = 0, group = 0;
		size_t n = 0;

		k = keyring_find(&ring, selections[i].address, &count);
		for (uint32_t at = 0; at < count; at++, group--) {
			const char *space = at == 0 ? "" : " ";

			if (group == 0) {
				group = keyring_group(&k[at], count - at);
				space = at == 0 ? "" : "|";
			}
			n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%s",
			    space, k[at].selector);
		}
		if (strcmp(got, selections[i].want) != 0)
			fail_msg("%s: \"%s\"", selections[i].address, got);
	}
	keyring_finish(&ring);
	load(&f, &ring, "example.com r1 rsa\n");
	assert_null(keyring_find(&ring, "a@example.org", &(uint32_t){ 0 }));
	keyring_finish(&ring);
	remove_folder(&f);
}

/* --- rotation --- */

static const struct rotation {
	const char *about;
	struct rotate_key keys[3];
	uint32_t n;
	const char *want; /* states, with the time at which they change */
} rotations[] = {
	{ "alone, unseen", { { false, 0, 0 } }, 1, "signs" },
	{ "alone, seen", { { true, 900, 50 } }, 1, "signs" },
	{ "not there yet", { { true, 1, 50 }, { false, 0, 0 } }, 2,
	    "signs unseen" },
	{ "there, and never seen before",
	    { { true, 1, 50 }, { true, 1000, 300 } }, 2, "signs waits@1300" },
	{ "there since less than the TTL",
	    { { true, 1, 50 }, { true, 750, 300 } }, 2, "signs waits@1050" },
	{ "there since less than we want at least",
	    { { true, 1, 50 }, { true, 950, 10 } }, 2, "signs waits@1050" },
	{ "there since the TTL", { { true, 1, 50 }, { true, 700, 300 } }, 2,
	    "retiring@6000 signs" },
	{ "for long", { { true, 1, 50 }, { true, -9000, 300 } }, 2,
	    "signs waits@-8700" },
	{ "for very long", { { true, 1, 50 }, { true, 10, 0 } }, 2,
	    "retiring@5110 signs" },
	{ "it went away again", { { true, 1, 50 }, { false, 100, 50 } }, 2,
	    "signs unseen" },
	{ "the newest but one",
	    { { true, 1, 50 }, { true, 100, 50 }, { true, 990, 50 } }, 3,
	    "retiring@5200 signs waits@1090" },
	{ "the newest",
	    { { true, 1, 50 }, { true, 100, 50 }, { true, 800, 50 } }, 3,
	    "retiring@5900 retiring@5900 signs" },
};

static void
test_rotations(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rotations); i++) {
		const struct rotation *r = &rotations[i];
		char got[200] = "";
		size_t n = 0;

		for (uint32_t k = 0; k < r->n; k++) {
			int64_t until;
			enum rotate_state s = rotate_state(
			    r->keys, r->n, k, 1000, 100, 5000, &until);

			n += (size_t)snprintf(got + n, sizeof(got) - n, "%s%s",
			    k > 0 ? " " : "", rotate_state_name(s));
			if (until != 0)
				n += (size_t)snprintf(got + n, sizeof(got) - n,
				    "@%lld", (long long)until);
			assert_int_equal(s == ROTATE_SIGNS,
			    rotate_choose(r->keys, r->n, 1000, 100) == k);
		}
		if (strcmp(got, r->want) != 0)
			fail_msg("%s: \"%s\"", r->about, got);
	}
}

static void
test_retired(void **state)
{
	const struct rotate_key keys[] = { { true, 1, 1 }, { true, 100, 1 } };
	int64_t until;

	(void)state;
	assert_int_equal(
	    rotate_state(keys, 2, 0, 6000, 100, 5000, &until), ROTATE_RETIRED);
	assert_int_equal(until, 0);
}

static void
test_sights(void **state)
{
	static const char *const bad[] = { "", "1", "1 ", " 1", "a 1", "1 b",
		"0 1", "-1 1", "1 1 1", "1 99999999999" };
	int64_t seen = 0, ttl = 0;
	char text[64];

	(void)state;
	assert_true(rotate_write(text, sizeof(text), 1767225600, 3600));
	assert_string_equal(text, "1767225600 3600");
	assert_true(rotate_read(text, (uint32_t)strlen(text), &seen, &ttl));
	assert_int_equal(seen, 1767225600);
	assert_int_equal(ttl, 3600);
	for (size_t i = 0; i < COUNT(bad); i++)
		if (rotate_read(bad[i], (uint32_t)strlen(bad[i]), &seen, &ttl))
			fail_msg("\"%s\"", bad[i]);
	assert_false(rotate_write(text, 5, 1767225600, 3600));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_candidates),
		cmocka_unit_test(test_key_files),
		cmocka_unit_test(test_kinds_of_keys),
		cmocka_unit_test(test_no_files),
		cmocka_unit_test(test_keyring_faults),
		cmocka_unit_test(test_selections),
		cmocka_unit_test(test_rotations),
		cmocka_unit_test(test_retired),
		cmocka_unit_test(test_sights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
