/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links in text: where they are, and what they mean once the tricks are
 * undone that hide it from filters and not from readers.  Pure; knows no
 * domain names (IDNA, public suffixes).
 */
#ifndef SERVICE_CONTENT_URL_H
#define SERVICE_CONTENT_URL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/span.h"

enum { CONTENT_URL_BYTES = 4096 }; /* what is longer is cut */

/*
 * Each link and each mail address that a reader, or his mail program, would
 * take for one, in order: "http://...", "hxxp://...", "www....", "host/path",
 * "user@host".  in: valid UTF-8.
 */
void content_url_find(
    struct span in, void (*seen)(void *arg, struct span url), void *arg);

struct content_url {
	const char *scheme; /* lower case */
	/*
	 * Lower case; numbers of any form as "192.0.2.1"; U-labels as they
	 * are.  "": it has none.
	 */
	const char *host;
	const char *path; /* with query and fragment, percent forms undone */
	bool address;     /* the host is an IP address */
	bool obfuscated;
};

/* False: nothing to follow ("#top", "", no host where one must be). */
bool content_url_parse(struct arena *, struct span in, struct content_url *out);

/* A URL within the path of another, or empty. */
struct span content_url_within(const char *path);

#endif
