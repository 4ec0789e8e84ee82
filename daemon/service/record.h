/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How keys, counters and sets lie in the embedded store: bytes to numbers
 * and back.  No store, no clock.
 */
#ifndef SERVICE_RECORD_H
#define SERVICE_RECORD_H

#include "base/buf.h"
#include "base/span.h"
#include "millrace/store.h"

/* Things with one name are kept apart by their kind. */
enum record_kind {
	RECORD_LIMIT = 'L',
	RECORD_VALUE = 'V',
	RECORD_SET = 'S',
	RECORD_ONCE = 'O', /* a name of reserve(): its tokens */
	/* What a host of a fleet keeps for itself (mirror.h). */
	RECORD_PENDING = 'P', /* taken alone, not told yet */
	RECORD_SENT = 'Q',    /* u64 number, key: being told */
	RECORD_HOT = 'H',     /* half used, as others say */
	RECORD_META = 'M',
};

enum { RECORD_KEY_MOST = 512 };

/* u16 length of the group (big-endian), group, kind, key. */
struct record_key {
	size_t n;
	char p[RECORD_KEY_MOST];
};
/* Both together at most 508 bytes. */
void record_key(struct record_key *, struct mr_bytes group, enum record_kind,
    struct mr_bytes key);
bool record_key_parse(
    struct span, struct mr_bytes *group, char *kind, struct mr_bytes *key);
/* The first key that may come after this one. */
void record_key_next(struct record_key *, struct span key);
/* The first key that is behind all of this group. */
void record_key_after(struct record_key *, struct mr_bytes group);

/* Decimal digits, as get() shows them.  False: not a number, or too large. */
bool record_number(struct span, int64_t *);

/*
 * Put a member into a set of at most bound, each for ttl_us from its last
 * time (0: for good); old is the set's bytes (or none), out what it is now.
 * Bytes that are no set are an empty one.
 */
void record_set_add(struct span old, struct mr_bytes member, uint32_t bound,
    int64_t ttl_us, int64_t now_us, struct buf *out, uint32_t *distinct,
    bool *fresh);

/* 8 bytes each, little-endian.  False: not n of them. */
void record_tokens_put(const uint64_t *, uint32_t n, struct buf *);
bool record_tokens_get(struct span, uint32_t n, uint64_t *);

#endif
