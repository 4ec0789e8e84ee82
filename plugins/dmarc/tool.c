/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands "millrace dmarc report" and "check" share. */
#include "tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int32_t
tool_complain(int32_t status, const char *command, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "millrace dmarc %s: ", command);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

/* With several, the first that can report. */
const struct dmarc_conf *
tool_conf(const struct mr_tool *t)
{
	for (uint32_t i = 0; i < t->count; i++) {
		const struct dmarc_conf *conf = t->confs[i];

		if (conf->report_email != NULL)
			return conf;
	}
	return t->count > 0 ? t->confs[0] : NULL;
}

bool
tool_lookup(struct mr_ctx *c, struct lookup *l)
{
	const struct mr_host *host = c->host;

	*l = (struct lookup){ .c = c,
		.dns = host->service(host, MR_DNS_SERVICE),
		.address = host->service(host, MR_ADDRESS_SERVICE) };
	return l->dns != NULL && l->address != NULL;
}

const char *
tool_safe(const struct mr_tool *t, const char *text)
{
	size_t n = strlen(text);
	char *copy = t->ctx->host->alloc(t->ctx, n + 1);

	for (size_t i = 0; i < n; i++)
		copy[i] = text[i] < ' ' || text[i] > '~' ? '?' : text[i];
	return copy;
}

const struct mr_command tool_commands[] = {
	{ "check", "DOMAIN",
	    "show the record, the organizational domain and what would happen",
	    tool_check },
	{ "report",
	    "--domain DOMAIN | --all [--since TIME] [--until TIME] "
	    "[--out FOLDER] [--send]",
	    "make aggregate reports from the journal; without a time, of the "
	    "last whole day (UTC)",
	    tool_report },
	{ 0 },
};
