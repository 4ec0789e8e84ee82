/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a list can be relied on: its failures in a row, when it is tested
 * again, and until when it is off.  Knows no DNS; the time is an argument.
 */
#ifndef DNSBL_HEALTH_H
#define DNSBL_HEALTH_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct health {
	pthread_mutex_t lock; /* guards the rest */
	unsigned failures;
	int64_t off_until, test_at; /* ms */
};

void health_init(struct health *);
void health_finish(struct health *);

bool health_off(struct health *, int64_t now);
/* Whether it is to be tested before anybody believes it. */
bool health_test_due(struct health *, int64_t now);
/* It passed; the next time is every_ms later. */
void health_tested(struct health *, int64_t now, int64_t every_ms);
void health_worked(struct health *);
/* True if that was one failure too many: it is off for pause_ms now. */
bool health_failed(
    struct health *, int64_t now, unsigned most, int64_t pause_ms);
/* False: it was off already. */
bool health_switch_off(struct health *, int64_t now, int64_t pause_ms);

#endif
