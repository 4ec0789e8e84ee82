/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service "map/1": look-ups in lists that an operator keeps.
 *
 * An option of type MR_MAP is a list of entries, and an entry of the form
 * "map:file:/path" stands for the lines of that file.  A line is a key,
 * optionally followed by blanks and a value; a key in double quotes may hold
 * blanks, and is a text or pattern, whatever it looks like; `#` starts a
 * comment at the start of a line or after a blank.  A file that changes is
 * read again without a reload; one that has become unreadable or wrong is
 * logged, with the bad line named, and the last good content stays in force.
 *
 * What a key matches (letters in any case):
 *   192.0.2.7  192.0.2.0/24  2001:db8::/32   a client address
 *   user@example.com                         that address
 *   @example.com  example.com                every address at that domain,
 *                                            or that host name
 *   .example.com                             every sub-domain of it
 *   user@                                    that local part anywhere
 *   *                                        everything
 *   anything else                            that text
 * The most exact entry wins.
 */
#ifndef MR_MAP_H
#define MR_MAP_H

#include <millrace/plugin.h>

#define MR_MAP_SERVICE "map/1"

struct mr_map_service {
	uint32_t size; /* of this struct, as built */

	/*
	 * [any] The value of the entry that matches ("" if it has none), or
	 * NULL if none does.  map may be NULL: nothing matches.  The value is
	 * copied to memory that lives as long as the message.
	 */
	/* key: an address in text form, "192.0.2.7" */
	const char *(*client)(
	    struct mr_ctx *, const struct mr_map *, const char *addr);
	/* key: a mail address without brackets; "" matches the entry <> */
	const char *(*address)(
	    struct mr_ctx *, const struct mr_map *, const char *address);
	/* key: a host or domain name; a trailing dot is ignored */
	const char *(*name)(
	    struct mr_ctx *, const struct mr_map *, const char *name);
	/* key: any text, compared whole and in any case */
	const char *(*text)(
	    struct mr_ctx *, const struct mr_map *, const char *text);

	/*
	 * [any] As above, but keys are patterns for the whole text, in any
	 * case: * stands for any run of bytes, ? for one.  The first that
	 * matches wins: of the config, then of each file.  Takes at most
	 * text times pattern steps for each.  Networks are no patterns.
	 */
	const char *(*glob)(
	    struct mr_ctx *, const struct mr_map *, const char *text);

	/*
	 * [main] Show each key until seen returns false; none if map is NULL.
	 * value is "" if there is none; where is "file:line" of an entry from
	 * a file, or NULL.  All live for the call only, and nothing may be
	 * looked up in it.  A file may change after that: check again what a
	 * look-up returns.
	 */
	void (*each)(const struct mr_map *,
	    bool (*seen)(void *arg, const char *key, const char *value,
		const char *where),
	    void *arg);
};

#endif
