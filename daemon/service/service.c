/* SPDX-License-Identifier: Apache-2.0 */
#include "service/service.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

static const struct service *const services[] = {
	&dns_service,
	&map_service,
	&address_service,
	&content_service,
	&store_service,
	&stream_service,
};

enum { SERVICES = sizeof(services) / sizeof(services[0]) };

static struct {
	pthread_mutex_t lock; /* guards the rest */
	const struct config *config;
	bool dry_run;
	enum { IDLE, RUNS, BROKEN } states[SERVICES];
} running = { .lock = PTHREAD_MUTEX_INITIALIZER };

void
service_prepare(const struct config *config, bool dry_run)
{
	running.config = config;
	running.dry_run = dry_run;
}

static bool
is_running(size_t i)
{
	const struct service *s = services[i];
	char *why = NULL;

	if (s->start == NULL)
		return true;
	if (running.states[i] == IDLE) {
		running.states[i] = BROKEN;
		if (s->start(running.config, running.dry_run, &why))
			running.states[i] = RUNS;
		else
			log_error("service %s: %s", s->id, why);
		free(why);
	}
	return running.states[i] == RUNS;
}

const void *
service_find(const char *id)
{
	const void *table = NULL;

	pthread_mutex_lock(&running.lock);
	for (size_t i = 0; i < SERVICES; i++)
		if (strcmp(services[i]->id, id) == 0 && is_running(i))
			table = services[i]->table;
	pthread_mutex_unlock(&running.lock);
	return table;
}

void
service_finish(void)
{
	for (size_t i = SERVICES; i-- > 0;) {
		if (running.states[i] == RUNS && services[i]->stop != NULL)
			services[i]->stop();
		running.states[i] = IDLE;
	}
}
