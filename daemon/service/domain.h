/* SPDX-License-Identifier: Apache-2.0 */
/* Names of domains: their one form, and who can register them. */
#ifndef SERVICE_DOMAIN_H
#define SERVICE_DOMAIN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/span.h"

/*
 * Lower-case A-labels without the dot at the end, U-labels converted by
 * IDNA 2008 with the mapping of UTS 46.  NULL: no domain name (empty or long
 * labels, over 253 bytes, characters that no host or mail domain has).
 */
const char *domain_to_ascii(struct arena *, struct span);

/*
 * By the public suffix list that the system has, or the one that libpsl was
 * built with, whichever is newer; it is read once.  name: as
 * domain_to_ascii makes it.
 */
bool domain_is_public_suffix(const char *name);
/* The part of name that somebody can register, within name; or NULL. */
const char *domain_registered(const char *name);

#endif
