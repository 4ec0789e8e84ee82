/* SPDX-License-Identifier: Apache-2.0 */
/* What of a message a list is asked for.  Asks no list itself. */
#ifndef DNSBL_SUBJECT_H
#define DNSBL_SUBJECT_H

#include <millrace/address.h>
#include <millrace/content.h>

#include "entry.h"

enum { SUBJECTS = 100 };

struct subject_source {
	const struct mr_address_service *address;
	const struct mr_content_service *content; /* for URL; or NULL */
	uint32_t urls_max;
};

/* The texts of one kind, each once; they live as long as the message. */
struct subjects {
	uint32_t count;
	const char *items[SUBJECTS];
};

/*
 * [session] Those that are known at this stage, as the list wants them.  URL
 * only at eom.
 */
void subjects_gather(const struct subject_source *, struct mr_ctx *,
    const struct entry *, enum kind, struct subjects *);

/* An IP address in text form. */
bool subject_is_address(const char *);

#endif
