/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Put off mail of strangers once: who tries again is a mail server.  Each
 * recipient by itself, and whole pools of servers as one.
 */
#include "greylist.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "entry.h"

struct greylist {
	const struct greylist_conf *conf;
	const struct mr_map_service *map;
	const struct mr_store_service *store;
};

struct greylist_message {
	bool ready;
	char origin[ENTRY_PART_BYTES + 1];
	char domain[ENTRY_PART_BYTES + 1];
};

#define OPTION(m, t) MR_OPTION(struct greylist_conf, m, t)

static const struct mr_option greylist_options[] = {
	{ .name = "delay",
	    OPTION(delay, MR_DURATION),
	    .fallback = "5m",
	    .min = 0,
	    .max = 86400000,
	    .text = "A second try counts after this time." },
	{ .name = "retry-within",
	    OPTION(retry_within, MR_DURATION),
	    .fallback = "2d",
	    .min = 60000,
	    .max = 2592000000,
	    .text = "A first try is remembered for this time." },
	{ .name = "lifetime",
	    OPTION(lifetime, MR_DURATION),
	    .fallback = "36d",
	    .min = 3600000,
	    .max = 31536000000,
	    .text = "Who has passed is remembered for this time." },
	{ .name = "auto-allow",
	    OPTION(auto_allow, MR_INT),
	    .fallback = "5",
	    .min = 0,
	    .max = 1000000,
	    .text = "After so many passes an origin is not asked; 0: never." },
	{ .name = "prefix-v4",
	    OPTION(prefix_v4, MR_INT),
	    .fallback = "24",
	    .min = 1,
	    .max = 32,
	    .text = "IPv4 clients of the same network are one origin." },
	{ .name = "prefix-v6",
	    OPTION(prefix_v6, MR_INT),
	    .fallback = "64",
	    .min = 1,
	    .max = 128,
	    .text = "IPv6 clients of the same network are one origin." },
	{ .name = "at",
	    OPTION(at, MR_CHOICE),
	    .fallback = "rcpt",
	    .choices = "rcpt|eom",
	    .text = "When to ask: for each recipient, or at the end." },
	{ .name = "whom",
	    OPTION(whom, MR_CHOICE),
	    .fallback = "strangers",
	    .choices = "strangers|suspects",
	    .text = "All strangers, or those whose mail score suspects." },
	{ .name = "allow-clients",
	    OPTION(allow_clients, MR_MAP),
	    .text = "Clients that are never put off." },
	{ .name = "known-domains",
	    OPTION(known_domains, MR_MAP),
	    .text = "Domains not put off if SPF or DKIM says it is them." },
	{ .name = "reply",
	    OPTION(reply, MR_STRING),
	    .fallback = "Greylisted, please try again",
	    .text = "What the client is told; the time is put after it." },
	{ .name = "group",
	    OPTION(group, MR_STRING),
	    .fallback = "greylist",
	    .text = "Instances with the same group share what they know." },
	{ 0 },
};

static void
greylist_plan(const void *p, struct mr_plan *plan)
{
	const struct greylist_conf *conf = p;

	plan->stages = conf->at == AT_EOM ? MR_STAGE_EOM : MR_STAGE_RCPT;
	plan->actions = plan->wants = 0;
}

static bool
complain(const struct mr_host *host, const char *option, const char *why)
{
	host->config_error(host, option, why);
	return false;
}

static bool
check(const struct greylist_conf *conf, const struct mr_host *host)
{
	bool ok = true;

	if (conf->retry_within <= conf->delay)
		ok = complain(host, "retry-within",
		    "it must be longer than delay, or nobody ever passes");
	if (conf->whom == WHOM_SUSPECTS && conf->at != AT_EOM)
		ok = complain(host, "whom",
		    "what score thinks of a message is known at its end: set "
		    "at = eom");
	if (conf->reply[0] == '\0' || strlen(conf->reply) > 400)
		ok = complain(
		    host, "reply", "the text must have 1 to 400 characters");
	for (const char *c = conf->reply; *c != '\0'; c++)
		if (*c < ' ' || *c > '~') {
			ok = complain(host, "reply",
			    "the text must be one line of printable ASCII");
			break;
		}
	if (conf->group[0] == '\0' || strlen(conf->group) > 60 ||
	    strspn(conf->group, "abcdefghijklmnopqrstuvwxyz0123456789-_.") !=
		strlen(conf->group))
		ok = complain(host, "group",
		    "a group's name has 1 to 60 small letters, digits and "
		    "-_.");
	return ok;
}

static bool
greylist_open(const struct mr_host *host, const void *conf, void **self)
{
	struct greylist *g;

	if (!check(conf, host) || (g = calloc(1, sizeof(*g))) == NULL)
		return false;
	g->conf = conf;
	g->map = host->service(host, MR_MAP_SERVICE);
	g->store = host->service(host, MR_STORE_SERVICE);
	if (g->map == NULL || g->store == NULL) {
		free(g);
		return complain(host, NULL,
		    "this daemon has no service " MR_STORE_SERVICE
		    ", or no " MR_MAP_SERVICE);
	}
	*self = g;
	return true;
}

static void
greylist_close(void *self)
{
	free(self);
}

/* --- who is asked at all --- */

static bool
note_says(struct mr_ctx *c, const char *note, const char *word)
{
	const char *said = c->host->note(c, note);

	return said != NULL && strcmp(said, word) == 0;
}

static bool
is_pass(struct mr_ctx *c, const char *note)
{
	return note_says(c, note, "pass");
}

static bool
knows(struct mr_ctx *c, const char *domain)
{
	const struct greylist *g = c->self;

	return domain != NULL && domain[0] != '\0' &&
	       g->map->name(c, g->conf->known_domains, domain) != NULL;
}

/* One of its signatures that are good is of a known domain. */
static bool
has_known_signature(struct mr_ctx *c)
{
	const char *text = c->host->note(c, "dkim.count");
	long count = text != NULL ? strtol(text, NULL, 10) : 0;
	char name[40];

	for (long n = 1; n <= count && n <= 64; n++) {
		snprintf(name, sizeof(name), "dkim.%ld.result", n);
		if (!is_pass(c, name))
			continue;
		snprintf(name, sizeof(name), "dkim.%ld.domain", n);
		if (knows(c, c->host->note(c, name)))
			return true;
	}
	return false;
}

static bool
is_trusted(struct mr_ctx *c)
{
	const struct greylist *g = c->self;

	if (c->client->login != NULL || strcmp(c->client->addr, "local") == 0 ||
	    g->map->client(c, g->conf->allow_clients, c->client->addr) != NULL)
		return true;
	if (g->conf->known_domains == NULL)
		return false;
	return (is_pass(c, "spf.result") &&
		   knows(c, c->host->note(c, "spf.domain"))) ||
	       has_known_signature(c);
}

/* Or all are suspected. */
static bool
is_suspect(struct mr_ctx *c)
{
	const struct greylist *g = c->self;

	return g->conf->whom == WHOM_STRANGERS ||
	       note_says(c, "score.action", "greylist");
}

/*
 * Servers that a domain's SPF record names are one origin, however many
 * networks they are in; of others it is the network.
 */
static void
find_origin(struct mr_ctx *c)
{
	const struct greylist *g = c->self;
	struct greylist_message *m = c->message;
	const char *spf = c->host->note(c, "spf.domain");
	const char *at = strrchr(c->sender, '@');

	m->ready = true;
	if (is_pass(c, "spf.result") && spf != NULL && spf[0] != '\0')
		entry_spell(m->origin, spf);
	else
		entry_network(m->origin, c->client->addr,
		    (unsigned)g->conf->prefix_v4, (unsigned)g->conf->prefix_v6);
	entry_spell(m->domain, at != NULL && at[1] != '\0' ? at + 1 : "<>");
}

/* --- what the store knows --- */

enum judgement { PASSES, FRESH, TOO_EARLY, ALLOWED, UNKNOWN };

static struct mr_bytes
group_of(const struct greylist *g)
{
	return (struct mr_bytes){ g->conf->group,
		(uint32_t)strlen(g->conf->group) };
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Has the origin passed so often that it need not be asked? */
static bool
is_allowed(struct mr_ctx *c)
{
	const struct greylist *g = c->self;
	const struct greylist_message *m = c->message;
	char name[ENTRY_NAME_BYTES];
	struct mr_bytes key = { name,
		(uint32_t)entry_pool_name(name, m->origin) };
	struct mr_bytes value;

	return g->conf->auto_allow > 0 &&
	       g->store->get(c, group_of(g), key, &value) == MR_STORE_OK &&
	       strtoll(value.p, NULL, 10) >= g->conf->auto_allow;
}

static enum judgement
pass_first(struct mr_ctx *c, struct mr_bytes key, int64_t now)
{
	const struct greylist *g = c->self;
	const struct greylist_message *m = c->message;
	const struct entry passed = { ENTRY_PASSED, now };
	char value[ENTRY_VALUE_BYTES], pool[ENTRY_NAME_BYTES];
	struct mr_bytes v = { value, (uint32_t)entry_print(value, &passed) };
	struct mr_bytes p = { pool,
		(uint32_t)entry_pool_name(pool, m->origin) };
	int64_t sum;

	g->store->set(c, group_of(g), key, v, g->conf->lifetime);
	if (g->conf->auto_allow > 0)
		g->store->count(c, group_of(g), p, 1, g->conf->lifetime, &sum);
	return PASSES;
}

static enum judgement
keep_first(struct mr_ctx *c, struct mr_bytes key, int64_t now)
{
	const struct greylist *g = c->self;
	const struct entry waits = { ENTRY_WAITS, now };
	char value[ENTRY_VALUE_BYTES];
	struct mr_bytes v = { value, (uint32_t)entry_print(value, &waits) };

	switch (g->store->add(c, group_of(g), key, v, g->conf->retry_within)) {
	case MR_STORE_OK:
		return FRESH;
	case MR_STORE_OVER: /* another session was quicker */
		return TOO_EARLY;
	default:
		return UNKNOWN;
	}
}

/* Who has passed is remembered from the last mail on, to the day. */
static enum judgement
renew(struct mr_ctx *c, struct mr_bytes key, const struct entry *e, int64_t now)
{
	const struct greylist *g = c->self;
	const struct entry passed = { ENTRY_PASSED, now };
	char value[ENTRY_VALUE_BYTES];
	struct mr_bytes v = { value, (uint32_t)entry_print(value, &passed) };

	if (now - e->since_ms > g->conf->lifetime / 36)
		g->store->set(c, group_of(g), key, v, g->conf->lifetime);
	return PASSES;
}

static enum judgement
judge(struct mr_ctx *c, const char *to, int64_t *wait_ms)
{
	const struct greylist *g = c->self;
	const struct greylist_message *m = c->message;
	char spelt[ENTRY_PART_BYTES + 1], name[ENTRY_NAME_BYTES];
	struct mr_bytes key = { name, 0 }, value;
	struct entry e;
	int64_t now = now_ms();

	*wait_ms = g->conf->delay;
	if (is_allowed(c))
		return ALLOWED;
	entry_spell(spelt, to);
	key.n = (uint32_t)entry_name(name, m->origin, m->domain, spelt);
	switch (g->store->get(c, group_of(g), key, &value)) {
	case MR_STORE_OK:
		break;
	case MR_STORE_NONE:
		return keep_first(c, key, now);
	default:
		return UNKNOWN;
	}
	if (!entry_parse(value.p, value.n, &e)) {
		g->store->remove(c, group_of(g), key);
		return keep_first(c, key, now);
	}
	if (e.state == ENTRY_PASSED)
		return renew(c, key, &e, now);
	*wait_ms = g->conf->delay - (now - e.since_ms);
	return *wait_ms <= 0 ? pass_first(c, key, now) : TOO_EARLY;
}

static mr_verdict
put_off(struct mr_ctx *c, int64_t wait_ms)
{
	const struct greylist *g = c->self;
	int64_t seconds = (wait_ms + 999) / 1000;
	char text[500];

	if (seconds > 120)
		snprintf(text, sizeof(text), "%s in %lld minutes",
		    g->conf->reply, (long long)(seconds + 59) / 60);
	else
		snprintf(text, sizeof(text), "%s in %lld seconds",
		    g->conf->reply, (long long)(seconds > 0 ? seconds : 1));
	c->host->reply(c, 450, "4.7.1", text);
	return MR_TEMPFAIL;
}

static mr_verdict
ask(struct mr_ctx *c, const char *to)
{
	static const char *const words[] = { "passed", "new", "waiting",
		"allowed", "unknown" };
	const struct greylist_message *m = c->message;
	int64_t wait_ms;
	enum judgement j = judge(c, to, &wait_ms);
	char detail[400];

	c->host->note_set(c, "greylist.result", words[j]);
	if (j != FRESH && j != TOO_EARLY)
		return MR_CONTINUE;
	snprintf(
	    detail, sizeof(detail), "%s %s %.150s", m->origin, m->domain, to);
	c->host->symbol(c, "GREYLISTED", 0, detail);
	return put_off(c, wait_ms);
}

static mr_verdict
greylist_on_rcpt(struct mr_ctx *c, const char *to, const char *const *args)
{
	const struct greylist_message *m = c->message;

	(void)args;
	if (!m->ready) {
		if (is_trusted(c)) {
			c->host->note_set(c, "greylist.result", "skipped");
			return MR_SKIP;
		}
		find_origin(c);
	}
	return ask(c, to);
}

/* All recipients are noted down, so that one retry is enough for all. */
static mr_verdict
greylist_on_eom(struct mr_ctx *c)
{
	mr_verdict v = MR_CONTINUE, one;

	if (is_trusted(c) || !is_suspect(c)) {
		c->host->note_set(c, "greylist.result", "skipped");
		return MR_CONTINUE;
	}
	find_origin(c);
	for (const char *const *r = c->recipients; r && *r != NULL; r++)
		if ((one = ask(c, *r)) != MR_CONTINUE)
			v = one;
	return v;
}

MR_PLUGIN(greylist) = {
	MR_PLUGIN_HEAD,
	.name = "greylist",
	.version = "0.1.0",
	.summary = "puts off mail of strangers once",
	.options = greylist_options,
	.conf_size = sizeof(struct greylist_conf),
	.message_size = sizeof(struct greylist_message),
	.plan = greylist_plan,
	.open = greylist_open,
	.close = greylist_close,
	.on_rcpt = greylist_on_rcpt,
	.on_eom = greylist_on_eom,
	.command = "greylist",
	.commands = tool_commands,
};
