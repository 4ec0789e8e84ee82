/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of one message, checked.  Behind it is libopendkim, which is
 * told only what has been looked at before and never asks the DNS itself; no
 * other file knows it.  Knows neither the daemon nor what follows from a
 * result.
 */
#ifndef DKIM_VERIFY_H
#define DKIM_VERIFY_H

#include "record.h"
#include "signature.h"

enum verify_result {
	VERIFY_PASS,
	VERIFY_FAIL,
	VERIFY_POLICY,
	VERIFY_NEUTRAL,
	VERIFY_PERMERROR,
	VERIFY_TEMPERROR,
	VERIFY_RESULTS
};

/* "pass" (RFC 8601, 2.7.1) */
const char *verify_result_name(enum verify_result);

struct verify_field {
	const char *name, *value; /* value: with its blanks, folds as LF */
};

/* One signature: what it claims and, in the end, what became of it. */
struct verify_signature {
	struct signature claim;
	uint32_t field; /* its place in the header */
	enum verify_result result;
	const char *reason; /* in words; NULL: it passed */
	unsigned key_bits;  /* 0: not known */
	bool checkable;     /* worth a look-up of its key */
	bool test;          /* the key is in test mode */
	bool secure;        /* the key came by DNSSEC */
	struct record key;  /* what the domain publishes, if it was found */
};

struct verify_limits {
	uint32_t signatures;    /* more are passed over */
	size_t signature_bytes; /* of one field; longer: passed over */
	unsigned key_bits;      /* the least, for RSA */
	bool allow_appended;    /* l= may leave text unsigned */
};

struct verify_message {
	const struct verify_field *fields;
	uint32_t nfields;
	const char *body;
	size_t body_bytes;
};

/* What the look-up of a key brought. */
enum verify_key { KEY_HERE, KEY_NONE, KEY_LATER, KEY_BAD };

/*
 * Fills signature->key and ->secure, or says why not; the text must live as
 * long as the message.
 */
typedef enum verify_key verify_lookup(
    void *arg, struct verify_signature *, const char **why);

struct verifier;

/* [main] NULL: no memory. */
struct verifier *verifier_create(const struct verify_limits *);
void verifier_destroy(struct verifier **);

/*
 * [any] Find the signatures of a header: fills at most limits->signatures
 * and returns how many.  *over: how many more there are that are passed
 * over, because they are too many or too long.
 */
uint32_t verify_find(const struct verifier *, const struct verify_field *,
    uint32_t nfields, int64_t now, struct verify_signature *, uint32_t *over);

/* [any] Check them; each has a result then. */
void verify_run(const struct verifier *, const struct verify_message *,
    struct verify_signature *, uint32_t n, verify_lookup *, void *arg);

#endif
