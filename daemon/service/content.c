/* SPDX-License-Identifier: Apache-2.0 */
/* The service "content/1": a message is taken apart once, for all. */
#include "millrace/content.h"

#include "base/clock.h"
#include "core/keep.h"
#include "service/content_message.h"
#include "service/service.h"

static struct {
	struct content_limits limits;
	int64_t time_ms;
} settings;

static const struct mr_content nothing = {
	.subject = "", .text = "", .raw = ""
};

static const struct content_field *
fields_of(struct mr_ctx *c, size_t *count)
{
	struct content_field *fields;
	const char *name, *value;
	uint32_t n = 0;

	while (c->host->header_at(c, n, &name, &value))
		n++;
	fields = c->host->alloc(c, (n + 1) * sizeof(*fields));
	for (uint32_t i = 0; i < n; i++)
		c->host->header_at(c, i, &fields[i].name, &fields[i].value);
	*count = n;
	return fields;
}

static const struct mr_content *
take_apart(struct mr_ctx *c)
{
	struct content_limits limits = settings.limits;
	int64_t left = c->host->time_left(c);
	const struct content_field *fields;
	struct span body = { "", 0 };
	const void *bytes;
	size_t n, nfields;

	if ((bytes = c->host->body(c, &n)) != NULL)
		body = (struct span){ bytes, n };
	fields = fields_of(c, &nfields);
	if (left > settings.time_ms)
		left = settings.time_ms;
	limits.until_us = clock_steady_us() + left * 1000;
	return content_message_read(
	    keep_arena(c), &limits, fields, nfields, body);
}

static const struct mr_content *
service_get(struct mr_ctx *c)
{
	const struct mr_content **kept =
	    message_keep(c, KEEP_CONTENT, sizeof(*kept));

	if (kept == NULL)
		return &nothing;
	if (*kept == NULL)
		*kept = take_apart(c);
	return *kept;
}

static bool
start(const struct config *config, bool dry_run, char **why)
{
	const struct config_globals *g = &config->globals;

	(void)dry_run;
	(void)why;
	settings.time_ms = g->content_time;
	settings.limits = (struct content_limits){
		.depth = (uint32_t)g->content_depth,
		.parts = (uint32_t)g->content_parts,
		.urls = (uint32_t)g->content_urls,
		.bytes = (uint64_t)g->content_size,
		.text = (uint64_t)g->content_text,
		.keep = (uint64_t)g->content_keep,
		.header = (uint64_t)g->content_header,
		.ratio = (uint32_t)g->content_ratio,
	};
	content_message_start();
	return true;
}

static const struct mr_content_service table = {
	.size = sizeof(struct mr_content_service),
	.get = service_get,
};

/* GMime stays as it is: it cannot be begun twice in one process. */
const struct service content_service = {
	.id = MR_CONTENT_SERVICE,
	.table = &table,
	.start = start,
};
