/* SPDX-License-Identifier: Apache-2.0 */
/* What the plugin and its command share. */
#ifndef GREYLIST_GREYLIST_H
#define GREYLIST_GREYLIST_H

#include <millrace/map.h>
#include <millrace/plugin.h>
#include <millrace/store.h>

enum greylist_at { AT_RCPT, AT_EOM };
enum greylist_whom { WHOM_STRANGERS, WHOM_SUSPECTS };

struct greylist_conf {
	int64_t delay, retry_within, lifetime;
	int64_t auto_allow, prefix_v4, prefix_v6, at, whom;
	const struct mr_map *allow_clients, *known_domains;
	const char *reply, *group;
};

extern const struct mr_command tool_commands[];

#endif
