/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that need no DNS: keygen and record. */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <millrace/print.h>
#include <openssl/crypto.h>

#include "publish.h"
#include "tags.h"

enum { RECORD_BYTES = 1400, ZONE_BYTES = 2048, DEFAULT_BITS = 2048 };

void
command_complain(const char *format, ...)
{
	va_list args;

	fputs("millrace dkim: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* --- the keys of the configuration --- */

struct walk {
	const struct dkim_conf *conf;
	int32_t ndomains;
	char **domains;
	void (*seen)(void *arg, const struct command_key *);
	void *arg;
	bool any;
};

static void
complain_of_table(void *arg, const char *text)
{
	(void)arg;
	command_complain("%s", text);
}

static void
show(struct walk *w, struct command_key *k, const char *domain)
{
	k->domain = domain;
	w->any = true;
	w->seen(w->arg, k);
}

static void
show_if_wanted(struct walk *w, struct command_key *k)
{
	bool any = k->key->domain[0] == '\0';

	if (w->ndomains == 0 && !any)
		show(w, k, k->key->domain);
	for (int32_t i = 0; i < w->ndomains; i++)
		if (any || strcasecmp(w->domains[i], k->key->domain) == 0)
			show(w, k, w->domains[i]);
}

static void
walk_ring(struct walk *w, const struct keyring *ring)
{
	uint32_t n;

	for (uint32_t i = 0; i < ring->count; i += n) {
		struct command_key k = { .conf = w->conf,
			.group = &ring->keys[i] };

		k.count = n = keyring_group(&ring->keys[i], ring->count - i);
		for (; k.place < n; k.place++) {
			k.key = &k.group[k.place];
			show_if_wanted(w, &k);
		}
	}
}

static bool
is_repeated(const struct mr_tool *t, uint32_t i)
{
	const struct dkim_conf *conf = t->confs[i];

	for (uint32_t k = 0; k < i; k++) {
		const struct dkim_conf *earlier = t->confs[k];

		if (earlier->sign && earlier->keys != NULL &&
		    strcmp(earlier->keys, conf->keys) == 0)
			return true;
	}
	return false;
}

bool
command_keys(const struct mr_tool *t, int32_t ndomains, char **domains,
    void (*seen)(void *arg, const struct command_key *), void *arg)
{
	struct walk w = { .ndomains = ndomains,
		.domains = domains,
		.seen = seen,
		.arg = arg };
	struct keyring ring;
	bool ok = true, table = false;

	for (uint32_t i = 0; i < t->count; i++) {
		w.conf = t->confs[i];
		if (!w.conf->sign || w.conf->keys == NULL || is_repeated(t, i))
			continue;
		table = true;
		if (keyring_load(&ring, w.conf->keys, complain_of_table, NULL))
			walk_ring(&w, &ring);
		else
			ok = false;
		keyring_finish(&ring);
	}
	if (!table)
		command_complain("no instance in the configuration signs");
	else if (ok && !w.any)
		command_complain(ndomains > 0
				     ? "there is no key for that domain"
				     : "say which domain: the keys are for "
				       "every domain");
	return ok && w.any;
}

/* --- words --- */

struct words {
	const char *domain, *selector, *out, *owner, *key;
	enum signature_algorithm algorithm;
	unsigned bits;
	bool test;
};

static bool
read_algorithm(struct words *w, const char *text)
{
	if (strcmp(text, "ed25519") == 0 || strcmp(text, "ed25519-sha256") == 0)
		w->algorithm = ALGORITHM_ED25519;
	else if (strcmp(text, "rsa") != 0 && strcmp(text, "rsa-sha256") != 0) {
		command_complain("--algorithm must be rsa or ed25519");
		return false;
	}
	return true;
}

static bool
read_bits(struct words *w, const char *text)
{
	int64_t bits;

	if (!tags_number(span_of(text), &bits) || bits < 1024 || bits > 4096) {
		command_complain("--bits must be 1024 to 4096; take 2048");
		return false;
	}
	w->bits = (unsigned)bits;
	return true;
}

static bool
read_word(struct words *w, int option)
{
	switch (option) {
	case 'd':
		w->domain = optarg;
		return true;
	case 's':
		w->selector = optarg;
		return true;
	case 'o':
		w->out = optarg;
		return true;
	case 'u':
		w->owner = optarg;
		return true;
	case 'k':
		w->key = optarg;
		return true;
	case 't':
		w->test = true;
		return true;
	case 'a':
		return read_algorithm(w, optarg);
	case 'b':
		return read_bits(w, optarg);
	default:
		return false; /* getopt has said so */
	}
}

/* The first word that is no option, or -1. */
static int
read_words(struct words *w, const struct option *known, int argc, char **argv)
{
	int option;

	*w = (struct words){ .out = ".",
		.algorithm = ALGORITHM_RSA_SHA256,
		.bits = DEFAULT_BITS };
	optind = 0;
	while ((option = getopt_long(argc, argv, "+", known, NULL)) != -1)
		if (!read_word(w, option))
			return -1;
	return optind;
}

static bool
check_name(const struct words *w)
{
	if (w->domain == NULL || !tags_is_domain(span_of(w->domain)))
		command_complain("--domain must be a domain name, as "
				 "example.com");
	else if (w->selector == NULL || !tags_is_selector(span_of(w->selector)))
		command_complain("--selector must be letters, digits and "
				 "hyphens, as 2026a");
	else
		return true;
	return false;
}

/* --- records --- */

static void
write_record(
    const struct key *k, const char *name, bool test, char *text, char *zone)
{
	record_write(text, RECORD_BYTES, k->algorithm == ALGORITHM_ED25519,
	    k->public, test);
	record_zone(zone, ZONE_BYTES, name, text);
}

static void
print_record(const struct key *k, const char *selector, const char *domain,
    bool test, bool json)
{
	char text[RECORD_BYTES], zone[ZONE_BYTES], name[PUBLISH_NAME_BYTES];
	size_t n;

	publish_name(name, span_of(selector), span_of(domain));
	n = strlen(name);
	snprintf(name + n, sizeof(name) - n, ".");
	write_record(k, name, test, text, zone);
	if (!json) {
		fputs(zone, stdout);
		return;
	}
	fputs("{\"name\":", stdout);
	mr_print_json(name);
	fputs(",\"record\":", stdout);
	mr_print_json(text);
	fputs(",\"zone\":", stdout);
	mr_print_json(zone);
	putchar('}');
}

/* --- keygen --- */

/* A daemon reads the key as its own user. */
static bool
give_away(int fd, const struct words *w, const char **owner)
{
	const char *name = w->owner != NULL ? w->owner : "millrace";
	const struct passwd *pw;

	*owner = NULL;
	if (w->owner == NULL && geteuid() != 0)
		return true;
	if ((pw = getpwnam(name)) == NULL) {
		if (w->owner == NULL)
			return true;
		command_complain("there is no user \"%s\"", name);
		return false;
	}
	*owner = name;
	if (fchown(fd, pw->pw_uid, pw->pw_gid) == 0)
		return true;
	command_complain("chown to %s: %s", name, strerror(errno));
	return false;
}

static bool
write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t done = write(fd, bytes, n);

		if (done <= 0)
			return false;
		bytes += done;
		n -= (size_t)done;
	}
	return fsync(fd) == 0;
}

/* The file is there with all that belongs to it, or not at all. */
static bool
save_key(const struct key *k, const char *path, const struct words *w,
    const char **owner)
{
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t n = 0;
	char *pem;
	bool ok;

	if (fd == -1) {
		command_complain("%s: %s", path,
		    errno == EEXIST ? "there is a file already; take another "
				      "selector"
				    : strerror(errno));
		return false;
	}
	pem = key_pem(k, &n);
	ok = pem != NULL && write_all(fd, pem, n);
	if (!ok)
		command_complain("%s: it cannot be written", path);
	if (pem != NULL)
		OPENSSL_cleanse(pem, n);
	free(pem);
	ok = ok && give_away(fd, w, owner);
	close(fd);
	if (!ok)
		unlink(path);
	return ok;
}

static void
print_new_key(const struct key *k, const char *path, const char *owner,
    const struct words *w, bool json)
{
	const char *file = strrchr(path, '/');
	const char *kind =
	    k->algorithm == ALGORITHM_ED25519 ? "ed25519" : "rsa";

	file = file != NULL ? file + 1 : path;
	if (json) {
		fputs("{\"file\":", stdout);
		mr_print_json(path);
		printf(",\"algorithm\":\"%s\",\"bits\":%u,\"owner\":", kind,
		    k->bits);
		mr_print_json(owner);
		fputs(",\"publish\":", stdout);
		print_record(k, w->selector, w->domain, w->test, true);
		printf(
		    ",\"line\":\"%s %s %s\"}\n", w->domain, w->selector, file);
		return;
	}
	printf("# %s: %s, %u bits", path, kind, k->bits);
	if (owner != NULL)
		printf(", of user %s", owner);
	printf("\n\n# for the zone file of %s\n", w->domain);
	print_record(k, w->selector, w->domain, w->test, false);
	printf("\n# for the key table, if that is in the same folder\n"
	       "%s %s %s\n",
	    w->domain, w->selector, file);
}

static int32_t
keygen(const struct mr_tool *t, int32_t argc, char **argv)
{
	static const struct option known[] = {
		{ "domain", required_argument, NULL, 'd' },
		{ "selector", required_argument, NULL, 's' },
		{ "algorithm", required_argument, NULL, 'a' },
		{ "bits", required_argument, NULL, 'b' },
		{ "out", required_argument, NULL, 'o' },
		{ "owner", required_argument, NULL, 'u' },
		{ "test", no_argument, NULL, 't' },
		{ 0 },
	};
	const char *owner = NULL;
	struct words w;
	struct key key;
	char *path;
	bool ok;
	int first = read_words(&w, known, argc, argv);

	if (first == -1)
		return STATUS_USAGE;
	if (first < argc) {
		command_complain("keygen: what is \"%s\"?", argv[first]);
		return STATUS_USAGE;
	}
	if (!check_name(&w))
		return STATUS_USAGE;
	if (asprintf(&path, "%s/%s.%s.key", w.out, w.domain, w.selector) == -1)
		return STATUS_LATER;
	if (!key_generate(w.algorithm, w.bits, &key)) {
		command_complain("OpenSSL cannot make a key");
		free(path);
		return STATUS_LATER;
	}
	if ((ok = save_key(&key, path, &w, &owner)))
		print_new_key(&key, path, owner, &w, t->json);
	key_finish(&key);
	free(path);
	return ok ? STATUS_OK : STATUS_NO;
}

/* --- record --- */

struct listing {
	bool json, test;
	uint32_t shown;
};

static void
list_record(void *arg, const struct command_key *k)
{
	struct listing *l = arg;

	if (l->shown++ > 0)
		fputs(l->json ? "," : "", stdout);
	print_record(
	    &k->key->key, k->key->selector, k->domain, l->test, l->json);
}

static int32_t
record_of_file(const struct mr_tool *t, const struct words *w)
{
	struct key key;
	char *why = NULL;

	if (!check_name(w))
		return STATUS_USAGE;
	if (!key_load(w->key, &key, &why)) {
		command_complain("%s", why != NULL ? why : "no memory");
		free(why);
		return STATUS_NO;
	}
	print_record(&key, w->selector, w->domain, w->test, t->json);
	if (t->json)
		putchar('\n');
	key_finish(&key);
	return STATUS_OK;
}

static int32_t
record(const struct mr_tool *t, int32_t argc, char **argv)
{
	static const struct option known[] = {
		{ "key", required_argument, NULL, 'k' },
		{ "domain", required_argument, NULL, 'd' },
		{ "selector", required_argument, NULL, 's' },
		{ "test", no_argument, NULL, 't' },
		{ 0 },
	};
	struct listing l = { .json = t->json };
	struct words w;
	int first = read_words(&w, known, argc, argv);
	bool ok;

	if (first == -1)
		return STATUS_USAGE;
	if (w.key != NULL)
		return record_of_file(t, &w);
	l.test = w.test;
	if (t->json)
		putchar('[');
	ok = command_keys(t, argc - first, argv + first, list_record, &l);
	if (t->json)
		puts("]");
	return ok ? STATUS_OK : STATUS_NO;
}

const struct mr_command dkim_commands[] = {
	{ "keygen",
	    "--domain D --selector S [--algorithm rsa|ed25519] [--bits N] "
	    "[--out DIR] [--owner USER] [--test]",
	    "make a private key, and print its record", keygen },
	{ "record",
	    "[--test] [DOMAIN ...] | --key FILE --domain D --selector S",
	    "print the records of the keys in use, as for a zone file",
	    record },
	{ "check", "[DOMAIN ...]",
	    "ask the DNS whether the records are there and fit",
	    command_check },
	{ "status", "[DOMAIN ...]",
	    "show which keys sign, wait for their turn, or may go",
	    command_status },
	{ 0 },
};
