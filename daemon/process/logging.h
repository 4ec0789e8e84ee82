/* SPDX-License-Identifier: Apache-2.0 */
/* The log of each process, as the configuration says. */
#ifndef PROCESS_LOGGING_H
#define PROCESS_LOGGING_H

#include <stdbool.h>

#include "config/config.h"

/* In the background there is no stderr: syslog whatever the config says. */
void logging_set_background(bool);
/* globals NULL: before the configuration is known. */
void logging_open(const char *part, const struct config_globals *);

#endif
