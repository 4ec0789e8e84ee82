/* SPDX-License-Identifier: Apache-2.0 */
/* The plan that a generation sends: what is taken is whole. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "link/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(bool so)
{
	if (!so)
		abort();
}

static size_t
text_bytes(const char *text)
{
	return text != NULL ? strlen(text) : 0;
}

/* All that the master and the fronts read without asking. */
static void
check_listener(const struct plan_listener *l, size_t n)
{
	size_t bytes = text_bytes(l->owner) + text_bytes(l->group);

	must(l->name != NULL && l->socket != NULL && l->place.file != NULL);
	bytes += strlen(l->name) + strlen(l->socket) + strlen(l->place.file);
	for (int s = 0; s < STAGE_COUNT; s++) {
		must(l->macros[s] != NULL);
		bytes += strlen(l->macros[s]);
	}
	must(bytes <= n);
	must(plan_covers(l, l));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct plan *p = plan_decode((struct span){ (const char *)data, n });

	if (p == NULL)
		return 0;
	must(p->globals.run_dir != NULL);
	must(text_bytes(p->globals.user) <= n);
	for (size_t i = 0; i < p->nlisteners; i++)
		check_listener(&p->listeners[i], n);
	plan_destroy(&p);
	must(p == NULL);
	return 0;
}
