/* SPDX-License-Identifier: Apache-2.0 */
/* What is written into fields.  Pure. */
#ifndef SCORE_FIELD_H
#define SCORE_FIELD_H

#include <stdbool.h>
#include <stddef.h>

/* Is it a field's name (RFC 5322, 2.2)? */
bool field_name_ok(const char *);

/* A "*" for each point, at most 50; at least "". */
void field_level(double points, char out[52]);

/*
 * Append "NAME points" to a report, folded before it gets wider than a line.
 * Control and foreign bytes become "?".  False: it is full.
 */
struct report {
	char *p;
	size_t n, size, column;
};
bool field_report_add(struct report *, const char *name, double points);

#endif
