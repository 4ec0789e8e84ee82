/* SPDX-License-Identifier: Apache-2.0 */
/* The points of the SMTP dialogue at which instances are asked. */
#ifndef CORE_STAGE_H
#define CORE_STAGE_H

#include <stdbool.h>
#include <stdint.h>

enum stage {
	STAGE_CONNECT,
	STAGE_HELO,
	STAGE_MAIL,
	STAGE_RCPT,
	STAGE_DATA,
	STAGE_UNKNOWN,
	STAGE_HEADER,
	STAGE_EOH,
	STAGE_BODY,
	STAGE_EOM,
	STAGE_ABORT, /* told to nobody: message_end stands for it */
	STAGE_COUNT
};

const char *stage_name(enum stage); /* "connect" */
bool stage_by_name(const char *, enum stage *);

/* MR_STAGE_* has the same order, as bits. */
#define STAGE_BIT(s) (UINT32_C(1) << (s))

const char *verdict_name(int32_t verdict); /* "continue" of an mr_verdict */

#endif
