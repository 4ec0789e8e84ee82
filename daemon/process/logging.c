/* SPDX-License-Identifier: Apache-2.0 */
#include "process/logging.h"

#include "base/log.h"

static bool background;

void
logging_set_background(bool on)
{
	background = on;
}

void
logging_open(const char *part, const struct config_globals *g)
{
	struct log_settings s = { .level = LOG_LEVEL_INFO };

	if (g != NULL)
		s = (struct log_settings){
			.level = (enum log_level)g->log_level,
			.target = (enum log_target)g->log_target,
			.format = (enum log_format)g->log_format,
		};
	if (background)
		s.target = LOG_TARGET_SYSLOG;
	log_open(part, &s);
}
