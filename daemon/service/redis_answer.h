/* SPDX-License-Identifier: Apache-2.0 */
/* What reserve.lua answers, read.  Whatever a server says, it is not trusted.
 */
#ifndef SERVICE_REDIS_ANSWER_H
#define SERVICE_REDIS_ANSWER_H

#include <hiredis/hiredis.h>

#include "service/store.h"

enum { REDIS_TAKEN = 0, REDIS_REFUSED = 1, REDIS_TAKEN_BEFORE = 2 };

struct redis_answer {
	int code;         /* as above */
	uint32_t refused; /* which */
	int64_t now_us;   /* the server's time */
};

/* False: it is no answer to this question; states may have changed. */
bool redis_answer_read(const redisReply *, const struct store_limits *,
    struct redis_answer *, struct mr_limit_state *states);

#endif
