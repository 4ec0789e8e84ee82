/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libopendkim 2.11 chooses, canonicalizes and hashes the signed fields.  It
 * does not check the signature: it would read the key anew for each, which
 * takes OpenSSL several times longer than the check.  The body it never sees:
 * its own pass over it costs five times what ours does, needs as much memory as
 * the longest run without blanks, and depends on where chunks end.  Nor does it
 * see fields of over 64 KB (all signatures of the message would be lost), and
 * more signatures than are wanted.  It is not asked to use the DNS (its hooks
 * write past their buffers) or z= (dkim_ohdrs() does the same).
 */
#include "verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include <opendkim/dkim.h>

#include "bodyhash.h"
#include "canon.h"
#include "pubkey.h"
#include "tags.h"

enum {
	SIGNED_FIELD_BYTES = 60000, /* the library gives up at 64 KB */
	/* Each name of h= is looked for in the whole header. */
	LOOKS_MOST = 1000000,
};

struct verifier {
	DKIM_LIB *lib;
	struct pubkeys *keys;
	struct verify_limits limits;
};

/* Fields that a message has once (RFC 5322, 3.6), as a reader sees them. */
static const struct single {
	const char *name, *reason;
} singles[] = {
	{ "Subject", "there is a Subject that it does not sign" },
	{ "Date", "there is a Date that it does not sign" },
	{ "To", "there is a To that it does not sign" },
	{ "Cc", "there is a Cc that it does not sign" },
	{ "Sender", "there is a Sender that it does not sign" },
	{ "Reply-To", "there is a Reply-To that it does not sign" },
	{ "Message-ID", "there is a Message-ID that it does not sign" },
	{ "MIME-Version", "there is a MIME-Version that it does not sign" },
	{ "Content-Type", "there is a Content-Type that it does not sign" },
	{ "Content-Transfer-Encoding",
	    "there is a Content-Transfer-Encoding that it does not sign" },
};

enum { SINGLES = sizeof(singles) / sizeof(singles[0]) };

/* A body hash that several signatures may share. */
struct body {
	bool relaxed, ok;
	int64_t limit;
	struct bodyhash hash;
};

struct run {
	const struct verifier *verifier;
	const struct verify_message *message;
	struct verify_signature **fed; /* in the order of the header */
	uint32_t nfed;
	struct body *bodies; /* as many as were fed, at most */
	uint32_t nbodies;
	size_t counts[SINGLES]; /* of the singles in the header */
	size_t froms;
	verify_lookup *lookup;
	void *arg;
};

static const char *const result_names[VERIFY_RESULTS] = { "pass", "fail",
	"policy", "neutral", "permerror", "temperror" };

const char *
verify_result_name(enum verify_result r)
{
	return result_names[r];
}

static void
settle(struct verify_signature *s, enum verify_result r, const char *reason)
{
	s->result = r;
	s->reason = reason;
}

static DKIM_CBSTAT check_all(DKIM *, DKIM_SIGINFO **, int);

static bool
verifier_open(struct verifier *v, void *(*mallocf)(void *, size_t),
    void (*freef)(void *, void *))
{
	u_int flags = DKIM_LIBFLAGS_DELAYSIGPROC | DKIM_LIBFLAGS_BADSIGHANDLES;

	return (v->keys = pubkeys_create()) != NULL &&
	       (v->lib = dkim_init(mallocf, freef)) != NULL &&
	       dkim_options(v->lib, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags,
		   sizeof(flags)) == DKIM_STAT_OK &&
	       dkim_set_final(v->lib, check_all) == DKIM_STAT_OK;
}

struct verifier *
verifier_create(const struct verify_limits *limits)
{
	struct verifier *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	v->limits = *limits;
	if (!verifier_open(v, NULL, NULL))
		verifier_destroy(&v);
	return v;
}

void
verifier_destroy(struct verifier **verifier)
{
	struct verifier *v = *verifier;

	if (v == NULL)
		return;
	if (v->lib != NULL)
		dkim_close(v->lib);
	pubkeys_destroy(&v->keys);
	free(v);
	*verifier = NULL;
}

static void
read_claim(struct verify_signature *s, const char *value, int64_t now)
{
	static const enum verify_result results[] = {
		[SIGNATURE_CHECKABLE] =
		    VERIFY_NEUTRAL, /* until it is checked */
		[SIGNATURE_NEUTRAL] = VERIFY_NEUTRAL,
		[SIGNATURE_POLICY] = VERIFY_POLICY,
		[SIGNATURE_PERMERROR] = VERIFY_PERMERROR,
	};
	const char *why;
	enum signature_state state =
	    signature_read(span_of(value), now, &s->claim, &why);

	s->checkable = state == SIGNATURE_CHECKABLE;
	settle(s, results[state], why);
}

uint32_t
verify_find(const struct verifier *v, const struct verify_field *fields,
    uint32_t nfields, int64_t now, struct verify_signature *out, uint32_t *over)
{
	uint32_t n = 0;

	*over = 0;
	for (uint32_t i = 0; i < nfields; i++) {
		if (strcasecmp(fields[i].name, "DKIM-Signature") != 0)
			continue;
		if (n == v->limits.signatures ||
		    strlen(fields[i].value) > v->limits.signature_bytes) {
			++*over;
			continue;
		}
		memset(&out[n], 0, sizeof(out[n]));
		out[n].field = i;
		read_claim(&out[n], fields[i].value, now);
		n++;
	}
	return n;
}

static size_t
count_fields(const struct verify_message *m, const char *name)
{
	size_t n = 0;

	for (uint32_t i = 0; i < m->nfields; i++)
		n += strcasecmp(m->fields[i].name, name) == 0;
	return n;
}

/*
 * A field of which there are more than it signs was added after it; one that
 * is there once and not signed was left out by choice.
 */
static const char *
find_added(const struct run *run, const struct signature *claim)
{
	for (int i = 0; i < SINGLES; i++)
		if (run->counts[i] > 1 &&
		    run->counts[i] > signature_covers(claim, singles[i].name))
			return singles[i].reason;
	return NULL;
}

static bool
is_named(const struct run *run, const char *name)
{
	for (uint32_t i = 0; i < run->nfed; i++)
		if (tags_lists(run->fed[i]->claim.h, name))
			return true;
	return false;
}

static size_t
count_listed(struct span h)
{
	size_t n = 0;

	for (; h.p != NULL; n++)
		span_cut(&h, ':');
	return n;
}

/* What the library cannot do, or not soon enough. */
static const char *
excess(const struct verify_message *m, const struct signature *claim)
{
	if (count_listed(claim->h) * m->nfields > LOOKS_MOST)
		return "it signs too many fields";
	for (uint32_t i = 0; i < m->nfields; i++)
		if (strlen(m->fields[i].value) > SIGNED_FIELD_BYTES &&
		    tags_lists(claim->h, m->fields[i].name))
			return "it signs a field of over 60000 bytes";
	return NULL;
}

struct field_text {
	unsigned char *p;
	size_t size;
};

/* "Name: value" with folds as CRLF; its length, 0: no memory. */
static size_t
write_field(struct field_text *t, const struct verify_field *f)
{
	size_t name = strlen(f->name), n = 0;
	size_t need = name + 2 * strlen(f->value) + 2;

	if (need > t->size) {
		unsigned char *grown = realloc(t->p, need);

		if (grown == NULL)
			return 0;
		t->p = grown;
		t->size = need;
	}
	for (; n < name; n++)
		t->p[n] = (unsigned char)f->name[n];
	t->p[n++] = ':';
	for (const char *v = f->value; *v != '\0'; v++) {
		if (*v == '\n' && (v == f->value || v[-1] != '\r'))
			t->p[n++] = '\r';
		t->p[n++] = (unsigned char)*v;
	}
	return n;
}

/*
 * When h= has more names than there are fields, and all of them are signed,
 * dkim_canon_selecthdrs() writes a pointer past the end of its list.  So
 * there is one more that no h= can name: blanks are not allowed there.
 */
static bool
feed_unsigned(DKIM *d)
{
	unsigned char field[] = "not signed: ";

	return dkim_header(d, field, sizeof(field) - 1) == DKIM_STAT_OK;
}

/* Fields that nobody signs are of no interest. */
static bool
feed_header(const struct run *run, DKIM *d)
{
	struct field_text text = { 0 };
	uint32_t next = 0;
	bool ok = feed_unsigned(d);

	for (uint32_t i = 0; i < run->message->nfields && ok; i++) {
		const struct verify_field *f = &run->message->fields[i];
		bool is_fed = next < run->nfed && run->fed[next]->field == i;
		DKIM_STAT status;
		size_t n;

		if (!is_fed && (strcasecmp(f->name, "DKIM-Signature") == 0 ||
				   !is_named(run, f->name)))
			continue;
		if ((n = write_field(&text, f)) == 0) {
			ok = false;
			break;
		}
		status = dkim_header(d, text.p, n);
		if (is_fed && status != DKIM_STAT_OK)
			settle(run->fed[next], VERIFY_PERMERROR,
			    "it cannot be understood");
		next += is_fed;
	}
	free(text.p);
	return ok;
}

/* The hash that a signature is about; NULL: it cannot be had. */
static const struct body *
hash_body(struct run *run, const struct signature *claim)
{
	const struct verify_message *m = run->message;
	struct span canon = claim->c;
	struct body *b = run->bodies;
	bool relaxed;

	if (canon.p != NULL)
		span_cut(&canon, '/');
	relaxed = canon.p != NULL && span_is(canon, "relaxed");
	for (uint32_t i = 0; i < run->nbodies; i++, b++)
		if (b->relaxed == relaxed && b->limit == claim->body_length)
			return b->ok ? b : NULL;
	run->nbodies++;
	b->relaxed = relaxed;
	b->limit = claim->body_length;
	b->ok = bodyhash(relaxed, b->limit, m->body, m->body_bytes, &b->hash);
	return b->ok ? b : NULL;
}

/* Does bh=, which may have blanks in it, say the same? */
static bool
is_body_hash(struct span bh, const struct bodyhash *hash)
{
	char text[BODYHASH_TEXT];
	size_t n = 0;

	bodyhash_text(hash, text);
	for (size_t i = 0; i < bh.n; i++)
		if (!span_blank(bh.p[i]) && bh.p[i] != text[n++])
			return false; /* text ends with a NUL */
	return text[n] == '\0';
}

/* The header is as it was signed; is the body? */
static void
settle_body(struct run *run, struct verify_signature *s)
{
	const struct body *b = hash_body(run, &s->claim);

	if (b == NULL)
		settle(s, VERIFY_TEMPERROR, "there is no memory");
	else if (b->hash.length < b->limit)
		settle(s, VERIFY_PERMERROR, "the body is shorter than l= says");
	else if (!is_body_hash(s->claim.bh, &b->hash))
		settle(s, VERIFY_FAIL, "the body was changed");
	else if (b->limit >= 0 && b->hash.length > b->limit &&
		 !run->verifier->limits.allow_appended)
		settle(s, VERIFY_POLICY,
		    "text was added below what it signs (l=)");
	else
		settle(s, VERIFY_PASS, NULL);
}

/* t=s: i= must be of the very domain d= (RFC 6376, 3.6.1). */
static bool
is_below_strict(const struct verify_signature *s)
{
	struct span i = s->claim.i;
	const char *at;

	if (!s->key.strict || i.p == NULL)
		return false;
	at = memrchr(i.p, '@', i.n);
	i.n -= (size_t)(at + 1 - i.p);
	i.p = at + 1;
	return !span_same(i, s->claim.d);
}

/* The signature is right; is it acceptable? */
static void
settle_right(struct run *run, struct verify_signature *s)
{
	const char *added = find_added(run, &s->claim);

	if (s->claim.algorithm == ALGORITHM_RSA_SHA256 &&
	    s->key_bits < run->verifier->limits.key_bits)
		settle(s, VERIFY_POLICY, "the key is too short to be safe");
	else if (is_below_strict(s))
		settle(s, VERIFY_PERMERROR,
		    "the key is not for sub-domains (t=s)");
	else if (run->froms > 1)
		settle(s, VERIFY_POLICY, "the message has several From fields");
	else if (added != NULL)
		settle(s, VERIFY_POLICY, added);
	else
		settle_body(run, s);
}

static void
settle_error(struct verify_signature *s, DKIM_SIGERROR error)
{
	static const struct {
		DKIM_SIGERROR error;
		enum verify_result result;
		const char *reason;
	} rows[] = {
		{ DKIM_SIGERROR_EXPIRED, VERIFY_POLICY, "it has expired" },
		{ DKIM_SIGERROR_FUTURE, VERIFY_POLICY,
		    "it was made in the future" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].error == error) {
			settle(s, rows[i].result, rows[i].reason);
			return;
		}
	settle(s, VERIFY_NEUTRAL, dkim_sig_geterrorstr(error));
	if (s->reason == NULL)
		s->reason = "it could not be evaluated";
}

/*
 * Look up the key.  Each signature has its own look at it: the library gives
 * the second of two with the same name that of the first, whatever its kind,
 * and would take a DNS that does not answer for a signature that is wrong.
 */
static bool
find_key(struct run *run, struct verify_signature *s)
{
	const char *why = NULL;

	switch (run->lookup(run->arg, s, &why)) {
	case KEY_HERE:
		if (!s->key.revoked)
			return true;
		settle(s, VERIFY_PERMERROR, "the key has been revoked");
		return false;
	case KEY_LATER:
		settle(s, VERIFY_TEMPERROR, why);
		return false;
	default:
		settle(s, VERIFY_PERMERROR, why);
		return false;
	}
}

/* The key, then the signature; the body comes after that. */
static void
check_signature(struct run *run, struct verify_signature *s, DKIM_SIGINFO *sig)
{
	void *digest = NULL, *unused;
	size_t n = 0, unused_n;

	if (!find_key(run, s))
		return;
	if (dkim_sig_gethashes(sig, &digest, &n, &unused, &unused_n) !=
		DKIM_STAT_OK ||
	    n != PUBKEY_DIGEST)
		return; /* it stays what it is: not evaluated */
	switch (pubkeys_check(
	    run->verifier->keys, &s->key, digest, s->claim.b, &s->key_bits)) {
	case PUBKEY_RIGHT:
		settle_right(run, s);
		return;
	case PUBKEY_WRONG:
		settle(s, VERIFY_FAIL,
		    "the signed header was changed, or the key is another");
		return;
	case PUBKEY_BROKEN:
		settle(s, VERIFY_PERMERROR, "the published key is broken");
		return;
	default:
		settle(s, VERIFY_TEMPERROR, "there is no memory");
	}
}

/*
 * The library has all hashes ready when it asks which signatures it shall
 * check: none, for they have been.
 */
static DKIM_CBSTAT
check_all(DKIM *d, DKIM_SIGINFO **list, int n)
{
	struct run *run = dkim_get_user_context(d);

	for (int i = 0; i < n && (uint32_t)i < run->nfed; i++)
		if (run->fed[i]->reason == NULL)
			check_signature(run, run->fed[i], list[i]);
	return DKIM_CBSTAT_REJECT;
}

/* What the library has found wrong before there was a hash. */
static void
settle_errors(const struct run *run, DKIM *d)
{
	DKIM_SIGINFO **list = NULL;
	int n = 0;

	if (dkim_getsiglist(d, &list, &n) != DKIM_STAT_OK)
		return;
	for (int i = 0; i < n && (uint32_t)i < run->nfed; i++) {
		DKIM_SIGERROR error = dkim_sig_geterror(list[i]);

		if (run->fed[i]->reason == NULL &&
		    error != DKIM_SIGERROR_UNKNOWN)
			settle_error(run->fed[i], error);
	}
}

static void
settle_all(const struct run *run, enum verify_result r, const char *reason)
{
	for (uint32_t i = 0; i < run->nfed; i++)
		settle(run->fed[i], r, reason);
}

static void
check_fed(struct run *run)
{
	DKIM_STAT status;
	DKIM *d = dkim_verify(
	    run->verifier->lib, (const unsigned char *)"", NULL, &status);
	bool test;

	if (d == NULL) {
		settle_all(run, VERIFY_TEMPERROR, "there is no memory");
		return;
	}
	dkim_set_user_context(d, run);
	if (feed_header(run, d) && dkim_eoh(d) == DKIM_STAT_OK) {
		settle_errors(run, d);
		dkim_eom(d, &test); /* of a body that is empty: not looked at */
	}
	dkim_free(d);
	for (uint32_t i = 0; i < run->nfed; i++)
		if (run->fed[i]->result == VERIFY_NEUTRAL &&
		    run->fed[i]->reason == NULL)
			run->fed[i]->reason = "it could not be evaluated";
}

static const char *
body_fault(const struct verify_message *m)
{
	static const char *const reasons[] = {
		[CANON_CLEAN] = NULL,
		[CANON_BARE_CR] = "the body has a CR without LF",
		[CANON_BARE_LF] = "the body has an LF without CR",
	};

	return reasons[canon_check(m->body, m->body_bytes)];
}

void
verify_run(const struct verifier *v, const struct verify_message *m,
    struct verify_signature *s, uint32_t n, verify_lookup *lookup, void *arg)
{
	struct run run = {
		.verifier = v, .message = m, .lookup = lookup, .arg = arg
	};
	const char *fault;

	if (n == 0)
		return;
	run.fed = calloc(n + 1, sizeof(*run.fed));
	run.bodies = calloc(n + 1, sizeof(*run.bodies));
	for (uint32_t i = 0; i < n; i++) {
		if (!s[i].checkable)
			continue;
		if (run.fed == NULL || run.bodies == NULL)
			settle(&s[i], VERIFY_TEMPERROR, "there is no memory");
		else if ((fault = excess(m, &s[i].claim)) != NULL)
			settle(&s[i], VERIFY_NEUTRAL, fault);
		else
			run.fed[run.nfed++] = &s[i];
	}
	for (int i = 0; i < SINGLES; i++)
		run.counts[i] = count_fields(m, singles[i].name);
	run.froms = count_fields(m, "From");
	if (run.froms == 0)
		settle_all(&run, VERIFY_PERMERROR, "there is no From field");
	else if ((fault = body_fault(m)) != NULL)
		settle_all(&run, VERIFY_POLICY, fault);
	else if (run.nfed > 0)
		check_fed(&run);
	free(run.bodies);
	free(run.fed);
}
