/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service "map/1": base/map.h for plugins.  An option's struct mr_map is
 * the struct map that the config made of it.
 */
#include <string.h>

#include "base/map.h"
#include "service/service.h"

static struct map *
as_map(const struct mr_map *map)
{
	/* Plugins see it as const; we read its files again. */
	return (struct map *)(uintptr_t)map;
}

/* Where a value goes: to memory of the message or session. */
struct found {
	struct mr_ctx *ctx;
	const char *value;
};

static void
keep(void *arg, const char *value)
{
	struct found *f = arg;
	size_t n = strlen(value) + 1;

	f->value =
	    n == 1 ? "" : memcpy(f->ctx->host->alloc(f->ctx, n), value, n);
}

static const char *
look_up(struct mr_ctx *c, const struct mr_map *map, enum map_way way,
    const char *key)
{
	struct found f = { .ctx = c };

	if (map == NULL || key == NULL)
		return NULL;
	map_refresh(as_map(map));
	map_look_up(as_map(map), way, key, keep, &f);
	return f.value;
}

static const char *
service_client(struct mr_ctx *c, const struct mr_map *map, const char *addr)
{
	return look_up(c, map, MAP_CLIENT, addr);
}

static const char *
service_address(struct mr_ctx *c, const struct mr_map *map, const char *address)
{
	return look_up(c, map, MAP_ADDRESS, address);
}

static const char *
service_name(struct mr_ctx *c, const struct mr_map *map, const char *name)
{
	return look_up(c, map, MAP_NAME, name);
}

static const char *
service_text(struct mr_ctx *c, const struct mr_map *map, const char *text)
{
	return look_up(c, map, MAP_TEXT, text);
}

static const char *
service_glob(struct mr_ctx *c, const struct mr_map *map, const char *text)
{
	return look_up(c, map, MAP_GLOB, text);
}

static void
service_each(const struct mr_map *map,
    bool (*seen)(
	void *arg, const char *key, const char *value, const char *where),
    void *arg)
{
	if (map != NULL)
		map_each(as_map(map), seen, arg);
}

static const struct mr_map_service table = {
	.size = sizeof(struct mr_map_service),
	.client = service_client,
	.address = service_address,
	.name = service_name,
	.text = service_text,
	.glob = service_glob,
	.each = service_each,
};

const struct service map_service = {
	.id = MR_MAP_SERVICE,
	.table = &table,
};
