/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says how much a message resembles what was learned as spam and as ham.
 * Reads models; what writes them is the command (command.c).
 */
#include "learn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "explain.h"
#include "snapshot.h"

enum { DETAIL = 400 };

struct learn {
	const struct learn_conf *conf;
	struct message_tools tools;
	struct snapshots *snapshots;
};

#define O(member, type) MR_OPTION(struct learn_conf, member, type)

static const struct mr_option learn_options[] = {
	{ .name = "model",
	    O(model, MR_STRING),
	    .fallback = "/var/lib/millrace/learn/all.model",
	    .text = "The file that holds what was learned." },
	{ .name = "per-domain",
	    O(per_domain, MR_BOOL),
	    .fallback = "false",
	    .text = "Look first for DOMAIN.model in the same folder, for the "
		    "domain of the recipients." },
	{ .name = "learn-first",
	    O(learn_first, MR_INT),
	    .fallback = "200",
	    .max = 1000000,
	    .text = "Say nothing until so many ham and so many spam are "
		    "learned; full weight comes with twice as many." },
	{ .name = "scale",
	    O(scale, MR_REAL),
	    .fallback = "20",
	    .max = 1000,
	    .text = "Points for each unit of log-odds, near even odds; the "
		    "surer, the less a unit adds." },
	{ .name = "spam-points",
	    O(spam_points, MR_REAL),
	    .fallback = "8",
	    .max = 1000,
	    .text = "The most points that spam gets from this instance." },
	{ .name = "ham-points",
	    O(ham_points, MR_REAL),
	    .fallback = "4",
	    .max = 1000,
	    .text = "The most points that are taken off ham." },
	{ .name = "max-size",
	    O(max_size, MR_SIZE),
	    .fallback = "20M",
	    .max = INT64_C(1) << 40,
	    .text = "Larger bodies are not looked at." },
	{ .name = "explain",
	    O(explain, MR_BOOL),
	    .fallback = "true",
	    .text = "Record which header fields, words and hosts weighed "
		    "most." },
	{ .name = "own-hosts",
	    O(own_hosts, MR_LIST),
	    .text = "Names of our own mail servers: their Received fields "
		    "are left out, since mail that is learned bears them and "
		    "mail that comes in does not." },
	{ 0 },
};

static bool
is_file_name(const char *domain)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";

	return domain[0] != '\0' && domain[0] != '.' && strlen(domain) < 200 &&
	       domain[strspn(domain, good)] == '\0';
}

char *
learn_path(const struct learn_conf *conf, const char *domain)
{
	const char *slash = strrchr(conf->model, '/');
	char *path = NULL;

	if (domain == NULL)
		return strdup(conf->model);
	if (!is_file_name(domain) ||
	    asprintf(&path, "%.*s/%s.model", (int)(slash - conf->model),
		conf->model, domain) == -1)
		return NULL;
	return path;
}

/*
 * At first scale points for each unit, then ever less: the cap is never
 * reached, so that of two messages the likelier spam always has more.
 */
static double
points_of(const struct learn_conf *conf, double log_odds)
{
	double cap = log_odds > 0 ? conf->spam_points : conf->ham_points;
	double points = conf->scale * log_odds;

	return cap > 0 ? points * cap / (cap + fabs(points)) : 0;
}

static bool
learn_open(const struct mr_host *host, const void *conf, void **self)
{
	const struct learn_conf *c = conf;
	struct learn *l;

	if (c->model == NULL || c->model[0] != '/') {
		host->config_error(
		    host, "model", "name a file by its whole path");
		return false;
	}
	if ((l = calloc(1, sizeof(*l))) == NULL ||
	    (l->snapshots = snapshots_create()) == NULL) {
		free(l);
		return false;
	}
	l->conf = c;
	l->tools = (struct message_tools){
		.content = host->service(host, MR_CONTENT_SERVICE),
		.address = host->service(host, MR_ADDRESS_SERVICE),
		.own_hosts = c->own_hosts,
	};
	if (l->tools.content == NULL || l->tools.address == NULL) {
		host->config_error(host, NULL,
		    "this daemon has no service content/1 or address/1");
		snapshots_destroy(&l->snapshots);
		free(l);
		return false;
	}
	*self = l;
	return true;
}

static void
learn_close(void *self)
{
	struct learn *l = self;

	snapshots_destroy(&l->snapshots);
	free(l);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
complain(struct mr_ctx *c, const char *path, const char *why)
{
	char line[600];

	snprintf(line, sizeof(line), "%s: %s", path, why);
	c->host->log(c->host, c, MR_LOG_WARN, line);
}

static const struct snapshot *
take(struct mr_ctx *c, const struct learn *l, const char *domain)
{
	char *path = learn_path(l->conf, domain);
	const struct snapshot *s = NULL;
	const char *why = NULL;

	if (path != NULL)
		s = snapshot_take(l->snapshots, path, now_ms(), &why);
	if (why != NULL)
		complain(c, path, why);
	free(path);
	return s;
}

/* The domain that all recipients share, or NULL. */
static const char *
domain_of(struct mr_ctx *c, const struct learn *l)
{
	const char *first = NULL;

	for (const char *const *r = c->recipients; *r != NULL; r++) {
		const char *at = strrchr(*r, '@'), *domain;

		if (at == NULL ||
		    (domain = l->tools.address->to_ascii(c, at + 1)) == NULL)
			return NULL;
		if (first != NULL && strcmp(first, domain) != 0)
			return NULL;
		first = domain;
	}
	return first;
}

static const struct snapshot *
choose(struct mr_ctx *c, const struct learn *l)
{
	const struct snapshot *s = NULL;
	const char *domain;

	if (l->conf->per_domain && (domain = domain_of(c, l)) != NULL)
		s = take(c, l, domain);
	return s != NULL ? s : take(c, l, NULL);
}

static void
say(struct mr_ctx *c, const struct learn *l, const struct model *m,
    const struct features *f)
{
	double sure = model_confidence(m, (uint64_t)l->conf->learn_first);
	double log_odds = model_log_odds(m, model_margin(m, f));
	double points = points_of(l->conf, log_odds) * sure;
	char detail[DETAIL], number[32];

	if (sure <= 0)
		return;
	detail[0] = '\0';
	if (l->conf->explain)
		explain(m, f, log_odds, detail, sizeof(detail));
	c->host->symbol(c, points > 0 ? "LEARN_SPAM" : "LEARN_HAM",
	    round(points * 100) / 100, detail[0] != '\0' ? detail : NULL);
	snprintf(number, sizeof(number), "%.4f", 1 / (1 + exp(-log_odds)));
	c->host->note_set(c, "learn.probability", number);
}

static mr_verdict
learn_on_eom(struct mr_ctx *c)
{
	const struct learn *l = c->self;
	const struct snapshot *s;
	struct features f;
	size_t len = 0;

	c->host->body(c, &len);
	if ((int64_t)len > l->conf->max_size || (s = choose(c, l)) == NULL)
		return MR_CONTINUE;
	if (features_init(&f) && message_features(c, &l->tools, &f, NULL)) {
		struct model m = snapshot_model(s);

		say(c, l, &m, &f);
	}
	features_finish(&f);
	snapshot_give(l->snapshots, s);
	return MR_CONTINUE;
}

MR_PLUGIN(learn) = {
	MR_PLUGIN_HEAD,
	.name = "learn",
	.version = "0.1.0",
	.summary = "learns from mail what spam looks like",
	.options = learn_options,
	.conf_size = sizeof(struct learn_conf),
	.wants = MR_WANT_HEADERS | MR_WANT_BODY,
	.open = learn_open,
	.close = learn_close,
	.on_eom = learn_on_eom,
	.command = "learn",
	.commands = learn_commands,
};
