/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Find logins that are in foreign hands by what they do, tell the operator,
 * slow them down, stop them.
 */
#include "account.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "state.h"

struct account_message {
	struct state state;
	bool known; /* state was read */
	uint32_t unknown;
	bool foreign;
	int64_t values[SIGNAL_KINDS];
};

#define OPTION(m, t) MR_OPTION(struct account_conf, m, t)

static const struct mr_option account_options[] = {
	{ .name = "signals",
	    OPTION(signals, MR_LIST),
	    .text = "What is watched: \"networks 10 / 1h weight 3\"." },
	{ .name = "owners",
	    OPTION(owners, MR_MAP),
	    .text = "Addresses, and the logins that may write as them." },
	{ .name = "spam-notes",
	    OPTION(spam_notes, MR_LIST),
	    .text = "Notes that make a message spam: name=value." },
	{ .name = "country-database",
	    OPTION(country_database, MR_STRING),
	    .text = "A MaxMind database of countries." },
	{ .name = "asn-database",
	    OPTION(asn_database, MR_STRING),
	    .text = "A MaxMind database of network operators." },
	{ .name = "ignore-clients",
	    OPTION(ignore_clients, MR_MAP),
	    .text = "Clients whose networks do not count: webmail." },
	{ .name = "ignore-asns",
	    OPTION(ignore_asns, MR_LIST),
	    .text = "Operators whose networks do not count." },
	{ .name = "exempt",
	    OPTION(exempt, MR_MAP),
	    .text = "Logins that are not watched." },
	{ .name = "alert-at",
	    OPTION(alert_at, MR_INT),
	    .fallback = "3",
	    .min = 0,
	    .max = 1000000,
	    .text = "Alert when the weights sum up to this; 0: never." },
	{ .name = "squeeze-at",
	    OPTION(squeeze_at, MR_INT),
	    .fallback = "5",
	    .min = 0,
	    .max = 1000000,
	    .text = "Divide the limits from this sum on; 0: never." },
	{ .name = "block-at",
	    OPTION(block_at, MR_INT),
	    .fallback = "8",
	    .min = 0,
	    .max = 1000000,
	    .text = "Refuse mail from this sum on; 0: never." },
	{ .name = "squeeze-by",
	    OPTION(squeeze_by, MR_INT),
	    .fallback = "10",
	    .min = 2,
	    .max = 1000000,
	    .text = "What limits are divided by." },
	{ .name = "squeeze-for",
	    OPTION(squeeze_for, MR_DURATION),
	    .fallback = "1d",
	    .min = 60000,
	    .max = 31536000000,
	    .text = "How long the limits stay divided." },
	{ .name = "block-for",
	    OPTION(block_for, MR_DURATION),
	    .fallback = "0",
	    .min = 0,
	    .max = 31536000000,
	    .text = "How long a block lasts; 0: until it is undone." },
	{ .name = "blocked-reply",
	    OPTION(blocked_reply, MR_STRING),
	    .fallback = "Sending is blocked, change your password and ask for "
			"help",
	    .text = "What a blocked login is told." },
	{ .name = "alert-command",
	    OPTION(alert_command, MR_LIST),
	    .text = "A program and its arguments; it reads JSON." },
	{ .name = "alert-window",
	    OPTION(alert_window, MR_DURATION),
	    .fallback = "1d",
	    .min = 60000,
	    .max = 31536000000,
	    .text = "One alert of a kind for each login in this time." },
	{ .name = "keep-queue-ids",
	    OPTION(keep_queue_ids, MR_BOOL),
	    .fallback = "false",
	    .text = "Remember queue ids for a day, for account hold." },
	{ .name = "hold-command",
	    OPTION(hold_command, MR_STRING),
	    .fallback = "/usr/sbin/postsuper",
	    .text = "What account hold runs." },
	{ .name = "group",
	    OPTION(group, MR_STRING),
	    .fallback = "account",
	    .text = "Instances with the same group share what they know." },
	{ 0 },
};

static void
account_plan(const void *p, struct mr_plan *plan)
{
	const struct account_conf *conf = p;
	struct signal signals[SIGNAL_KINDS];

	plan->stages = MR_STAGE_MAIL;
	plan->wants = plan->actions = 0;
	plan->macros(plan, MR_STAGE_MAIL, "{auth_authen}");
	if (!account_signals(conf, NULL, signals))
		return;
	if (signals[SIGNAL_UNKNOWN].watched) {
		plan->stages |= MR_STAGE_RCPT;
		plan->wants |= MR_WANT_REJECTED_RCPT;
	}
	if (signals[SIGNAL_FOREIGN].watched) {
		plan->stages |= MR_STAGE_EOH;
		plan->wants |= MR_WANT_HEADERS;
	}
}

static bool
account_open(const struct mr_host *host, const void *conf, void **self)
{
	struct account *a = calloc(1, sizeof(*a));

	if (a == NULL || !account_init(a, host, conf, true)) {
		free(a);
		return false;
	}
	*self = a;
	return true;
}

static void
account_close(void *self)
{
	struct account *a = self;

	account_finish(a);
	free(a);
}

/* --- what is told --- */

static void
put_text(FILE *f, const char *text)
{
	fputc('"', f);
	for (; text != NULL && *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c >= 0x7f) {
			fprintf(f, "\\u%04x", c);
			continue;
		}
		if (c == '"' || c == '\\')
			fputc('\\', f);
		fputc(c, f);
	}
	fputc('"', f);
}

static void
put_signals(
    FILE *f, const struct account *a, const int64_t *values, int64_t baseline)
{
	bool first = true;

	for (int k = 0; k < SIGNAL_KINDS; k++) {
		const struct signal *s = &a->signals[k];

		if (!s->watched)
			continue;
		fprintf(f,
		    "%s{\"name\":\"%s\",\"value\":%lld,\"threshold\":%lld,"
		    "\"weight\":%lld,\"raised\":%s}",
		    first ? "" : ",", signal_name((enum signal_kind)k),
		    (long long)values[k], (long long)s->threshold,
		    (long long)s->weight,
		    signal_raised((enum signal_kind)k, s, values[k], baseline)
			? "true"
			: "false");
		first = false;
	}
}

static void
send_alert(struct mr_ctx *c, enum step step, int64_t sum, int64_t baseline)
{
	const struct account *a = c->self;
	const struct account_message *m = c->message;
	char *text = NULL;
	size_t size = 0;
	FILE *f;

	if (a->alert == NULL || c->dry_run ||
	    (f = open_memstream(&text, &size)) == NULL)
		return;
	fprintf(f, "{\"event\":\"%s\",\"login\":", state_step_name(step));
	put_text(f, c->client->login);
	fprintf(f, ",\"sum\":%lld,\"baseline\":%lld,\"time\":%lld,\"client\":",
	    (long long)sum, (long long)baseline, (long long)time(NULL));
	put_text(f, c->client->addr);
	fputs(",\"message\":", f);
	put_text(f, c->message_id);
	fputs(",\"queue_id\":", f);
	put_text(f, c->queue_id);
	fputs(",\"listener\":", f);
	put_text(f, c->listener);
	fputs(",\"signals\":[", f);
	put_signals(f, a, m->values, baseline);
	fputs("]}\n", f);
	if (fclose(f) == 0)
		alert_send(a->alert, text);
	free(text);
}

static void
log_step(struct mr_ctx *c, enum step step, int64_t sum)
{
	const struct account_message *m = c->message;
	char line[300];

	snprintf(line, sizeof(line), "login %s: %s, the weights are %lld",
	    m->state.login, state_step_name(step), (long long)sum);
	c->host->log(c->host, c, MR_LOG_WARN, line);
}

static enum step
step_for(const struct account_conf *conf, int64_t sum)
{
	if (conf->block_at > 0 && sum >= conf->block_at)
		return STEP_BLOCK;
	if (conf->squeeze_at > 0 && sum >= conf->squeeze_at)
		return STEP_SQUEEZE;
	return conf->alert_at > 0 && sum >= conf->alert_at ? STEP_ALERT
							   : STEP_NONE;
}

/* Count what happened, and go up a step if it is too much. */
static void
weigh(struct mr_ctx *c, const int64_t costs[SIGNAL_KINDS])
{
	const struct account *a = c->self;
	struct account_message *m = c->message;
	bool sent = costs[SIGNAL_RISE] > 0;
	int64_t baseline, sum, ttl;
	enum step step;

	if (state_count(a, c, &m->state, costs, m->values) != MR_STORE_OK)
		return;
	baseline =
	    state_baseline(a, c, &m->state, m->values[SIGNAL_RISE], sent);
	sum = signal_sum(a->signals, m->values, baseline);
	step = step_for(a->conf, sum);
	if (step <= m->state.step)
		return;
	if (step > STEP_ALERT) {
		ttl = step == STEP_BLOCK ? a->conf->block_for
					 : a->conf->squeeze_for;
		m->state.step = step;
		m->state.since_ms = (int64_t)time(NULL) * 1000;
		state_write(a, c, &m->state, ttl);
	}
	if (state_first_alert(a, c, &m->state, step)) {
		log_step(c, step, sum);
		send_alert(c, step, sum, baseline);
	}
}

/* --- the stages --- */

static void
network_of(char out[INET6_ADDRSTRLEN], const char *addr)
{
	unsigned char bytes[16] = { 0 };
	int family = strchr(addr, ':') != NULL ? AF_INET6 : AF_INET;

	if (inet_pton(family, addr, bytes) != 1) {
		snprintf(out, INET6_ADDRSTRLEN, "%.40s", addr);
		return;
	}
	if (family == AF_INET)
		bytes[3] = 0;
	else
		memset(bytes + 8, 0, 8);
	inet_ntop(family, bytes, out, INET6_ADDRSTRLEN);
}

static bool
is_ignored_asn(const struct account_conf *conf, const char *asn)
{
	for (uint32_t i = 0; i < conf->ignore_asns->count; i++)
		if (strcasecmp(conf->ignore_asns->items[i], asn) == 0)
			return true;
	return false;
}

/* Where the client is; true if it is somewhere new for this login. */
static bool
see_client(struct mr_ctx *c)
{
	const struct account *a = c->self;
	struct account_message *m = c->message;
	const char *addr = c->client->addr;
	char where[INET6_ADDRSTRLEN], asn[GEO_BYTES], country[GEO_BYTES];
	bool fresh = false, has_asn = geo_asn(a->asns, addr, asn);

	if (a->map->client(c, a->conf->ignore_clients, addr) != NULL ||
	    (has_asn && is_ignored_asn(a->conf, asn)))
		return false;
	network_of(where, addr);
	if (a->signals[SIGNAL_NETWORKS].watched)
		fresh |= state_seen(a, c, &m->state, SIGNAL_NETWORKS, where,
		    &m->values[SIGNAL_NETWORKS]);
	if (has_asn && a->signals[SIGNAL_ASNS].watched)
		fresh |= state_seen(
		    a, c, &m->state, SIGNAL_ASNS, asn, &m->values[SIGNAL_ASNS]);
	if (a->signals[SIGNAL_COUNTRIES].watched &&
	    geo_country(a->countries, addr, country))
		fresh |= state_seen(a, c, &m->state, SIGNAL_COUNTRIES, country,
		    &m->values[SIGNAL_COUNTRIES]);
	return fresh;
}

static bool
is_exempt(struct mr_ctx *c)
{
	const struct account *a = c->self;
	const char *login = c->client->login;

	if (login == NULL || login[0] == '\0')
		return true;
	return strchr(login, '@') != NULL
		   ? a->map->address(c, a->conf->exempt, login) != NULL
		   : a->map->text(c, a->conf->exempt, login) != NULL;
}

static mr_verdict
refuse(struct mr_ctx *c)
{
	const struct account *a = c->self;
	const struct account_message *m = c->message;

	c->host->note_set(c, "account.step", "block");
	c->host->symbol(c, "ACCOUNT_BLOCKED", 0, m->state.login);
	c->host->reply(c, 550, "5.7.1",
	    m->state.text[0] != '\0' ? m->state.text : a->conf->blocked_reply);
	return MR_REJECT;
}

static mr_verdict
account_on_mail(struct mr_ctx *c, const char *from, const char *const *args)
{
	static const int64_t nothing[SIGNAL_KINDS] = { 0 };
	const struct account *a = c->self;
	struct account_message *m = c->message;
	char number[32];

	(void)from;
	(void)args;
	if (is_exempt(c))
		return MR_SKIP;
	state_spell(m->state.login, c->client->login);
	if (state_read(a, c, &m->state) == MR_STORE_DOWN)
		return MR_SKIP;
	m->known = true;
	if (m->state.step == STEP_BLOCK)
		return refuse(c);
	if (see_client(c))
		weigh(c, nothing);
	if (m->state.step == STEP_BLOCK)
		return refuse(c);
	c->host->note_set(c, "account.step", state_step_name(m->state.step));
	if (m->state.step == STEP_SQUEEZE) {
		snprintf(number, sizeof(number), "%lld",
		    (long long)a->conf->squeeze_by);
		c->host->note_set(c, "account.squeeze", number);
		c->host->symbol(c, "ACCOUNT_SQUEEZED", 0, m->state.login);
	}
	return MR_CONTINUE;
}

/* RFC 3463: 5.1.x says that there is no such address. */
static mr_verdict
account_on_rcpt(struct mr_ctx *c, const char *to, const char *const *args)
{
	struct account_message *m = c->message;
	const char *mailer = c->host->macro(c, "{rcpt_mailer}");
	const char *dsn = c->host->macro(c, "{rcpt_host}");

	(void)to;
	(void)args;
	if (mailer != NULL && strcmp(mailer, "error") == 0 && dsn != NULL &&
	    strncmp(dsn, "5.1.", 4) == 0)
		m->unknown++;
	return MR_CONTINUE;
}

/* Is the login one of the words? */
static bool
names_login(const char *words, const char *login)
{
	size_t n = strlen(login);

	if (strcmp(words, "*") == 0)
		return true;
	for (words += strspn(words, " \t,"); *words != '\0';
	     words += strspn(words, " \t,")) {
		size_t len = strcspn(words, " \t,");

		if (len == n && strncasecmp(words, login, n) == 0)
			return true;
		words += len;
	}
	return false;
}

static bool
owns(struct mr_ctx *c, const char *address)
{
	const struct account *a = c->self;
	const char *login = c->client->login, *words;

	if (strcasecmp(address, login) == 0)
		return true;
	words = a->map->address(c, a->conf->owners, address);
	return words != NULL && names_login(words, login);
}

static mr_verdict
account_on_eoh(struct mr_ctx *c)
{
	const struct account *a = c->self;
	struct account_message *m = c->message;
	const char *from = c->host->header(c, "From", 1);
	const struct mr_mailboxes *found;

	/* A login that is no address owns none that we could know of. */
	if (from == NULL || a->address == NULL ||
	    (a->conf->owners == NULL && strchr(c->client->login, '@') == NULL))
		return MR_CONTINUE;
	found = a->address->mailboxes(c, from);
	for (uint32_t i = 0; i < found->count; i++)
		if (!owns(c, found->items[i].address))
			m->foreign = true;
	if (m->foreign)
		c->host->symbol(c, "ACCOUNT_FOREIGN_FROM", 0, NULL);
	return MR_CONTINUE;
}

static bool
is_spam(struct mr_ctx *c)
{
	const struct mr_list *list =
	    ((const struct account *)c->self)->conf->spam_notes;

	for (uint32_t i = 0; i < list->count; i++) {
		const char *item = list->items[i];
		const char *equals = strchr(item, '='), *value;
		char name[100];

		snprintf(
		    name, sizeof(name), "%.*s", (int)(equals - item), item);
		value = c->host->note(c, name);
		if (value != NULL && strcmp(value, equals + 1) == 0)
			return true;
	}
	return false;
}

static bool
is_over(struct mr_ctx *c)
{
	const char *result = c->host->note(c, "ratelimit.result");

	return result != NULL && strcmp(result, "over") == 0;
}

static void
account_message_end(struct mr_ctx *c, mr_outcome outcome)
{
	const struct account *a = c->self;
	struct account_message *m = c->message;
	bool accepted = outcome == MR_OUTCOME_ACCEPTED ||
			outcome == MR_OUTCOME_DISCARDED ||
			outcome == MR_OUTCOME_QUARANTINED;
	int64_t costs[SIGNAL_KINDS] = {
		[SIGNAL_UNKNOWN] = m->unknown,
		[SIGNAL_FOREIGN] = m->foreign,
		[SIGNAL_RISE] = accepted,
	};
	bool something = m->unknown > 0 || m->foreign || accepted;

	/* Blocked: what it tries is refused, and no new sign. */
	if (!m->known || outcome == MR_OUTCOME_MOVED ||
	    m->state.step == STEP_BLOCK)
		return;
	costs[SIGNAL_OVER] = is_over(c);
	costs[SIGNAL_SPAM] = is_spam(c);
	if (accepted && a->conf->keep_queue_ids)
		state_keep_queue_id(a, c, &m->state, c->queue_id);
	if (something || costs[SIGNAL_OVER] > 0 || costs[SIGNAL_SPAM] > 0)
		weigh(c, costs);
}

MR_PLUGIN(account) = {
	MR_PLUGIN_HEAD,
	.name = "account",
	.version = "0.1.0",
	.summary = "finds stolen accounts, slows them down, blocks them",
	.options = account_options,
	.conf_size = sizeof(struct account_conf),
	.message_size = sizeof(struct account_message),
	.wants = MR_WANT_HEADERS | MR_WANT_REJECTED_RCPT,
	.plan = account_plan,
	.open = account_open,
	.close = account_close,
	.on_mail = account_on_mail,
	.on_rcpt = account_on_rcpt,
	.on_eoh = account_on_eoh,
	.message_end = account_message_end,
	.command = "account",
	.commands = tool_commands,
};
