/* SPDX-License-Identifier: Apache-2.0 */
/* Results of check_host() (RFC 7208, 2.6), and whose they are. */
#ifndef SPF_RESULT_H
#define SPF_RESULT_H

enum result {
	RESULT_NONE,
	RESULT_NEUTRAL,
	RESULT_PASS,
	RESULT_FAIL,
	RESULT_SOFTFAIL,
	RESULT_TEMPERROR,
	RESULT_PERMERROR,
	RESULTS
};

/* RFC 7208, 2.3 and 2.4 */
enum identity { IDENTITY_MAIL, IDENTITY_HELO, IDENTITIES };

const char *result_name(enum result);     /* "softfail" */
const char *identity_name(enum identity); /* "mailfrom", "helo" */

#endif
