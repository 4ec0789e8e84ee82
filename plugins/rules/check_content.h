/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of what a message holds; as struct check has them. */
#ifndef RULES_CHECK_CONTENT_H
#define RULES_CHECK_CONTENT_H

#include "check.h"

typedef bool check_function(struct view *, const char *const *words,
    size_t nwords, const char **detail);

check_function check_link_shows_other, check_link_obfuscated,
    check_link_has_recipient, check_link_count, check_text_at_most,
    check_type_differs, check_encrypted_archive;

#endif
