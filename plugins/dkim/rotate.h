/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of several keys for the same mail signs now.  Pure: what has been
 * seen of each and the time are arguments.
 */
#ifndef DKIM_ROTATE_H
#define DKIM_ROTATE_H

#include <stdbool.h>
#include <stdint.h>

/* What is known of a key's record. */
struct rotate_key {
	bool published; /* it is there and fits, as of now */
	int64_t seen;   /* Unix time of the first sight; 0: never */
	int64_t ttl;    /* seconds, of the record */
};

enum rotate_state {
	ROTATE_SIGNS,
	ROTATE_UNSEEN,   /* newer; its record is not there */
	ROTATE_WAITS,    /* newer; it is there since less than its TTL */
	ROTATE_RETIRING, /* older; mail that it has signed is under way */
	ROTATE_RETIRED,  /* older; its record may go */
};

/* A record counts when every cache that missed it has forgotten that. */
int64_t rotate_ready_at(const struct rotate_key *, int64_t least_wait);

/*
 * keys: from the oldest to the newest.  The newest that is ready signs; the
 * oldest, if none is.  Returns its place.
 */
uint32_t rotate_choose(
    const struct rotate_key *keys, uint32_t n, int64_t now, int64_t least_wait);

/*
 * What becomes of the i-th, and when that changes (*until, 0: it does not, or
 * nobody knows).
 */
enum rotate_state rotate_state(const struct rotate_key *keys, uint32_t n,
    uint32_t i, int64_t now, int64_t least_wait, int64_t retire_after,
    int64_t *until);

/* "signs" */
const char *rotate_state_name(enum rotate_state);

/* The first sight as text, "1767225600 3600", and back; false: it is not. */
bool rotate_write(char *out, uint32_t size, int64_t seen, int64_t ttl);
bool rotate_read(const char *text, uint32_t n, int64_t *seen, int64_t *ttl);

#endif
