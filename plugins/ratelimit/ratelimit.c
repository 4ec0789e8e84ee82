/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Send limits that hold: in no hour are more than N messages of an account
 * accepted.  Options and descriptor; the work is in story.c.
 */
#include <stdlib.h>

#include "story.h"
#include "tool.h"

#define OPTION(m, t) MR_OPTION(struct ratelimit_conf, m, t)

static const struct mr_option ratelimit_options[] = {
	{ .name = "key",
	    OPTION(key, MR_LIST),
	    .text = "Whom to count for: \"name = expression\"." },
	{ .name = "limits",
	    OPTION(limits, MR_LIST),
	    .text = "\"100 messages / 1h\", \"domain: 2 GB / 1d\"." },
	{ .name = "tenants",
	    OPTION(tenants, MR_MAP),
	    .text = "What tenant() looks up." },
	{ .name = "plans",
	    OPTION(plans, MR_MAP),
	    .text = "What plan() looks up." },
	{ .name = "map", OPTION(map, MR_MAP), .text = "What map() looks up." },
	{ .name = "overrides",
	    OPTION(overrides, MR_MAP),
	    .text = "Limits of single keys: \"mailbox:a@example.com 500 "
		    "messages / 1h\"." },
	{ .name = "overrides-sql",
	    OPTION(overrides_sql, MR_STRING),
	    .text = "An SQLite database with more of them." },
	{ .name = "overrides-query",
	    OPTION(overrides_query, MR_STRING),
	    .fallback = "SELECT key, limits FROM limits",
	    .text = "The query: two columns, the key and its limits." },
	{ .name = "overrides-refresh",
	    OPTION(overrides_refresh, MR_DURATION),
	    .fallback = "30s",
	    .min = 100,
	    .max = 86400000,
	    .text = "How often the query is made." },
	{ .name = "over",
	    OPTION(over, MR_CHOICE),
	    .fallback = "tempfail",
	    .choices = "tempfail|reject|hold",
	    .text = "What happens to mail over a limit." },
	{ .name = "hold-margin",
	    OPTION(hold_margin, MR_INT),
	    .fallback = "25",
	    .min = 1,
	    .max = 1000,
	    .text = "Percent over a limit that are held; more is put off." },
	{ .name = "reply",
	    OPTION(reply, MR_STRING),
	    .fallback = "Sending limit reached: {limit}, try again {when}",
	    .text = "What the client is told." },
	{ .name = "blocked-reply",
	    OPTION(blocked_reply, MR_STRING),
	    .fallback = "Sending is blocked for this account",
	    .text = "What a blocked account is told that has no text." },
	{ .name = "partial",
	    OPTION(partial, MR_BOOL),
	    .fallback = "true",
	    .text = "Accept a message for the recipients that fit." },
	{ .name = "count-at",
	    OPTION(count_at, MR_CHOICE),
	    .fallback = "rcpt",
	    .choices = "rcpt|eom",
	    .text = "When to count; eom for mail of sendmail(1)." },
	{ .name = "count-rejected",
	    OPTION(count_rejected, MR_LIST),
	    .text = "Refused mail that counts: reject, tempfail, "
		    "note=value." },
	{ .name = "exempt",
	    OPTION(exempt, MR_MAP),
	    .text = "Keys whose mail is not counted." },
	{ .name = "exempt-recipients",
	    OPTION(exempt_recipients, MR_MAP),
	    .text = "Recipients that are not counted." },
	{ .name = "exempt-null-sender",
	    OPTION(exempt_null_sender, MR_CHOICE),
	    .fallback = "unauthenticated",
	    .choices = "unauthenticated|yes|no",
	    .text = "Whether mail from <> is not counted." },
	{ .name = "when-store-down",
	    OPTION(when_store_down, MR_CHOICE),
	    .fallback = "share",
	    .choices = "share|tempfail|open",
	    .text = "What to do while the store cannot be reached." },
	{ .name = "group",
	    OPTION(group, MR_STRING),
	    .fallback = "limits",
	    .text = "Instances with the same group share their counters." },
	{ 0 },
};

/* A configuration that is wrong is for open() to report. */
static void
ratelimit_plan(const void *p, struct mr_plan *plan)
{
	struct ratelimit *r = calloc(1, sizeof(*r));
	const struct ratelimit_conf *conf = p;
	bool late = false, failed = false;

	if (r == NULL)
		return;
	instance_parse(r, conf, NULL, NULL);
	plan->wants = 0;
	for (uint32_t i = 0; i < r->nkeys; i++)
		facts_plan(plan, &r->keys[i]);
	for (uint32_t i = 0; i < r->ndefaults; i++)
		failed |= r->defaults[i].limit.unit == LIMIT_FAILED;
	late = (plan->wants & MR_WANT_HEADERS) != 0 ||
	       conf->count_at == COUNT_AT_EOM;
	for (uint32_t i = 0; i < r->nkeys; i++)
		late |= key_uses_notes(&r->keys[i]);
	if (failed)
		plan->wants |= MR_WANT_REJECTED_RCPT;
	if (r->measures)
		plan->wants |= MR_WANT_HEADERS;
	plan->stages = MR_STAGE_MAIL | MR_STAGE_RCPT;
	if (!conf->partial)
		plan->stages |= MR_STAGE_DATA;
	if (r->measures)
		plan->stages |= MR_STAGE_BODY | MR_STAGE_EOM;
	if (late)
		plan->stages |= MR_STAGE_EOM;
	plan->actions = conf->over == OVER_HOLD ? MR_ACTION_QUARANTINE : 0;
	free(r);
}

static bool
ratelimit_open(const struct mr_host *host, const void *conf, void **self)
{
	struct ratelimit *r = calloc(1, sizeof(*r));

	if (r == NULL || !instance_init(r, host, conf, true)) {
		free(r);
		return false;
	}
	if (r->ndefaults == 0 && r->conf->overrides == NULL && r->sql == NULL)
		host->log(host, NULL, MR_LOG_WARN,
		    "it has no limits; only what \"millrace limits\" sets "
		    "holds");
	*self = r;
	return true;
}

static void
ratelimit_close(void *self)
{
	struct ratelimit *r = self;

	instance_finish(r);
	free(r);
}

static mr_verdict
ratelimit_on_mail(struct mr_ctx *c, const char *from, const char *const *args)
{
	(void)from;
	return story_mail(c, args);
}

static mr_verdict
ratelimit_on_rcpt(struct mr_ctx *c, const char *to, const char *const *args)
{
	(void)args;
	return story_rcpt(c, to);
}

static mr_verdict
ratelimit_on_body(struct mr_ctx *c, const void *chunk, size_t len)
{
	struct story *m = c->message;

	(void)chunk;
	m->size += (int64_t)len;
	return MR_CONTINUE;
}

MR_PLUGIN(ratelimit) = {
	MR_PLUGIN_HEAD,
	.name = "ratelimit",
	.version = "0.1.0",
	.summary = "limits what an account, a domain or a client may send",
	.options = ratelimit_options,
	.conf_size = sizeof(struct ratelimit_conf),
	.message_size = sizeof(struct story),
	.actions = MR_ACTION_QUARANTINE,
	.wants = MR_WANT_HEADERS | MR_WANT_REJECTED_RCPT,
	.plan = ratelimit_plan,
	.open = ratelimit_open,
	.close = ratelimit_close,
	.on_mail = ratelimit_on_mail,
	.on_rcpt = ratelimit_on_rcpt,
	.on_data = story_data,
	.on_body = ratelimit_on_body,
	.on_eom = story_eom,
	.message_end = story_end,
	.command = "limits",
	.commands = tool_commands,
};
