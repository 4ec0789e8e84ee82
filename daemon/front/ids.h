/* SPDX-License-Identifier: Apache-2.0 */
/* Names for sessions and messages, unique over hosts and restarts. */
#ifndef FRONT_IDS_H
#define FRONT_IDS_H

#include <stdint.h>

enum { IDS_MESSAGE = 16 };

uint64_t ids_session(void);
/* 13 letters and digits that sort by time. */
void ids_message(char id[IDS_MESSAGE]);

#endif
