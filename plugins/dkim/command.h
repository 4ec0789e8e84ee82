/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of the plugin share: words in, lines or JSON out. */
#ifndef DKIM_COMMAND_H
#define DKIM_COMMAND_H

#include "dkim.h"

enum { STATUS_OK = 0, STATUS_NO = 1, STATUS_USAGE = 2, STATUS_LATER = 75 };

/* "millrace dkim: ..." on stderr. */
void command_complain(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* One key of a configured table, with the domain that it signs for. */
struct command_key {
	const struct dkim_conf *conf;
	const struct keyring_key *key;
	const char *domain;
	/* Those that replace each other, the oldest first; place: of this. */
	const struct keyring_key *group;
	uint32_t count, place;
};

/*
 * Show the keys of all instances that sign; only those of the domains named,
 * if any is.  A key for every domain is shown for those that are named.
 * False: a table could not be read, or no key was there; it was said.
 */
bool command_keys(const struct mr_tool *, int32_t ndomains, char **domains,
    void (*seen)(void *arg, const struct command_key *), void *arg);

int32_t command_check(const struct mr_tool *, int32_t argc, char **argv);
int32_t command_status(const struct mr_tool *, int32_t argc, char **argv);

#endif
