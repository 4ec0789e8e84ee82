/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin to copy: one option, one stage, one finding.
 *
 * It marks every message with the symbol NULL_SEEN and lets it pass, which
 * shows that a chain is attached and what it applies to.  See
 * millrace-plugin(3) for the whole contract.
 */
#include <millrace/plugin.h>

/* The daemon fills this from the config before anything else is called. */
struct null_conf {
	double score;
};

/*
 * The only definition of the options: parser, defaults, ranges, `millrace
 * config` and the manual's lint read it.  MR_OPTION does not compile if the
 * member's type is not what the option type stores.
 */
static const struct mr_option null_options[] = {
	{ .name = "score",
	    MR_OPTION(struct null_conf, score, MR_REAL),
	    .fallback = "0",
	    .min = -1000,
	    .max = 1000,
	    .text = "Score of the symbol NULL_SEEN." },
	{ 0 },
};

/*
 * Without open(), self is the config.  Several sessions are in here at once:
 * what self points to is read, never written.  What belongs to one session
 * or message goes to c->session or c->message.
 */
static mr_verdict
null_on_eom(struct mr_ctx *c)
{
	const struct null_conf *conf = c->self;

	c->host->symbol(c, "NULL_SEEN", conf->score, c->sender);
	return MR_CONTINUE;
}

/* A stage without a callback is not asked for, so it costs nothing. */
MR_PLUGIN(null) = {
	MR_PLUGIN_HEAD,
	.name = "null",
	.version = "0.1.0",
	.summary = "marks each message as seen and lets it pass",
	.options = null_options,
	.conf_size = sizeof(struct null_conf),
	.on_eom = null_on_eom,
};
