/* SPDX-License-Identifier: Apache-2.0 */
#include "command/past.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "command/client.h"
#include "command/installed.h"

enum { WAIT_US = 1000 * 1000, LOOK_US = 20 * 1000 };

static char *
configured_path(const struct common *c)
{
	struct setup setup = { 0 };
	const char *path;
	char *copy = NULL;

	if (!installed_load(c, &setup))
		return NULL;
	path = setup.config->globals.journal;
	if (path == NULL || path[0] == '\0')
		complain("no journal is kept: set \"journal\" in the "
			 "configuration, or say --journal PATH");
	else
		copy = memory_copy(path);
	setup_finish(&setup);
	return copy;
}

/* A daemon that has just been started is about to make it. */
static struct journal_reader *
open_at(const char *where, bool fresh)
{
	int64_t until = clock_steady_us() + (fresh ? WAIT_US : 0);
	struct journal_reader *r;
	char *why = NULL;

	while ((r = journal_read_open(where, &why)) == NULL) {
		if (clock_steady_us() >= until) {
			complain("%s", why);
			free(why);
			return NULL;
		}
		free(why);
		usleep(LOOK_US);
	}
	return r;
}

struct journal_reader *
past_open(const struct common *c, const char *path, bool *fresh)
{
	char *where = path != NULL ? memory_copy(path) : configured_path(c);
	struct journal_reader *r;
	char *socket;

	*fresh = false;
	if (where == NULL)
		return NULL;
	/* Another journal than the daemon's own needs no daemon. */
	if (path == NULL || c->socket != NULL) {
		socket = client_socket(c);
		*fresh = client_flush(socket);
		free(socket);
	}
	r = open_at(where, *fresh);
	free(where);
	return r;
}

void
past_collect(void *arg, const char *json)
{
	cJSON *one = cJSON_Parse(json);

	if (one != NULL)
		cJSON_AddItemToArray(arg, one);
}
