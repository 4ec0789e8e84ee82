/* SPDX-License-Identifier: Apache-2.0 */
#include "service/service.h"

#include <string.h>

static const struct {
	const char *id;
	const void *table;
} services[] = {
	{ MR_MAP_SERVICE, &map_service },
};

const void *
service_find(const char *id)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strcmp(services[i].id, id) == 0)
			return services[i].table;
	return NULL;
}
