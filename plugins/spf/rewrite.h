/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record as libspf2 is given it.  Pure.
 *
 * libspf2's compiler reads past its buffers on some input, drops what goes
 * beyond 511 bytes, knows no prefix length of 0, takes what is no syntax and
 * counts its limits for each record apart.  So it never sees a byte of the
 * network: each term that asks the DNS becomes one whose domain is a tag,
 * which says where the term stands and is resolved when libspf2 looks it up;
 * networks that do not hold the client are left out, redirect= comes last,
 * and other modifiers not at all.
 */
#ifndef SPF_REWRITE_H
#define SPF_REWRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "address.h"
#include "record.h"
#include "text.h"

enum {
	REWRITE_ASKS = 16,  /* the most terms that ask in what is written */
	REWRITE_TEXT = 1024 /* the most bytes of it, with its NUL */
};

enum tag_kind {
	TAG_TOP = 't', /* the record to begin with */
	TAG_ADDRESS = 'a',
	TAG_MX = 'm',
	TAG_HOST = 'h', /* one host of an mx */
	TAG_PTR = 'p',
	TAG_EXISTS = 'e',
	TAG_INCLUDE = 'i',
	TAG_REDIRECT = 'r',
	TAG_MARK =
	    'x' /* tells that the next term, which asks not, is reached */
};

struct tag {
	enum tag_kind kind;
	uint32_t record; /* number of the record in this evaluation */
	uint32_t offset; /* of the term in the record's text */
	uint32_t host;   /* TAG_HOST: from 0 */
};

void tag_print(const struct tag *, struct text *);
bool tag_parse(const char *, struct tag *);

/* The term at an offset where one is known to stand. */
void rewrite_term(struct span record, uint32_t offset, struct term *);

/*
 * Write a record that has no fault.  asks: how many more terms may ask the
 * DNS, less than REWRITE_ASKS; one more is written, for the limit to be hit.
 */
void rewrite_record(struct span record, uint32_t number,
    const struct address *client, uint32_t asks, struct text *out);

#endif
