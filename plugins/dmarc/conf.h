/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DMARC_CONF_H
#define DMARC_CONF_H

#include <millrace/map.h>
#include <millrace/plugin.h>

#include "decide.h"

enum { METHOD_TREEWALK, METHOD_PSL };
enum { SEVERAL_EACH, SEVERAL_REJECT };

struct dmarc_conf {
	int64_t method, several; /* enums above */
	int64_t actions[CASES];
	double scores[CASES], pass_score;
	const struct mr_map *overrides, *forwarders, *lists;
	bool skip_authenticated;
	const struct mr_map *skip_clients;
	const char *reply;
	const char *report_org, *report_email, *report_contact;
	const char *report_sendmail;
};

extern const struct mr_option conf_options[];

/* What the tables cannot say.  False after config_error(). */
bool conf_check(const struct dmarc_conf *, const struct mr_map_service *,
    const struct mr_host *);

#endif
