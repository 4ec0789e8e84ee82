/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record in which a domain publishes a key (RFC 6376, 3.6.1), both ways.
 * Pure: knows neither the DNS nor what a key is.
 */
#ifndef DKIM_RECORD_H
#define DKIM_RECORD_H

#include "signature.h"
#include "span.h"

enum { RECORD_KEY_BYTES = 980 }; /* base64, without blanks; RSA-4096: 736 */

struct record {
	bool ed25519; /* k= */
	bool revoked; /* p= is empty */
	bool test;    /* t=y: to be treated as if it were not signed */
	bool strict;  /* t=s: i= must be of the very domain d= */
	char key[RECORD_KEY_BYTES + 1]; /* p=, base64 without blanks */
};

/*
 * What is wrong with the record, or NULL.  A record is only good for the
 * algorithms that its k= and h= name, and for mail (s=).
 */
const char *record_read(
    struct span text, enum signature_algorithm, struct record *);

/* Is it meant to be a key at all?  Other TXT records may stand beside it. */
bool record_is_key(struct span text);

/*
 * As text of a TXT record, "v=DKIM1; k=rsa; p=...".  False: out is too
 * small.
 */
bool record_write(
    char *out, size_t size, bool ed25519, const char *key, bool test);

/*
 * As a line of a zone file, its text cut into strings of at most 255 bytes
 * (RFC 1035, 5.1): name must end with a dot or be relative to the zone.
 */
bool record_zone(char *out, size_t size, const char *name, const char *text);

#endif
