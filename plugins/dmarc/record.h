/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The DMARC Policy Record (RFC 9989, 4.7 and 4.8).  Pure.
 */
#ifndef DMARC_RECORD_H
#define DMARC_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/* In the order of their severity. */
enum policy { POLICY_NONE, POLICY_QUARANTINE, POLICY_REJECT, POLICIES };

enum psd { PSD_UNKNOWN, PSD_YES, PSD_NO };

struct record {
	enum policy p, sp, np; /* none if it is not there or bad */
	bool has_p, has_sp, has_np;
	bool bad_policy; /* p, sp or np is there and no policy */
	bool strict_dkim, strict_spf;
	bool testing; /* t=y */
	enum psd psd;
	struct text rua, fo; /* within what was parsed; fo: "0" if not valid */
	bool has_rua;        /* one URI or more is well-formed */
};

/*
 * False: it is no DMARC record, because it does not begin with v=DMARC1.
 * What is wrong behind that is ignored, tag by tag; of a tag that is there
 * twice the first counts; unknown tags are ignored, and so are pct, rf and
 * ri, which RFC 9989 took out.
 */
bool record_parse(struct text, struct record *);

const char *policy_name(enum policy);
/* False: the word is none. */
bool policy_parse(struct text, enum policy *);

/* One level down, for t=y (RFC 9989, 4.7). */
enum policy policy_lower(enum policy);

/* A place that reports are sent to: "mailto:a@example.com!10m". */
struct uri {
	bool mailto;
	char address[320];        /* of mailto, decoded, one plain address */
	unsigned long long limit; /* bytes; 0: none */
};

/*
 * Cut the next URI off a list.  False: there is no more.  *ok: it is
 * well-formed; one that is not is to be passed over (RFC 9990, 3.5).  Of
 * mailto only a dot-atom at a domain name is taken for an address.
 */
bool uri_next(struct text *list, struct uri *, bool *ok);

/* Of a well-formed mailto. */
const char *uri_domain(const struct uri *);

#endif
