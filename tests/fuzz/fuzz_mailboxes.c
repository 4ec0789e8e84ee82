/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address lists.  What is found is clean, and stays the same when it is
 * written down as it was found and read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "service/domain.h"
#include "service/mailbox.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

static void
check_domain(struct arena *arena, const char *domain)
{
	const char *again;

	if (domain[0] == '[') {
		must(domain[strlen(domain) - 1] == ']');
		must(strspn(domain, " \t\r\n") == 0);
		return;
	}
	must(strlen(domain) <= 253);
	again = domain_to_ascii(arena, span_of(domain));
	must(again != NULL && strcmp(again, domain) == 0);
	domain_registered(domain);
	domain_is_public_suffix(domain);
}

static void
check_again(struct arena *arena, const struct mr_mailbox *m)
{
	const struct mr_mailboxes *again;
	struct buf b = { 0 };

	buf_printf(&b, "<%s>", m->address);
	again = mailbox_parse(arena, (struct span){ b.p, b.n });
	must(again->count == 1);
	must(strcmp(again->items[0].address, m->address) == 0);
	must(strcmp(again->items[0].local, m->local) == 0);
	must(strcmp(again->items[0].domain, m->domain) == 0);
	buf_finish(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *arena = arena_create(1024);
	const struct mr_mailboxes *found =
	    mailbox_parse(arena, (struct span){ (const char *)data, n });

	must(found->count <= MAILBOX_COUNT);
	for (uint32_t i = 0; i < found->count; i++) {
		const struct mr_mailbox *m = &found->items[i];

		for (const char *c = m->address; *c != '\0'; c++)
			must((unsigned char)*c >= ' ' && *c != 0x7f);
		check_domain(arena, m->domain);
		check_again(arena, m);
	}
	arena_destroy(&arena);
	return 0;
}
