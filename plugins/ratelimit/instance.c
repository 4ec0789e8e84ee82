/* SPDX-License-Identifier: Apache-2.0 */
#include "instance.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reply.h"

/* What the key is if none is given. */
static const char default_key[] = "mailbox = lower({auth_authen})";

/* Complaints of one parse: all are said, not only the first. */
struct parsing {
	struct ratelimit *r;
	ratelimit_complain *complain;
	void *arg;
	bool ok;
};

static void
complain(
    struct parsing *p, const char *option, const char *item, const char *why)
{
	struct ratelimit_fault f = { .option = option };

	p->ok = false;
	if (item != NULL)
		snprintf(
		    f.text, sizeof(f.text), "\"%.150s\": %.400s", item, why);
	else
		snprintf(f.text, sizeof(f.text), "%.500s", why);
	if (p->complain != NULL)
		p->complain(p->arg, &f);
}

static uint32_t
add_hash(uint32_t h, const char *text)
{
	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return (h ^ 0xff) * 16777619u;
}

/* --- keys --- */

static size_t
name_bytes(const char *item)
{
	size_t n = strspn(item, "abcdefghijklmnopqrstuvwxyz0123456789-_");
	size_t blanks = strspn(item + n, " \t");

	return n > 0 && item[n + blanks] == '=' ? n : 0;
}

static void
note_recipient(void *arg, enum key_fact fact, const char *name)
{
	bool *uses = arg;

	if (fact == KEY_RECIPIENT ||
	    (fact == KEY_MACRO && strncmp(name, "{rcpt_", 6) == 0))
		*uses = true;
}

static void
parse_key(struct parsing *p, const char *item)
{
	struct ratelimit *r = p->r;
	uint32_t i = r->nkeys;
	size_t n = name_bytes(item);
	const char *text = item, *why;

	if (i == RULES_KEYS) {
		complain(p, "key", item, "there are more than 8 keys");
		return;
	}
	if (n > RULES_NAME_BYTES || (n > 0 && (item[0] < 'a' || item[0] > 'z')))
		why = "a key's name begins with a letter and has at most 32";
	else
		why = NULL;
	if (n > 0 && why == NULL) {
		snprintf(
		    r->names[i], sizeof(r->names[i]), "%.*s", (int)n, item);
		text = strchr(item, '=') + 1;
	} else {
		snprintf(r->names[i], sizeof(r->names[i]), "%s", "mailbox");
	}
	for (uint32_t k = 0; k < i && why == NULL; k++)
		if (strcmp(r->names[k], r->names[i]) == 0)
			why = "there is a key of that name already; write "
			      "\"name = expression\"";
	if (why == NULL)
		why = key_parse(&r->keys[i], text);
	if (why == NULL && key_uses(&r->keys[i], KEY_MAP) && !r->conf->map)
		why = "map() needs the option map";
	if (why == NULL && key_uses(&r->keys[i], KEY_TENANTS) &&
	    !r->conf->tenants)
		why = "tenant() needs the option tenants";
	if (why == NULL && key_uses(&r->keys[i], KEY_PLANS) && !r->conf->plans)
		why = "plan() needs the option plans";
	if (why != NULL) {
		complain(p, "key", item, why);
		return;
	}
	key_facts(&r->keys[i], note_recipient, &r->by_recipient[i]);
	r->some_by_recipient |= r->by_recipient[i];
	r->nkeys++;
}

/* --- limits --- */

static const char *
add_default(struct ratelimit *r, const struct limit *l)
{
	struct rule rule = { .limit = *l, .source = "config" };
	struct rules_key names[RULES_KEYS];

	for (uint32_t i = 0; i < r->nkeys; i++)
		memcpy(names[i].name, r->names[i], sizeof(names[i].name));
	if (l->key_bytes > 0)
		rule.key =
		    rules_key_named(names, r->nkeys, l->key, l->key_bytes);
	if (rule.key >= r->nkeys)
		return "there is no key of that name; see the option key";
	if (l->what == LIMIT_BLOCKED)
		return "a limit for all cannot be blocked; write \"0 messages "
		       "/ 1h\"";
	if (l->period_ms == 0)
		return "say what is unlimited, as in \"unlimited bytes / 1d\"";
	if (l->what == LIMIT_UNLIMITED)
		rule.limit.what = LIMIT_WINDOW;
	for (uint32_t i = 0; i < r->ndefaults; i++)
		if (r->defaults[i].key == rule.key &&
		    rules_same_slot(&r->defaults[i].limit, &rule.limit))
			return "there is a limit of that unit and period "
			       "already";
	if (r->ndefaults == RULES_MOST)
		return "there are more than 24 limits";
	rule.by = rule.key;
	r->measures |= l->unit == LIMIT_BYTES;
	r->defaults[r->ndefaults++] = rule;
	return NULL;
}

static void
parse_limits(struct parsing *p, const char *item)
{
	const char *at = item, *why = limit_fault(item);
	struct limit l;

	while (why == NULL && (why = limit_next(&at, &l)) == NULL &&
	       l.what != LIMIT_END)
		why = add_default(p->r, &l);
	if (why != NULL)
		complain(p, "limits", item, why);
}

static const char *
count_rejected_fault(const char *item)
{
	const char *equals = strchr(item, '=');

	if (strcmp(item, "reject") == 0 || strcmp(item, "tempfail") == 0 ||
	    (equals != NULL && equals > item && equals[1] != '\0'))
		return NULL;
	return "write reject, tempfail or a note and its value, as in "
	       "\"score.action=reject\"";
}

static void
parse_rest(struct parsing *p)
{
	const struct ratelimit_conf *conf = p->r->conf;
	const char *why;

	for (uint32_t i = 0; i < conf->count_rejected->count; i++) {
		why = count_rejected_fault(conf->count_rejected->items[i]);
		if (why != NULL)
			complain(p, "count-rejected",
			    conf->count_rejected->items[i], why);
	}
	if ((why = reply_fault(conf->reply)) != NULL)
		complain(p, "reply", NULL, why);
	if ((why = reply_fault(conf->blocked_reply)) != NULL)
		complain(p, "blocked-reply", NULL, why);
	if (conf->group[0] == '\0' || strlen(conf->group) > 60 ||
	    strspn(conf->group, "abcdefghijklmnopqrstuvwxyz0123456789-_.") !=
		strlen(conf->group))
		complain(p, "group", NULL,
		    "a group's name has 1 to 60 small letters, digits and "
		    "-_.");
}

bool
instance_parse(struct ratelimit *r, const struct ratelimit_conf *conf,
    ratelimit_complain *told, void *arg)
{
	struct parsing p = { r, told, arg, true };

	memset(r, 0, sizeof(*r));
	r->conf = conf;
	r->identity = add_hash(2166136261u, conf->group);
	if (conf->key->count == 0)
		parse_key(&p, default_key);
	for (uint32_t i = 0; i < conf->key->count; i++) {
		r->identity = add_hash(r->identity, conf->key->items[i]);
		parse_key(&p, conf->key->items[i]);
	}
	for (uint32_t i = 0; i < conf->limits->count; i++) {
		r->identity = add_hash(r->identity, conf->limits->items[i]);
		parse_limits(&p, conf->limits->items[i]);
	}
	parse_rest(&p);
	return p.ok;
}

/* --- overrides --- */

static bool
check_override(void *arg, const char *key, const char *value, const char *where)
{
	struct parsing *p = arg;
	const char *why = limit_fault(value);
	char line[300];

	if (why == NULL && strchr(key, ':') == NULL)
		why = "the key must be like mailbox:alice@example.com";
	if (why != NULL) {
		snprintf(line, sizeof(line), "%.150s%s%.100s",
		    where != NULL ? where : "", where != NULL ? ": " : "", key);
		complain(p, "overrides", line, why);
	}
	return true;
}

static void
log_sql(void *arg, bool bad, const char *line)
{
	const struct ratelimit *r = arg;

	r->host->log(r->host, NULL, bad ? MR_LOG_WARN : MR_LOG_INFO, line);
}

static void
open_sql(struct parsing *p, bool threads)
{
	struct ratelimit *r = p->r;
	const struct sql_settings settings = {
		.path = r->conf->overrides_sql,
		.query = r->conf->overrides_query,
		.refresh_ms = r->conf->overrides_refresh,
		.log = log_sql,
		.log_arg = r,
	};
	char *why;

	if (settings.path == NULL)
		return;
	r->sql = sql_create(&settings, &why);
	if (r->sql == NULL)
		complain(p, "overrides-sql", NULL,
		    why != NULL ? why : "there is no memory");
	else if (threads && !sql_start(r->sql))
		complain(p, "overrides-sql", NULL, "no thread can be started");
	free(why);
}

static void
config_error(void *arg, const struct ratelimit_fault *f)
{
	const struct mr_host *host = arg;

	host->config_error(host, f->option, f->text);
}

static bool
has_services(struct ratelimit *r)
{
	r->map = r->host->service(r->host, MR_MAP_SERVICE);
	r->store = r->host->service(r->host, MR_STORE_SERVICE);
	if (r->map != NULL && r->store != NULL)
		return true;
	r->host->config_error(r->host, NULL,
	    r->map == NULL ? "this daemon has no service " MR_MAP_SERVICE
			   : "this daemon has no service " MR_STORE_SERVICE);
	return false;
}

bool
instance_init(struct ratelimit *r, const struct mr_host *host,
    const struct ratelimit_conf *conf, bool threads)
{
	struct parsing p = { r, config_error, (void *)(uintptr_t)host, true };

	p.ok = instance_parse(r, conf, config_error, (void *)(uintptr_t)host);
	r->host = host;
	if (!has_services(r))
		return false;
	r->map->each(conf->overrides, check_override, &p);
	open_sql(&p, threads && p.ok);
	r->stored = stored_create(r->store, conf->group);
	if (p.ok && r->stored != NULL)
		return true;
	instance_finish(r);
	return false;
}

void
instance_finish(struct ratelimit *r)
{
	sql_destroy(&r->sql);
	stored_destroy(&r->stored);
}

struct memory {
	struct mr_ctx *ctx;
};

static void *
take(void *arg, size_t n)
{
	const struct memory *m = arg;

	return m->ctx->host->alloc(m->ctx, n);
}

/* A block of the command's ends up as an override like any other. */
static const char *
stored_block(struct ratelimit *r, struct mr_ctx *c, const char *key)
{
	const char *text = stored_find(r->stored, c, STORED_BLOCK, key);
	size_t n;
	char *out;

	if (text == NULL)
		return NULL;
	n = strlen(text) + 10;
	out = c->host->alloc(c, n);
	snprintf(out, n, "blocked %s", text);
	return out;
}

uint32_t
instance_overrides(struct ratelimit *r, struct mr_ctx *c,
    const struct rules_key *keys, struct rules_override *out)
{
	struct memory memory = { c };
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->nkeys; i++) {
		char key[RULES_NAME_BYTES + KEY_VALUE_BYTES + 2];
		const char *text;

		if (keys[i].value == NULL)
			continue;
		snprintf(
		    key, sizeof(key), "%s:%s", keys[i].name, keys[i].value);
		if ((text = stored_block(r, c, key)) != NULL)
			out[n++] = (struct rules_override){ i, "store", text };
		text = stored_find(r->stored, c, STORED_LIMITS, key);
		if (text != NULL)
			out[n++] = (struct rules_override){ i, "store", text };
		text = r->map->text(c, r->conf->overrides, key);
		if (text != NULL)
			out[n++] = (struct rules_override){ i, "file", text };
		if (r->sql == NULL)
			continue;
		text = sql_find(r->sql, key, take, &memory);
		if (text != NULL)
			out[n++] = (struct rules_override){ i, "sql", text };
	}
	return n;
}

const char *
instance_look_up(const struct ratelimit *r, struct mr_ctx *c,
    const struct mr_map *map, const char *text)
{
	unsigned char bytes[16];
	const char *found;

	if (map == NULL)
		return NULL;
	if (strchr(text, '@') != NULL)
		return r->map->address(c, map, text);
	if (inet_pton(AF_INET, text, bytes) == 1 ||
	    inet_pton(AF_INET6, text, bytes) == 1)
		return r->map->client(c, map, text);
	found = r->map->text(c, map, text);
	return found != NULL ? found : r->map->name(c, map, text);
}
