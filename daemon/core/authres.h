/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authentication-Results (RFC 8601): build the one field of the daemon, and
 * tell which fields of an incoming message claim to be ours.
 */
#ifndef CORE_AUTHRES_H
#define CORE_AUTHRES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "millrace/plugin.h"

struct authres_property {
	const char *name; /* "smtp.mailfrom" */
	const char *value;
};

struct authres_result {
	const char *method, *result; /* "spf", "pass": lower-case keywords */
	const char *reason;          /* or NULL */
	const struct authres_property *properties;
	size_t count;
	const char *by; /* instance, for the record */
};

/*
 * Check what a plugin hands in (method and result are Keywords of RFC 8601,
 * 2.2; property names are ptype.property) and copy it.  Properties with a
 * NULL or empty value, or one of over 320 bytes, are left out.  False and
 * *why (static text) if it cannot be written.
 */
bool authres_check(struct arena *, const char *method, const char *result,
    const char *reason, const struct mr_auth_property *, size_t count,
    struct authres_result *out, const char **why);

/*
 * The value of the field, folded with LF and a tab at 78 columns where that
 * can be done, all values quoted as needed (RFC 8601, 2.2; RFC 2045 tokens),
 * control and non-ASCII bytes made "?" (a reader that knows no UTF-8 must
 * not lose the whole field to one address).  A reason is cut at 200 bytes.
 * "id; none" without results.
 */
const char *authres_build(struct arena *, const char *authserv_id,
    const struct authres_result *, size_t count);

/*
 * True if a field with this value must be removed: its authserv-id is ours
 * (any case, after comments and quotes, with or without a version), or it
 * cannot be told (unparsable, unknown version, over 4,096 bytes).
 * Pure; a fuzz target.
 */
bool authres_is_forged(const char *value, const char *authserv_id);

/* A usable authserv-id out of a host name or macro: a token or NULL. */
bool authres_id_ok(const char *);

#endif
