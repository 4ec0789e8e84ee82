/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of an aggregate report (RFC 9990, 3.1.1).  What stands between
 * tags comes from senders and the DNS; everything is escaped here.
 */
#ifndef DMARC_XML_H
#define DMARC_XML_H

#include <stdint.h>
#include <stdio.h>

#include "evidence.h"

/* A character that no text holds: the number of messages comes here. */
#define XML_COUNT '\1'

/* What a row needs besides the evidence.  NULL: not known. */
struct xml_row {
	const char *source_ip, *envelope_to;
	bool observed; /* nothing happened to the message */
};

/*
 * One element record, with XML_COUNT for its count: equal ones are of one
 * row.
 */
void xml_record(FILE *, const struct evidence *, const struct xml_row *);

struct xml_metadata {
	const char *org, *email, *contact; /* contact may be NULL */
	const char *report_id, *generator;
	int64_t begin, end; /* seconds, both included */
};

/* What stands before and after the records. */
void xml_begin(FILE *, const struct xml_metadata *,
    const char *const policy[EVIDENCE_KEYS]);
void xml_end(FILE *);

void xml_text(FILE *, const char *);

#endif
