/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service "address/1": mailbox.h, encoded_word.h and domain.h for
 * plugins.  What they find is copied to the memory of the message.
 */
#include <string.h>

#include "service/domain.h"
#include "service/encoded_word.h"
#include "service/mailbox.h"
#include "service/service.h"

enum { SCRATCH_BYTES = 4096 };

static const char *
copy(struct mr_ctx *c, const char *text, size_t n)
{
	char *kept;

	if (n == 0)
		return "";
	kept = c->host->alloc(c, n + 1);
	return memcpy(kept, text, n);
}

static const char *
copy_text(struct mr_ctx *c, const char *text)
{
	return text != NULL ? copy(c, text, strlen(text)) : NULL;
}

static const struct mr_mailboxes *
service_mailboxes(struct mr_ctx *c, const char *value)
{
	struct arena *scratch = arena_create(SCRATCH_BYTES);
	const struct mr_mailboxes *found =
	    mailbox_parse(scratch, span_of(value));
	struct mr_mailboxes *kept = c->host->alloc(c, sizeof(*kept));
	struct mr_mailbox *items = NULL;

	if (found->count > 0)
		items = c->host->alloc(c, found->count * sizeof(*items));
	for (uint32_t i = 0; i < found->count; i++) {
		const struct mr_mailbox *m = &found->items[i];

		items[i] = (struct mr_mailbox){
			.display = copy_text(c, m->display),
			.address = copy_text(c, m->address),
			.local = copy_text(c, m->local),
			.domain = copy_text(c, m->domain),
		};
	}
	*kept = (struct mr_mailboxes){ found->count, items, found->broken };
	arena_destroy(&scratch);
	return kept;
}

static const char *
service_decode(struct mr_ctx *c, const char *value)
{
	struct buf text = { 0 };
	const char *kept;

	encoded_word_decode(&text, span_of(value));
	kept = copy(c, text.p, text.n);
	buf_finish(&text);
	return kept;
}

static const char *
service_to_ascii(struct mr_ctx *c, const char *domain)
{
	struct arena *scratch = arena_create(SCRATCH_BYTES);
	const char *kept =
	    copy_text(c, domain_to_ascii(scratch, span_of(domain)));

	arena_destroy(&scratch);
	return kept;
}

static const char *
service_registered(struct mr_ctx *c, const char *domain)
{
	struct arena *scratch = arena_create(SCRATCH_BYTES);
	const char *name = domain_to_ascii(scratch, span_of(domain));
	const char *kept = NULL;

	if (name != NULL)
		kept = copy_text(c, domain_registered(name));
	arena_destroy(&scratch);
	return kept;
}

static bool
service_is_public_suffix(const char *domain)
{
	struct arena *scratch = arena_create(SCRATCH_BYTES);
	const char *name = domain_to_ascii(scratch, span_of(domain));
	bool is = name != NULL && domain_is_public_suffix(name);

	arena_destroy(&scratch);
	return is;
}

static const struct mr_address_service table = {
	.size = sizeof(struct mr_address_service),
	.mailboxes = service_mailboxes,
	.decode = service_decode,
	.to_ascii = service_to_ascii,
	.registered = service_registered,
	.is_public_suffix = service_is_public_suffix,
};

const struct service address_service = {
	.id = MR_ADDRESS_SERVICE,
	.table = &table,
};
