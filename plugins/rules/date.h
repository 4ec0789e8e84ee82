/* SPDX-License-Identifier: Apache-2.0 */
/* The date of a header field (RFC 5322, 3.3 and 4.3).  Pure. */
#ifndef RULES_DATE_H
#define RULES_DATE_H

#include <stdbool.h>
#include <time.h>

/* False: it is no date.  Comments are passed over. */
bool date_parse(const char *text, time_t *out);

#endif
