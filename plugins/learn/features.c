/* SPDX-License-Identifier: Apache-2.0 */
#include "features.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The same four bytes mean another thing in another place. */
enum space {
	SPACE_RAW = 1,
	SPACE_TEXT,
	SPACE_ORDER,
	SPACE_HOST,
	SPACE_REGISTERED,
	SPACE_PATH,
	SPACE_FIELD
};

enum { GRAM = 4, MASK = (1 << FEATURES_BITS) - 1 };

bool
features_init(struct features *f)
{
	*f = (struct features){ 0 };
	f->seen = calloc((MASK + 1) / 64, sizeof(*f->seen));
	return f->seen != NULL;
}

void
features_finish(struct features *f)
{
	free(f->numbers);
	free(f->origins);
	free(f->units);
	free(f->seen);
	*f = (struct features){ 0 };
}

/* The finalizer of MurmurHash3: every bit of in moves half of those out. */
static uint32_t
mix(uint32_t h)
{
	h ^= h >> 16;
	h *= 0x85ebca6bu;
	h ^= h >> 13;
	h *= 0xc2b2ae35u;
	h ^= h >> 16;
	return h;
}

static uint32_t
hash_text(uint32_t seed, const char *text, size_t n)
{
	uint32_t h = mix(seed + 0x9e3779b9u);

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)text[i]) * 16777619u;
	return mix(h);
}

static uint32_t
fold(uint32_t h)
{
	return (h ^ h >> FEATURES_BITS) & MASK;
}

static bool
grow(void **array, uint32_t *room, uint32_t count, size_t size)
{
	uint32_t more = *room == 0 ? 1024 : *room * 2;
	void *p;

	if (count < *room)
		return true;
	if ((p = reallocarray(*array, more, size)) == NULL)
		return false;
	*array = p;
	*room = more;
	return true;
}

static bool
add_unit(struct features *f, enum unit_kind kind, const char *text, size_t n)
{
	void *units = f->units;

	if (!grow(&units, &f->unit_room, f->nunits, sizeof(*f->units)))
		return false;
	f->units = units;
	f->units[f->nunits++] = (struct unit){ kind, text, (uint32_t)n };
	return true;
}

/* The newest unit is where it comes from. */
static bool
add(struct features *f, uint32_t number)
{
	uint32_t room = f->room;
	void *numbers = f->numbers, *origins = f->origins;

	if (f->seen[number / 64] >> number % 64 & 1)
		return true;
	if (!grow(&numbers, &room, f->count, sizeof(*f->numbers)))
		return false;
	f->numbers = numbers;
	room = f->room;
	if (!grow(&origins, &room, f->count, sizeof(*f->origins)))
		return false;
	f->origins = origins;
	f->room = room;
	f->seen[number / 64] |= UINT64_C(1) << number % 64;
	f->of_kind[f->units[f->nunits - 1].kind]++;
	f->numbers[f->count] = number;
	f->origins[f->count++] = f->nunits - 1;
	return true;
}

/* Four bytes in a row, in a space of their own. */
static bool
add_gram(struct features *f, uint32_t space, const char *p)
{
	uint32_t four;

	memcpy(&four, p, sizeof(four));
	return add(f, fold(mix(four ^ space)));
}

static bool
add_grams(struct features *f, uint32_t space, const char *p, size_t n)
{
	for (size_t i = 0; i + GRAM <= n; i++)
		if (!add_gram(f, space, p + i))
			return false;
	return true;
}

static uint32_t
space_of(enum space kind, const char *name, size_t n)
{
	return hash_text((uint32_t)kind, name, n);
}

bool
features_raw(struct features *f, const char *bytes, size_t n)
{
	return add_unit(f, UNIT_RAW, "", 0) &&
	       add_grams(f, space_of(SPACE_RAW, "", 0), bytes, n);
}

static size_t
at_most(size_t n, size_t most)
{
	return n < most ? n : most;
}

bool
features_field(
    struct features *f, const char *name, const char *value, const char *before)
{
	char lower[64];
	size_t n = strlen(name);
	uint32_t order = space_of(SPACE_ORDER, before, strlen(before));

	for (n = 0; n < sizeof(lower) && name[n] != '\0'; n++)
		lower[n] = (char)tolower((unsigned char)name[n]);
	if (!add_unit(f, UNIT_FIELD, name, strlen(name)))
		return false;
	/* Which program wrote it shows in the order and the case of names. */
	if (!add(f, fold(hash_text(order, name, strlen(name)))))
		return false;
	return add_grams(f, space_of(SPACE_FIELD, lower, n), value,
	    at_most(strlen(value), FEATURES_FIELD));
}

/* A gram belongs to the word in which it begins. */
static bool
add_words(struct features *f, const char *original, const char *lower, size_t n)
{
	uint32_t space = space_of(SPACE_TEXT, "", 0);
	size_t end = 0;

	for (size_t i = 0; i + GRAM <= n; i++) {
		if (i >= end && lower[i] != ' ') {
			for (end = i; end < n && lower[end] != ' '; end++)
				;
			if (!add_unit(f, UNIT_WORD, original + i, end - i))
				return false;
		} else if (f->nunits == 0 &&
			   !add_unit(f, UNIT_WORD, original, 0)) {
			return false;
		}
		if (!add_gram(f, space, lower + i))
			return false;
	}
	return true;
}

bool
features_text(struct features *f, const char *text, size_t n)
{
	char lower[FEATURES_BYTES];

	n = at_most(n, sizeof(lower));
	for (size_t i = 0; i < n; i++)
		lower[i] = isspace((unsigned char)text[i])
			       ? ' '
			       : (char)tolower((unsigned char)text[i]);
	return add_words(f, text, lower, n);
}

bool
features_url(struct features *f, const char *host, const char *registered,
    const char *path)
{
	const struct {
		enum space space;
		const char *text;
	} parts[] = {
		{ SPACE_HOST, host },
		{ SPACE_REGISTERED, registered },
		{ SPACE_PATH, path },
	};

	if (!add_unit(f, UNIT_URL, host, strlen(host)))
		return false;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *t = parts[i].text;

		if (t == NULL || t[0] == '\0')
			continue;
		if (!add(f, fold(hash_text((uint32_t)parts[i].space, t,
				at_most(strlen(t), FEATURES_FIELD)))))
			return false;
	}
	return true;
}

size_t
features_pack(const struct features *f, unsigned char *out)
{
	for (uint32_t i = 0; i < f->count; i++) {
		uint32_t kind = (uint32_t)f->units[f->origins[i]].kind;
		uint32_t both = kind << FEATURES_BITS | f->numbers[i];

		*out++ = (unsigned char)(both >> 16);
		*out++ = (unsigned char)(both >> 8);
		*out++ = (unsigned char)both;
	}
	return (size_t)f->count * FEATURES_PACKED;
}

bool
features_unpack(struct features *f, const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i + FEATURES_PACKED <= n; i += FEATURES_PACKED) {
		const unsigned char *b = bytes + i;
		uint32_t both =
		    (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
		enum unit_kind kind = both >> FEATURES_BITS;

		if (kind >= UNIT_KINDS)
			return false;
		if ((f->nunits == 0 || f->units[f->nunits - 1].kind != kind) &&
		    !add_unit(f, kind, "", 0))
			return false;
		if (!add(f, both & MASK))
			return false;
	}
	return n % FEATURES_PACKED == 0;
}
