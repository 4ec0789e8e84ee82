/* SPDX-License-Identifier: Apache-2.0 */
/* What the instance and the command of the plugin share. */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include <millrace/plugin.h>

#include "match.h"

struct rules_conf {
	const struct mr_list *files, *scores, *disable;
	int64_t text_limit, match_limit, time_limit;
};

struct match_limits rules_limits(const struct rules_conf *);

/* "millrace check-rules": tool.c */
extern const struct mr_command rules_commands[];

/*
 * Read a rule file of SpamAssassin and print rules of ours; import.c.  What
 * cannot be taken is said, a line each, to report.
 */
struct import {
	size_t taken, left;
	char *rules, *report; /* free() them */
};
void import_rules(struct import *, const char *file, const char *text);

#endif
