/* SPDX-License-Identifier: Apache-2.0 */
/* The messages that tests of rules write: millrace-rules(5), TESTS.  Pure. */
#ifndef RULES_SCRIPT_H
#define RULES_SCRIPT_H

#include "view.h"

/*
 * Fill the view from the text of a test.  own: the kind of source that a
 * line without a keyword belongs to.  False and *why: it is wrong.
 */
bool script_read(struct view *, const struct rules *, const struct rule *,
    const char *text, const char **why);

#endif
