/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the learner sees of a message: numbers of features, each present or
 * not.  Pure: knows no message, only the texts it is given.
 */
#ifndef LEARN_FEATURES_H
#define LEARN_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FEATURES_BITS = 20,    /* a feature is a number below 2^20 */
	FEATURES_BYTES = 3000, /* of body text, and of raw bytes */
	FEATURES_FIELD = 300,  /* of one header field */
	FEATURES_FIELDS = 100,
	FEATURES_URLS = 64,
};

/* What a feature came from, for those who ask why. */
enum unit_kind { UNIT_RAW, UNIT_FIELD, UNIT_WORD, UNIT_URL, UNIT_KINDS };

struct unit {
	enum unit_kind kind;
	const char *text; /* borrowed: a field's name, a word, a host */
	uint32_t length;
};

struct features {
	uint32_t count, nunits;
	uint32_t *numbers; /* each once */
	uint32_t *origins; /* the unit that was the first to have it */
	struct unit *units;
	uint32_t of_kind[UNIT_KINDS]; /* how many of count come from each */
	/* Private: rooms of the arrays, and which numbers are there. */
	uint32_t room, unit_room;
	uint64_t *seen;
};

/* Running out of memory is a return of false, then and later. */
bool features_init(struct features *);
void features_finish(struct features *);

/* The first bytes of the message, as they came; a few at a time. */
bool features_raw(struct features *, const char *bytes, size_t n);
/*
 * A header field: its name as it is spelled, its decoded value, and the name
 * before it ("" for the first).
 */
bool features_field(
    struct features *, const char *name, const char *value, const char *before);
/* The text that a reader sees: lower case is made of it. */
bool features_text(struct features *, const char *text, size_t n);
bool features_url(struct features *, const char *host, const char *registered,
    const char *path);

/*
 * The numbers and what kind of unit each is from, in few bytes, and back
 * again: out has room for FEATURES_PACKED a number.
 */
enum { FEATURES_PACKED = 3 };
size_t features_pack(const struct features *, unsigned char *out);
/* f: fresh from features_init.  False: no such bytes, or out of memory. */
bool features_unpack(struct features *, const unsigned char *bytes, size_t n);

#endif
