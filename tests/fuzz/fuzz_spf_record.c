/* SPDX-License-Identifier: Apache-2.0 */
/* Input: an SPF record.  What libspf2 gets of it is bounded and harmless. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/spf/address.c"
#include "../../plugins/spf/macro.c"
#include "../../plugins/spf/record.c"
#include "../../plugins/spf/rewrite.c"
#include "../../plugins/spf/text.c"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Letters, digits and what belongs to a term; no macros, no bytes of others. */
static void
check_text(const char *text)
{
	for (; *text != '\0'; text++)
		if (!text_is_letter(*text) && !text_is_digit(*text) &&
		    strchr(" .:/+-~?=", *text) == NULL)
			abort();
}

/* Each tag of what was written leads back to a term. */
static void
check_tags(const char *text, struct span record)
{
	const char *at = text;
	struct term t;

	while ((at = strpbrk(at, ":=")) != NULL) {
		char word[64] = "";
		size_t n = strcspn(++at, " /");
		struct tag tag;

		if (n >= sizeof(word))
			abort();
		memcpy(word, at, n);
		if (!tag_parse(word, &tag))
			continue; /* of "v=spf1" and "ip4:" */
		if (tag.record != 7 || tag.offset >= record.n)
			abort();
		rewrite_term(record, tag.offset, &t);
		if (t.text.p != record.p + tag.offset || t.text.n == 0)
			abort();
	}
}

static void
check_rewrite(struct span record, const char *client, uint32_t asks)
{
	char buffer[REWRITE_TEXT];
	struct text text = TEXT(buffer);
	struct address a;

	if (!address_parse(span_of(client), &a))
		abort();
	rewrite_record(record, 7, &a, asks, &text);
	if (text.cut || strlen(buffer) != text.n)
		abort();
	check_text(buffer);
	check_tags(buffer, record);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);
	struct span record = { copy, size }, bad = { NULL, 0 };
	struct address a;

	memcpy(copy, data, size);
	copy[size] = '\0';
	address_parse(record, &a);
	if (record_is_spf(record)) {
		if (record_fault(record, &bad) != NULL) {
			if (bad.p < copy || bad.p + bad.n > copy + size)
				abort();
		} else {
			check_rewrite(record, "192.0.2.7", 10);
			check_rewrite(record, "2001:db8::7", REWRITE_ASKS - 1);
			check_rewrite(record, "::ffff:192.0.2.7", 0);
		}
	}
	free(copy);
	return 0;
}
