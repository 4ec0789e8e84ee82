/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left of an evaluation in the journal, as the detail of its symbol:
 * all that an aggregate report needs (RFC 9990), in words that a postmaster
 * reads as well, "from=news.example.com domain=example.com p=reject ...".
 * Writing and reading are in one place.  Pure.
 *
 * Values come from senders and the DNS: what is no letter, digit or one of
 * "-._~@:+/!$*," is written as %XX.
 */
#ifndef DMARC_EVIDENCE_H
#define DMARC_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	EVIDENCE_BYTES = 1900, /* the journal keeps 2048 of a long detail */
	EVIDENCE_SIGNATURES = 20,
	EVIDENCE_REASONS = 4,
};

/* The members of it, in the order of writing; NULL or "": left out. */
enum evidence_key {
	EVIDENCE_FROM,        /* the author domain */
	EVIDENCE_DISPOSITION, /* none, pass, quarantine, reject */
	EVIDENCE_SPF,         /* aligned: pass, fail */
	EVIDENCE_DKIM,
	EVIDENCE_DOMAIN, /* where the record is */
	EVIDENCE_P,
	EVIDENCE_SP,
	EVIDENCE_NP,
	EVIDENCE_ADKIM,
	EVIDENCE_ASPF,
	EVIDENCE_FO,
	EVIDENCE_T,
	EVIDENCE_METHOD,   /* treewalk, psl */
	EVIDENCE_RUA,      /* "yes": it asks for reports */
	EVIDENCE_ORG,      /* organizational domain */
	EVIDENCE_ENVELOPE, /* the domain that SPF was asked about */
	EVIDENCE_SPF_RESULT,
	EVIDENCE_WHY, /* of an error */
	EVIDENCE_KEYS
};

struct evidence_signature {
	const char *result, *domain, *selector;
};

struct evidence_reason {
	const char *type, *comment; /* comment may be NULL */
};

struct evidence {
	const char *values[EVIDENCE_KEYS];
	struct evidence_signature signatures[EVIDENCE_SIGNATURES];
	size_t nsignatures;
	struct evidence_reason reasons[EVIDENCE_REASONS];
	size_t nreasons;
};

/*
 * Into out, at most EVIDENCE_BYTES and a NUL; signatures that do not fit any
 * more are left out, the last first.
 */
void evidence_write(const struct evidence *, char out[EVIDENCE_BYTES + 1]);

/*
 * The values are in text, which is changed.  False: it is nothing that was
 * written so.
 */
bool evidence_read(char *text, struct evidence *);

#endif
