/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One verdict from what all instances found: their points are weighed and
 * added, and thresholds say what happens from which sum on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <millrace/field.h>
#include <millrace/glob.h>
#include <millrace/map.h>
#include <millrace/plugin.h>

#include "field.h"
#include "points.h"
#include "policy.h"

enum differ { DIFFER_STRICTEST, DIFFER_MILDEST, DIFFER_SPLIT };
enum when { WHEN_ALWAYS, WHEN_SPAM, WHEN_NEVER };
enum { REPORT = 4096, DETAIL = 512 };

struct score_conf {
	const struct mr_list *weights, *groups;
	double at[ACTIONS]; /* of the actions */
	const struct mr_map *policies;
	int64_t differ, headers; /* enums above */
	const char *flag_header, *score_header, *level_header;
	const char *report_header;
	const struct mr_list *remove;
	const char *subject_tag, *reply;
};

struct score {
	const struct score_conf *conf;
	const struct mr_map_service *map;
	struct points_rules rules;
};

/* The policy of the first recipient; later ones must have the same. */
struct score_message {
	const char *policy;
};

#define THRESHOLD(action, n, f, t)                                             \
	{                                                                      \
		.name = n, MR_OPTION(struct score_conf, at[action], MR_REAL),  \
		.fallback = f, .max = 1000, .text = t                          \
	}

static const struct mr_option score_options[] = {
	{ .name = "weights",
	    MR_OPTION(struct score_conf, weights, MR_LIST),
	    .text = "Points in place of an instance's own: \"SPF_FAIL 2.5\", "
		    "\"DNSBL_* x0.5\"." },
	{ .name = "groups",
	    MR_OPTION(struct score_conf, groups, MR_LIST),
	    .text = "Findings that add so many points at most: "
		    "\"lists 6 DNSBL_* URIBL_*\"." },
	THRESHOLD(ACTION_HEADER, "header", "5",
	    "From so many points on it is marked as spam; 0: never."),
	THRESHOLD(ACTION_SUBJECT, "subject", "0",
	    "From so many points on subject-tag is put before its subject; "
	    "0: never."),
	THRESHOLD(ACTION_GREYLIST, "greylist", "0",
	    "From so many points on an instance of greylist is told to put "
	    "it off; 0: never."),
	THRESHOLD(ACTION_QUARANTINE, "quarantine", "0",
	    "From so many points on it is held; 0: never."),
	THRESHOLD(ACTION_REJECT, "reject", "15",
	    "From so many points on it is refused; 0: never."),
	THRESHOLD(ACTION_DISCARD, "discard", "0",
	    "From so many points on it is accepted and thrown away; 0: "
	    "never."),
	{ .name = "policies",
	    MR_OPTION(struct score_conf, policies, MR_MAP),
	    .text = "Other thresholds for these recipients: \"example.com "
		    "reject=10 quarantine=never\"." },
	{ .name = "differ",
	    MR_OPTION(struct score_conf, differ, MR_CHOICE),
	    .fallback = "strictest",
	    .choices = "strictest|mildest|split",
	    .text = "Whose policy counts when recipients of one message have "
		    "different ones." },
	{ .name = "headers",
	    MR_OPTION(struct score_conf, headers, MR_CHOICE),
	    .fallback = "always",
	    .choices = "always|spam|never",
	    .text = "Which messages get the fields below." },
	{ .name = "flag-header",
	    MR_OPTION(struct score_conf, flag_header, MR_STRING),
	    .fallback = "X-Spam-Flag",
	    .text = "A field that says YES or NO." },
	{ .name = "score-header",
	    MR_OPTION(struct score_conf, score_header, MR_STRING),
	    .fallback = "X-Spam-Score",
	    .text = "A field with the points." },
	{ .name = "level-header",
	    MR_OPTION(struct score_conf, level_header, MR_STRING),
	    .fallback = "X-Spam-Level",
	    .text = "A field with a star for each point." },
	{ .name = "report-header",
	    MR_OPTION(struct score_conf, report_header, MR_STRING),
	    .text = "A field that names each finding and its points." },
	{ .name = "remove",
	    MR_OPTION(struct score_conf, remove, MR_LIST),
	    .text = "Fields that a message may not bring along, besides the "
		    "ones above: \"X-Spam-*\"." },
	{ .name = "subject-tag",
	    MR_OPTION(struct score_conf, subject_tag, MR_STRING),
	    .fallback = "[SPAM]",
	    .text = "What is put before the subject." },
	{ .name = "reply",
	    MR_OPTION(struct score_conf, reply, MR_STRING),
	    .fallback = "This message looks like spam",
	    .text = "What the client is told when a message is refused." },
	{ 0 },
};

/* --- configuration --- */

static bool
any_at(const struct score_conf *conf, enum action a)
{
	/* Policies may ask for anything. */
	return conf->at[a] > 0 || conf->policies != NULL;
}

static void
score_plan(const void *p, struct mr_plan *plan)
{
	const struct score_conf *conf = p;

	if (conf->differ != DIFFER_SPLIT || conf->policies == NULL)
		plan->stages &= ~(uint32_t)MR_STAGE_RCPT;
	plan->actions = MR_ACTION_ADD_HEADER | MR_ACTION_CHANGE_HEADER;
	if (any_at(conf, ACTION_QUARANTINE))
		plan->actions |= MR_ACTION_QUARANTINE;
}

static void
complain(const struct mr_host *host, const char *option, const char *about,
    const char *why)
{
	char line[400];

	snprintf(line, sizeof(line), "\"%.100s\" %s", about, why);
	host->config_error(host, option, line);
}

static bool
read_weights(struct score *s, const struct mr_host *host)
{
	const struct mr_list *l = s->conf->weights;
	bool ok = true;

	s->rules.weights = calloc(l->count + 1, sizeof(*s->rules.weights));
	for (uint32_t i = 0; s->rules.weights != NULL && i < l->count; i++) {
		const char *why = points_parse_weight(
		    l->items[i], &s->rules.weights[s->rules.nweights]);

		if (why != NULL) {
			complain(host, "weights", l->items[i], why);
			ok = false;
		} else {
			s->rules.nweights++;
		}
	}
	return ok && s->rules.weights != NULL;
}

static bool
read_groups(struct score *s, const struct mr_host *host)
{
	const struct mr_list *l = s->conf->groups;
	bool ok = true;

	if (l->count > POINTS_GROUPS) {
		host->config_error(
		    host, "groups", "there are more than 32 groups");
		return false;
	}
	s->rules.groups = calloc(l->count + 1, sizeof(*s->rules.groups));
	for (uint32_t i = 0; s->rules.groups != NULL && i < l->count; i++) {
		const char *why = points_parse_group(
		    l->items[i], &s->rules.groups[s->rules.ngroups]);

		if (why != NULL) {
			complain(host, "groups", l->items[i], why);
			ok = false;
		} else {
			s->rules.ngroups++;
		}
	}
	return ok && s->rules.groups != NULL;
}

struct check {
	const struct mr_host *host;
	bool ok;
};

static bool
check_policy(void *arg, const char *key, const char *value, const char *where)
{
	struct check *check = arg;
	struct policy p = { { 0 } };
	const char *why = policy_parse(value, &p);
	char line[500];

	if (why == NULL)
		return true;
	snprintf(line, sizeof(line), "%s%sentry \"%.100s\": %s",
	    where != NULL ? where : "", where != NULL ? ": " : "", key, why);
	check->host->config_error(check->host, "policies", line);
	check->ok = false;
	return true;
}

static bool
check_name(const struct mr_host *host, const char *option, const char *name)
{
	if (name == NULL || name[0] == '\0' || field_name_ok(name))
		return true;
	host->config_error(host, option,
	    "not a field name; write it without colon or blanks, as in "
	    "\"X-Spam-Score\"");
	return false;
}

static bool
check_text(const struct mr_host *host, const char *option, const char *text)
{
	size_t n = 0;

	while (text != NULL && text[n] >= ' ' && text[n] <= '~')
		n++;
	if (text != NULL && text[n] == '\0' && n > 0 && n <= 500)
		return true;
	host->config_error(
	    host, option, "must be 1 to 500 printable ASCII characters");
	return false;
}

static bool
check_conf(const struct score *s, const struct mr_host *host)
{
	const struct score_conf *conf = s->conf;
	struct check check = { host, true };
	bool ok = true;

	s->map->each(conf->policies, check_policy, &check);
	ok = check_name(host, "flag-header", conf->flag_header) && ok;
	ok = check_name(host, "score-header", conf->score_header) && ok;
	ok = check_name(host, "level-header", conf->level_header) && ok;
	ok = check_name(host, "report-header", conf->report_header) && ok;
	ok = check_text(host, "subject-tag", conf->subject_tag) && ok;
	ok = check_text(host, "reply", conf->reply) && ok;
	return ok && check.ok;
}

static void
score_close(void *self)
{
	struct score *s = self;

	free(s->rules.weights);
	free(s->rules.groups);
	free(s);
}

static bool
score_open(const struct mr_host *host, const void *conf, void **self)
{
	struct score *s = calloc(1, sizeof(*s));
	bool ok = s != NULL;

	if (!ok)
		return false;
	s->conf = conf;
	s->map = host->service(host, MR_MAP_SERVICE);
	if (s->map == NULL) {
		host->config_error(
		    host, NULL, "this daemon has no service " MR_MAP_SERVICE);
		ok = false;
	}
	/* Say all that is wrong, not only the first. */
	ok = ok && check_conf(s, host);
	ok = read_weights(s, host) && ok;
	ok = read_groups(s, host) && ok;
	if (!ok) {
		score_close(s);
		return false;
	}
	*self = s;
	return true;
}

/* --- recipients --- */

static const char *
policy_text(struct mr_ctx *c, const char *rcpt)
{
	const struct score *s = c->self;
	const char *text = s->map->address(c, s->conf->policies, rcpt);

	return text != NULL ? text : "";
}

/* A file of policies may have gone bad since open(). */
static struct policy
policy_of(struct mr_ctx *c, const char *rcpt)
{
	const struct score *s = c->self;
	const char *text = policy_text(c, rcpt), *why;
	struct policy p;
	char line[400];

	memcpy(p.at, s->conf->at, sizeof(p.at));
	if (text[0] != '\0' && (why = policy_parse(text, &p)) != NULL) {
		snprintf(line, sizeof(line),
		    "policies: the entry for \"%.100s\": %s; the options are "
		    "used",
		    rcpt, why);
		c->host->log(c->host, c, MR_LOG_WARN, line);
	}
	return p;
}

/*
 * One message has one verdict: recipients whose policy is not that of the
 * first come back with a message of their own (RFC 5321, 4.5.3.1.10).
 */
static mr_verdict
score_on_rcpt(struct mr_ctx *c, const char *to, const char *const *args)
{
	struct score_message *m = c->message;
	const char *text = policy_text(c, to);

	(void)args;
	if (m->policy == NULL || c->recipients[0] == NULL) {
		m->policy = text;
		return MR_CONTINUE;
	}
	if (strcmp(m->policy, text) == 0)
		return MR_CONTINUE;
	c->host->reply(
	    c, 452, "4.5.3", "Send to this recipient in a message of its own");
	return MR_TEMPFAIL;
}

/* Whose policy counts, and what it says. */
struct choice {
	const char *rcpt;
	struct policy policy;
	enum action action;
	bool differs; /* another recipient's would have said otherwise */
};

static void
choose(struct mr_ctx *c, double points, struct choice *best)
{
	const struct score *s = c->self;
	bool mildest = s->conf->differ == DIFFER_MILDEST;

	*best = (struct choice){ .rcpt = NULL };
	for (size_t i = 0; c->recipients != NULL && c->recipients[i] != NULL;
	     i++) {
		struct policy p = policy_of(c, c->recipients[i]);
		enum action a = policy_action(&p, points);

		best->differs =
		    best->differs || (best->rcpt != NULL && a != best->action);
		if (best->rcpt != NULL &&
		    (mildest ? a >= best->action : a <= best->action))
			continue;
		best->rcpt = c->recipients[i];
		best->policy = p;
		best->action = a;
	}
	if (best->rcpt == NULL) {
		memcpy(best->policy.at, s->conf->at, sizeof(best->policy.at));
		best->action = policy_action(&best->policy, points);
	}
}

/* --- the sum --- */

/* What an observing instance found does not count. */
static double
sum(struct mr_ctx *c, struct report *report)
{
	const struct score *s = c->self;
	struct points p = { 0 };
	struct mr_symbol found;

	for (uint32_t i = 0; c->host->symbol_at(c, i, &found); i++) {
		double points, added;

		if (found.observed)
			continue;
		points = points_of(&s->rules, found.name, found.score);
		added = points_add(&s->rules, &p, found.name, points);
		if (added < 0 || added > 0 || points > 0)
			field_report_add(report, found.name, added);
	}
	return p.total;
}

/* --- fields --- */

static bool
is_like(const char *pattern, const char *name)
{
	return pattern != NULL &&
	       mr_glob(pattern, strlen(pattern), name, strlen(name));
}

static bool
is_own(const void *arg, const char *name)
{
	const struct score_conf *conf = arg;

	for (uint32_t i = 0; i < conf->remove->count; i++)
		if (is_like(conf->remove->items[i], name))
			return true;
	return is_like(conf->flag_header, name) ||
	       is_like(conf->score_header, name) ||
	       is_like(conf->level_header, name) ||
	       is_like(conf->report_header, name);
}

static void
add_field(struct mr_ctx *c, const char *name, const char *value)
{
	if (name != NULL && name[0] != '\0')
		c->host->add_header(c, name, value);
}

static void
add_fields(struct mr_ctx *c, const struct choice *choice, double points,
    const char *report)
{
	const struct score_conf *conf = ((const struct score *)c->self)->conf;
	bool spam = policy_reaches(&choice->policy, ACTION_HEADER, points);
	char text[64], level[52];

	if (conf->headers == WHEN_NEVER ||
	    (conf->headers == WHEN_SPAM && !spam))
		return;
	add_field(c, conf->flag_header, spam ? "YES" : "NO");
	snprintf(text, sizeof(text), "%.2f", points);
	add_field(c, conf->score_header, text);
	field_level(points, level);
	if (level[0] != '\0')
		add_field(c, conf->level_header, level);
	add_field(c, conf->report_header, report[0] != '\0' ? report : "none");
}

static void
tag_subject(struct mr_ctx *c)
{
	const struct score *s = c->self;
	const char *tag = s->conf->subject_tag;
	const char *subject = c->host->header(c, "Subject", 1);
	size_t n = strlen(tag) + 2;
	char *text;

	if (subject == NULL) {
		c->host->add_header(c, "Subject", tag);
		return;
	}
	if (strncmp(subject, tag, strlen(tag)) == 0)
		return;
	n += strlen(subject);
	text = c->host->alloc(c, n);
	snprintf(text, n, "%s %s", tag, subject);
	c->host->change_header(c, "Subject", 1, text);
}

/* --- the verdict --- */

static void
record(struct mr_ctx *c, const struct choice *choice, double points)
{
	char detail[DETAIL], name[32];
	size_t n = 0;

	snprintf(detail, sizeof(detail), "%.2f", points);
	c->host->note_set(c, "score.value", detail);
	c->host->note_set(c, "score.action", policy_name(choice->action));
	if (choice->action == ACTION_NONE)
		return;
	snprintf(name, sizeof(name), "SCORE_%s", policy_name(choice->action));
	for (n = 6; name[n] != '\0'; n++)
		name[n] = (char)(name[n] - 'a' + 'A');
	snprintf(detail, sizeof(detail), "%.2f of %.2f%s%.300s%s", points,
	    choice->policy.at[choice->action],
	    choice->rcpt != NULL ? " for " : "",
	    choice->rcpt != NULL ? choice->rcpt : "",
	    choice->differs ? ", others have another policy" : "");
	c->host->symbol(c, name, 0, detail);
}

static mr_verdict
decide(struct mr_ctx *c, const struct choice *choice, double points)
{
	const struct score *s = c->self;
	char text[64];

	switch (choice->action) {
	case ACTION_REJECT:
		c->host->reply(c, 550, "5.7.1", s->conf->reply);
		return MR_REJECT;
	case ACTION_DISCARD:
		return MR_DISCARD;
	case ACTION_QUARANTINE:
		snprintf(text, sizeof(text), "%.2f points", points);
		c->host->quarantine(c, text);
		return MR_QUARANTINE;
	default:
		return MR_CONTINUE;
	}
}

/* What others believe of them would be the sender's word. */
static mr_verdict
refuse_forged(struct mr_ctx *c)
{
	c->host->symbol(c, "SCORE_FORGED", 0, NULL);
	c->host->reply(
	    c, 550, "5.6.0", "Too many header fields that only a filter adds");
	return MR_REJECT;
}

static mr_verdict
score_on_eom(struct mr_ctx *c)
{
	char text[REPORT] = "";
	struct report report = { .p = text, .size = sizeof(text) };
	struct choice choice;
	const struct score *s = c->self;
	double points = sum(c, &report);

	choose(c, points, &choice);
	record(c, &choice, points);
	if (!mr_field_delete(c, is_own, s->conf))
		return refuse_forged(c);
	add_fields(c, &choice, points, text);
	if (policy_reaches(&choice.policy, ACTION_SUBJECT, points))
		tag_subject(c);
	return decide(c, &choice, points);
}

MR_PLUGIN(score) = {
	MR_PLUGIN_HEAD,
	.name = "score",
	.version = "0.1.0",
	.summary = "makes one verdict of what all instances found",
	.options = score_options,
	.conf_size = sizeof(struct score_conf),
	.message_size = sizeof(struct score_message),
	.wants = MR_WANT_HEADERS,
	.plan = score_plan,
	.open = score_open,
	.close = score_close,
	.on_rcpt = score_on_rcpt,
	.on_eom = score_on_eom,
};
