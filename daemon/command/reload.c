/* SPDX-License-Identifier: Apache-2.0 */
/* millrace reload, and the request that explain and history begin with. */
#include <stdio.h>

#include "command/client.h"
#include "command/render.h"

enum { RELOAD_MS = 60 * 1000, FLUSH_MS = 5000 };

static int
ask(const struct common *c, const char *verb, int limit_ms, int on_error)
{
	cJSON *answer = client_ask(c, verb, limit_ms);
	struct buf out = { 0 };
	const char *error;
	int status = EXIT_OK;

	if (answer == NULL)
		return EXIT_LATER;
	if ((error = render_text(answer, "error")) != NULL) {
		status = on_error;
		if (!c->json)
			complain("%s", error);
	}
	if (c->json)
		render_json(&out, answer);
	else if (error == NULL && cJSON_HasObjectItem(answer, "generation"))
		buf_printf(&out, "generation %.0f is in force\n",
		    render_number(answer, "generation"));
	render_out(&out);
	cJSON_Delete(answer);
	return status;
}

static int
reload(const struct common *c, char **operands)
{
	(void)operands;
	return ask(c, "reload", RELOAD_MS, EXIT_USAGE);
}

static int
flush(const struct common *c, char **operands)
{
	(void)operands;
	return ask(c, "flush", FLUSH_MS, EXIT_REFUSED);
}

const struct command reload_command = {
	.name = "reload",
	.operands = "",
	.summary = "put a changed configuration and changed plugins in force",
	.run = reload,
};

const struct command flush_command = {
	.name = "flush",
	.operands = "",
	.summary = "have the daemon write its journal now",
	.run = flush,
	.hidden = true,
};
