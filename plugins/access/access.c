/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allow, refuse or tag mail by lists: who connects, what it calls itself,
 * who sends, to whom, as whom, and what the header says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <millrace/map.h>
#include <millrace/plugin.h>

#include "entry.h"
#include "judge.h"

enum deny_with { WITH_REJECT, WITH_TEMPFAIL, WITH_DISCARD, WITH_QUARANTINE };
enum allow_ends { ENDS_INSTANCE, ENDS_CHAIN };

struct access_conf {
	const struct mr_map *lists[ACTIONS][KINDS];
	const char *reply;
	int64_t deny_with, allow_ends; /* enums above */
	double tag_score;
	const char *tag_header;
};

struct access {
	const struct access_conf *conf;
	struct judge judge;
	struct entry_reply reply; /* the default one */
};

/* Lists that have left their symbol, one bit each. */
struct access_told {
	uint32_t lists;
};

#define LIST(a, k, n, t)                                                       \
	{                                                                      \
		.name = n, MR_OPTION(struct access_conf, lists[a][k], MR_MAP), \
		.text = t                                                      \
	}

static const struct mr_option access_options[] = {
	LIST(ALLOW, CLIENTS, "allow-clients", "Allow these addresses."),
	LIST(ALLOW, NAMES, "allow-names", "Allow these reverse names."),
	LIST(ALLOW, HELOS, "allow-helos", "Allow these HELO names."),
	LIST(ALLOW, SENDERS, "allow-senders", "Allow these senders."),
	LIST(ALLOW, RECIPIENTS, "allow-recipients", "Allow these recipients."),
	LIST(ALLOW, HEADERS, "allow-headers",
	    "Allow messages with such a header field."),
	LIST(ALLOW, LOGINS, "allow-logins", "Allow these logins."),
	LIST(DENY, CLIENTS, "deny-clients", "Deny these addresses."),
	LIST(DENY, NAMES, "deny-names", "Deny these reverse names."),
	LIST(DENY, HELOS, "deny-helos", "Deny these HELO names."),
	LIST(DENY, SENDERS, "deny-senders", "Deny these senders."),
	LIST(DENY, RECIPIENTS, "deny-recipients", "Deny these recipients."),
	LIST(DENY, HEADERS, "deny-headers",
	    "Deny messages with such a header field."),
	LIST(DENY, LOGINS, "deny-logins", "Deny these logins."),
	LIST(TAG, CLIENTS, "tag-clients", "Tag mail from these addresses."),
	LIST(TAG, NAMES, "tag-names", "Tag mail from these reverse names."),
	LIST(TAG, HELOS, "tag-helos", "Tag mail from these HELO names."),
	LIST(TAG, SENDERS, "tag-senders", "Tag mail from these senders."),
	LIST(TAG, RECIPIENTS, "tag-recipients", "Tag mail to these."),
	LIST(TAG, HEADERS, "tag-headers",
	    "Tag messages with such a header field."),
	LIST(TAG, LOGINS, "tag-logins", "Tag mail of these logins."),
	{ .name = "reply",
	    MR_OPTION(struct access_conf, reply, MR_STRING),
	    .fallback = "Access denied",
	    .text = "What the denied are told: \"[code [status]] text\"." },
	{ .name = "deny-with",
	    MR_OPTION(struct access_conf, deny_with, MR_CHOICE),
	    .fallback = "reject",
	    .choices = "reject|tempfail|discard|quarantine",
	    .text = "What happens to the denied." },
	{ .name = "allow-ends",
	    MR_OPTION(struct access_conf, allow_ends, MR_CHOICE),
	    .fallback = "instance",
	    .choices = "instance|chain",
	    .text = "Whether the allowed pass later instances unasked too." },
	{ .name = "tag-score",
	    MR_OPTION(struct access_conf, tag_score, MR_REAL),
	    .fallback = "1",
	    .min = -1000,
	    .max = 1000,
	    .text = "Score of ACCESS_TAG where the entry names none." },
	{ .name = "tag-header",
	    MR_OPTION(struct access_conf, tag_header, MR_STRING),
	    .text = "Name of a field that says which lists tagged it." },
	{ 0 },
};

static bool
has_any(const struct access_conf *conf, enum action action)
{
	for (int k = 0; k < KINDS; k++)
		if (conf->lists[action][k] != NULL)
			return true;
	return false;
}

/*
 * An instance that applies to some senders or recipients only is not asked
 * before mail or rcpt, and a message cannot be discarded or held before it
 * began: what earlier stages bring is judged then.
 */
static uint32_t
deny_stages(const struct access_conf *conf, uint32_t first)
{
	uint32_t stages = 0;

	if (first < MR_STAGE_MAIL && (conf->deny_with == WITH_DISCARD ||
					 conf->deny_with == WITH_QUARANTINE))
		first = MR_STAGE_MAIL;
	for (int k = 0; k < KINDS; k++) {
		if (conf->lists[DENY][k] == NULL)
			continue;
		stages |= judge_stage_of[k];
		if (judge_stage_of[k] < first)
			stages |= first;
	}
	return stages;
}

static uint32_t
allow_stages(const struct access_conf *conf)
{
	uint32_t stages = 0;

	for (int k = 0; k < KINDS; k++) {
		if (conf->lists[ALLOW][k] == NULL)
			continue;
		if (judge_stage_of[k] <= MR_STAGE_MAIL)
			stages |= MR_STAGE_MAIL;
		if (k == HEADERS)
			stages |= MR_STAGE_EOH;
		if (conf->allow_ends == ENDS_CHAIN)
			stages |= MR_STAGE_DATA;
	}
	return stages;
}

static bool
uses(const struct access_conf *conf, enum kind kind)
{
	return conf->lists[ALLOW][kind] != NULL ||
	       conf->lists[DENY][kind] != NULL ||
	       conf->lists[TAG][kind] != NULL;
}

/* Tags are written into a field, so forged ones are taken off. */
static bool
writes_field(const struct access_conf *conf)
{
	return conf->tag_header != NULL && has_any(conf, TAG);
}

static uint32_t
actions_of(const struct access_conf *conf, uint32_t stages)
{
	uint32_t actions = 0;

	if (has_any(conf, DENY)) {
		if (conf->deny_with == WITH_QUARANTINE)
			actions |= MR_ACTION_QUARANTINE;
		if (conf->deny_with == WITH_DISCARD && stages & MR_STAGE_RCPT)
			actions |= MR_ACTION_DELETE_RECIPIENT;
	}
	if (writes_field(conf))
		actions |= MR_ACTION_ADD_HEADER | MR_ACTION_CHANGE_HEADER;
	return actions;
}

static void
access_plan(const void *p, struct mr_plan *plan)
{
	const struct access_conf *conf = p;
	uint32_t stages = deny_stages(conf, plan->first) | allow_stages(conf);

	if (has_any(conf, TAG))
		stages |= MR_STAGE_EOM;
	if (writes_field(conf))
		stages |= MR_STAGE_EOH;
	plan->stages = stages;
	plan->actions = actions_of(conf, stages);
	plan->wants = 0;
	if (uses(conf, HEADERS) || writes_field(conf))
		plan->wants |= MR_WANT_HEADERS;
	if (conf->lists[ALLOW][NAMES] != NULL)
		plan->macros(plan, MR_STAGE_CONNECT, "{client_resolve}");
	if (uses(conf, LOGINS))
		plan->macros(plan, MR_STAGE_MAIL, "{auth_authen}");
}

/* Walk through a list and report what is wrong with its values. */
struct check {
	const struct mr_host *host;
	enum action action;
	enum kind kind;
	bool ok;
};

static bool
check_entry(void *arg, const char *key, const char *value, const char *where)
{
	struct check *check = arg;
	struct entry_reply reply;
	const char *why = NULL;
	char line[512];
	double score;

	if (check->action == DENY)
		why = entry_reply_parse(value, &reply);
	else if (value[0] != '\0' && !entry_score_parse(value, &score))
		why = "the value must be a score of -1000 to 1000";
	if (why == NULL)
		return true;
	snprintf(line, sizeof(line), "%s%sentry \"%.100s\": %s",
	    where != NULL ? where : "", where != NULL ? ": " : "", key, why);
	check->host->config_error(
	    check->host, judge_list_name(check->action, check->kind), line);
	check->ok = false;
	return true;
}

static bool
check_lists(const struct access *a, const struct mr_host *host)
{
	struct check check = { .host = host, .ok = true };

	for (int action = DENY; action <= TAG; action++)
		for (int k = 0; k < KINDS; k++) {
			check.action = (enum action)action;
			check.kind = (enum kind)k;
			a->judge.map->each(
			    a->conf->lists[action][k], check_entry, &check);
		}
	return check.ok;
}

static bool
check_reply(struct access *a, const struct mr_host *host)
{
	const struct access_conf *conf = a->conf;
	const char *why;

	if ((why = entry_reply_parse(conf->reply, &a->reply)) == NULL &&
	    a->reply.text[0] == '\0')
		why = "there is no text; write one, as in \"Access denied\"";
	if (why == NULL && a->reply.code / 100 == 4 &&
	    conf->deny_with == WITH_REJECT)
		why = "the code means try again, but deny-with is reject; "
		      "use a code of 500 to 599, or deny-with = tempfail";
	if (why == NULL && a->reply.code / 100 == 5 &&
	    conf->deny_with == WITH_TEMPFAIL)
		why = "the code means never, but deny-with is tempfail; "
		      "use a code of 400 to 499, or deny-with = reject";
	if (why != NULL)
		host->config_error(host, "reply", why);
	return why == NULL;
}

static bool
check_tag_header(const struct access_conf *conf, const struct mr_host *host)
{
	const char *name = conf->tag_header;

	if (name == NULL)
		return true;
	for (; *name > ' ' && *name <= '~' && *name != ':'; name++)
		;
	if (*name == '\0' && name > conf->tag_header)
		return true;
	host->config_error(host, "tag-header",
	    "not a field name; write it without colon or blanks, "
	    "as in \"X-Access\"");
	return false;
}

static bool
access_open(const struct mr_host *host, const void *conf, void **self)
{
	struct access *a = calloc(1, sizeof(*a));
	bool ok = a != NULL;

	if (!ok)
		return false;
	a->conf = conf;
	a->judge.lists = a->conf->lists;
	a->judge.map = host->service(host, MR_MAP_SERVICE);
	a->judge.address = host->service(host, MR_ADDRESS_SERVICE);
	if (a->judge.map == NULL || a->judge.address == NULL) {
		host->config_error(host, NULL,
		    "this daemon has no service " MR_MAP_SERVICE
		    " or " MR_ADDRESS_SERVICE);
		free(a);
		return false;
	}
	/* Say all that is wrong, not only the first. */
	ok = check_lists(a, host) && ok;
	ok = check_reply(a, host) && ok;
	ok = check_tag_header(a->conf, host) && ok;
	if (!ok) {
		free(a);
		return false;
	}
	if (!has_any(conf, ALLOW) && !has_any(conf, DENY) &&
	    !has_any(conf, TAG))
		host->log(host, NULL, MR_LOG_WARN,
		    "it has no list, so it does nothing");
	*self = a;
	return true;
}

static void
access_close(void *self)
{
	free(self);
}

/*
 * Once a message for each list, and what the session left counts; for each
 * recipient that is refused.
 */
static void
leave_symbol(
    struct mr_ctx *c, const struct finding *f, const char *name, double score)
{
	const struct access_told *session = c->session;
	struct access_told *told = c->message != NULL ? c->message : c->session;
	uint32_t bit = UINT32_C(1) << (f->action * KINDS + f->kind);
	char detail[400];

	if (c->message != NULL && (told->lists | session->lists) & bit &&
	    !(f->action == DENY && f->kind == RECIPIENTS))
		return;
	told->lists |= bit;
	snprintf(detail, sizeof(detail), "%s %s",
	    judge_list_name(f->action, f->kind), f->key);
	c->host->symbol(c, name, score, detail);
}

/* The entry's own reply; a list file may have gone bad since open(). */
static struct entry_reply
reply_of(struct mr_ctx *c, const struct finding *f)
{
	struct entry_reply r = { .text = "" };
	const char *why = entry_reply_parse(f->value, &r);
	char line[512];

	if (why != NULL) {
		snprintf(line, sizeof(line),
		    "%s: the entry for \"%.100s\": %s; the option reply "
		    "is used",
		    judge_list_name(f->action, f->kind), f->key, why);
		c->host->log(c->host, c, MR_LOG_WARN, line);
	}
	return r;
}

/* A code decides by itself; without one it is as deny-with says. */
static int64_t
deny_how(const struct access *a, const struct entry_reply *r)
{
	if (r->code != 0)
		return r->code / 100 == 5 ? WITH_REJECT : WITH_TEMPFAIL;
	return a->conf->deny_with;
}

static mr_verdict
refuse(struct mr_ctx *c, const struct entry_reply *own, bool for_good)
{
	const struct access *a = c->self;
	const struct entry_reply *r = own->code != 0 ? own : &a->reply;
	const char *text = own->text[0] != '\0' ? own->text : a->reply.text;
	int32_t code = for_good ? 550 : 451;
	const char *dsn = for_good ? "5.7.1" : "4.7.1";

	if (r->code != 0) {
		code = r->code;
		dsn = r->dsn[0] != '\0' ? r->dsn : dsn;
	}
	c->host->reply(c, code, dsn, text);
	return for_good ? MR_REJECT : MR_TEMPFAIL;
}

/* rcpt: the recipient that is meant, or NULL: the whole message is. */
static mr_verdict
deny(struct mr_ctx *c, const struct finding *f, const char *rcpt)
{
	struct entry_reply r = reply_of(c, f);
	int64_t how = deny_how(c->self, &r);

	leave_symbol(c, f, "ACCESS_DENY", 0);
	if (how == WITH_REJECT || how == WITH_TEMPFAIL)
		return refuse(c, &r, how == WITH_REJECT);
	/* There is nothing to throw away or hold yet: mail comes later. */
	if (c->message == NULL)
		return MR_CONTINUE;
	if (how == WITH_DISCARD) {
		if (rcpt == NULL)
			return MR_DISCARD;
		c->host->delete_recipient(c, rcpt);
		return MR_CONTINUE;
	}
	c->host->quarantine(
	    c, r.text[0] != '\0' ? r.text : judge_list_name(DENY, f->kind));
	/* The other recipients are still to be judged. */
	return rcpt == NULL ? MR_QUARANTINE : MR_CONTINUE;
}

/* Of one recipient that is allowed the message as a whole knows nothing. */
static mr_verdict
allow(struct mr_ctx *c, const struct finding *f, const char *rcpt)
{
	const struct access_conf *conf = ((const struct access *)c->self)->conf;

	leave_symbol(c, f, "ACCESS_ALLOW", 0);
	if (c->message == NULL || rcpt != NULL)
		return MR_CONTINUE;
	if (conf->allow_ends == ENDS_CHAIN)
		return MR_ACCEPT;
	/* A forged field is taken off at eoh, whoever sent it. */
	return writes_field(conf) ? MR_CONTINUE : MR_SKIP;
}

static mr_verdict
judge_stage(struct mr_ctx *c, uint32_t stage, const char *rcpt)
{
	const struct access *a = c->self;
	struct finding f;

	if (!judge_find(&a->judge, c, stage, rcpt, &f))
		return MR_CONTINUE;
	return f.action == ALLOW ? allow(c, &f, rcpt) : deny(c, &f, rcpt);
}

static mr_verdict
access_on_connect(struct mr_ctx *c)
{
	return judge_stage(c, MR_STAGE_CONNECT, NULL);
}

static mr_verdict
access_on_helo(struct mr_ctx *c, const char *name)
{
	(void)name; /* it is in c->client */
	return judge_stage(c, MR_STAGE_HELO, NULL);
}

static mr_verdict
access_on_mail(struct mr_ctx *c, const char *from, const char *const *args)
{
	(void)from; /* it is c->sender */
	(void)args;
	return judge_stage(c, MR_STAGE_MAIL, NULL);
}

static mr_verdict
access_on_rcpt(struct mr_ctx *c, const char *to, const char *const *args)
{
	(void)args;
	return judge_stage(c, MR_STAGE_RCPT, to);
}

static mr_verdict
access_on_data(struct mr_ctx *c)
{
	return judge_stage(c, MR_STAGE_DATA, NULL);
}

/* What came with the mail under the name of our field is not ours. */
static void
remove_forged(struct mr_ctx *c, const char *name)
{
	uint32_t n = 0;

	while (c->host->header(c, name, n + 1) != NULL)
		n++;
	for (; n > 0; n--)
		c->host->delete_header(c, name, n);
}

static mr_verdict
access_on_eoh(struct mr_ctx *c)
{
	const struct access *a = c->self;

	if (writes_field(a->conf))
		remove_forged(c, a->conf->tag_header);
	return judge_stage(c, MR_STAGE_EOH, NULL);
}

static mr_verdict
access_on_eom(struct mr_ctx *c)
{
	const struct access *a = c->self;
	char lists[256] = "";
	struct finding f;
	size_t n = 0;

	if (judge_find(&a->judge, c, MR_STAGE_EOM, NULL, &f) &&
	    f.action == ALLOW)
		return allow(c, &f, NULL);
	for (int k = 0; k < KINDS; k++) {
		double score = a->conf->tag_score;

		if (!judge_tag(&a->judge, c, (enum kind)k, &f))
			continue;
		entry_score_parse(f.value, &score);
		leave_symbol(c, &f, "ACCESS_TAG", score);
		n += (size_t)snprintf(lists + n, sizeof(lists) - n, "%s%s",
		    n > 0 ? ", " : "", judge_list_name(TAG, f.kind));
	}
	if (n > 0 && a->conf->tag_header != NULL)
		c->host->add_header(c, a->conf->tag_header, lists);
	return MR_CONTINUE;
}

MR_PLUGIN(access) = {
	MR_PLUGIN_HEAD,
	.name = "access",
	.version = "0.1.0",
	.summary = "allows, refuses or tags by lists",
	.options = access_options,
	.conf_size = sizeof(struct access_conf),
	.session_size = sizeof(struct access_told),
	.message_size = sizeof(struct access_told),
	.actions = MR_ACTION_ADD_HEADER | MR_ACTION_CHANGE_HEADER |
		   MR_ACTION_DELETE_RECIPIENT | MR_ACTION_QUARANTINE,
	.wants = MR_WANT_HEADERS,
	.plan = access_plan,
	.open = access_open,
	.close = access_close,
	.on_connect = access_on_connect,
	.on_helo = access_on_helo,
	.on_mail = access_on_mail,
	.on_rcpt = access_on_rcpt,
	.on_data = access_on_data,
	.on_eoh = access_on_eoh,
	.on_eom = access_on_eom,
};
