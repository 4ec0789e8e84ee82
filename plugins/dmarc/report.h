/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From records of the journal to aggregate reports (RFC 9990): one for each
 * policy domain, and one more for each change of its policy.  Knows nothing
 * of files and mail.
 */
#ifndef DMARC_REPORT_H
#define DMARC_REPORT_H

#include <stdint.h>
#include <stdio.h>

#include "evidence.h"
#include "xml.h"

struct report_row {
	char *xml; /* with XML_COUNT */
	uint64_t count;
};

struct report {
	char *values[EVIDENCE_KEYS]; /* of the policy; others are NULL */
	bool wanted;                 /* it asks for reports */
	uint64_t messages;
	struct report_row **rows;
	size_t nrows;
	uint32_t id; /* the same for the same domain and policy */
};

struct report_set;

/* domain: only of this policy domain; NULL: all. */
struct report_set *report_create(const char *domain);
void report_destroy(struct report_set **);

/* A record of the journal, one JSON object.  What is none is passed over. */
void report_add(struct report_set *, const char *json);

/* Sorted by domain; rows are in order, too.  Nothing is added after that. */
struct report *const *report_list(struct report_set *, size_t *count);

/* The whole document. */
void report_write(const struct report *, const struct xml_metadata *, FILE *);

#endif
