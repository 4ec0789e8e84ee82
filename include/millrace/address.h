/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service "address/1": what header fields say of people and domains.
 *
 * Addresses of a header field are parsed by RFC 5322 with its obsolete forms
 * (groups, comments, quoted strings, routes); names of persons are decoded
 * (RFC 2047) to UTF-8.  Domains come out in one form: lower-case A-labels
 * (RFC 5890) without a dot at the end, so that equal ones compare equal.
 */
#ifndef MR_ADDRESS_H
#define MR_ADDRESS_H

#include <millrace/plugin.h>

#define MR_ADDRESS_SERVICE "address/1"

struct mr_mailbox {
	const char *display; /* decoded, UTF-8; "" if there is none */
	/* "local@domain", the domain as in .domain, local quoted if it must */
	const char *address;
	const char *local;  /* unquoted */
	const char *domain; /* A-labels, lower case; literals as "[...]" */
};

struct mr_mailboxes {
	uint32_t count;
	const struct mr_mailbox *items;
	/*
	 * Something in the field is no address, or it goes beyond the limits
	 * (256 mailboxes).  Items are those found before and after it, and
	 * within: every address that a program which shows the mail may make
	 * of it, as far as it has a domain.
	 */
	bool broken;
};

struct mr_address_service {
	uint32_t size; /* of this struct, as built */

	/*
	 * [session] The mailboxes of a value of From, To, Cc, Reply-To and
	 * the like, folded or not; members of groups are among them.  Never
	 * NULL; lives as long as the message.
	 */
	const struct mr_mailboxes *(*mailboxes)(
	    struct mr_ctx *, const char *value);

	/*
	 * [session] A value as a person reads it: unfolded, runs of blanks
	 * as one, encoded words (RFC 2047) decoded to UTF-8; unknown charsets
	 * and broken words stay as they are.  Control characters are blanks,
	 * bytes that are no UTF-8 U+FFFD.
	 */
	const char *(*decode)(struct mr_ctx *, const char *value);

	/*
	 * [session] The domain in A-labels and lower case, U-labels (IDNA
	 * 2008, UTS 46) converted.  NULL if it is no domain name.
	 */
	const char *(*to_ascii)(struct mr_ctx *, const char *domain);

	/*
	 * [session] The shortest name at or above the domain that somebody
	 * can register, by the public suffix list of the system: "example.
	 * co.uk" for "a.b.example.co.uk".  NULL for a public suffix itself,
	 * an address (literal or not) and what is no name.
	 */
	const char *(*registered)(struct mr_ctx *, const char *domain);
	/*
	 * [any] Whether the domain is itself a public suffix.  A top-level
	 * domain that the list does not have is one.
	 */
	bool (*is_public_suffix)(const char *domain);
};

#endif
