/* SPDX-License-Identifier: Apache-2.0 */
#include "decide.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf.h"

static const char *const words[ACTIONS] = {
	[ACTION_ACCEPT] = "accept",
	[ACTION_SCORE] = "score",
	[ACTION_TEMPFAIL] = "tempfail",
	[ACTION_REJECT] = "reject",
	[ACTION_QUARANTINE] = "quarantine",
	/* error is no word of a list */
};

/* A plain number; strtod also takes hex, "nan" and blanks. */
static bool
parse_score(struct text t, double *out)
{
	char text[32], *end;
	double v;

	if (t.n == 0 || t.n >= sizeof(text))
		return false;
	memcpy(text, t.p, t.n);
	text[t.n] = '\0';
	if (strspn(text, "+-.0123456789") != t.n)
		return false;
	v = strtod(text, &end);
	if (*end != '\0' || v < -1000 || v > 1000)
		return false;
	*out = v;
	return true;
}

const char *
decide_entry(const char *value, struct entry *out)
{
	struct text rest = text_trim(text_of(value));
	struct text word = text_cut(&rest, ' ');
	struct entry e = { .action = ACTION_ACCEPT };

	if (word.n == 0) {
		*out = e;
		return NULL;
	}
	while (e.action < ACTIONS &&
	       (words[e.action] == NULL || !text_is(word, words[e.action])))
		e.action++;
	if (e.action == ACTIONS)
		return "the value must begin with accept, score, tempfail, "
		       "reject or quarantine";
	rest = text_trim(rest);
	if (rest.n > 0 && e.action != ACTION_SCORE)
		return "only score has a number behind it";
	if (rest.n > 0) {
		if (!parse_score(rest, &e.score))
			return "the score must be a number of -1000 to 1000";
		e.has_score = true;
	}
	*out = e;
	return NULL;
}

bool
decide_graver(enum action a, enum action b)
{
	static const int rank[ACTIONS] = {
		[ACTION_ACCEPT] = 0,
		[ACTION_SCORE] = 1,
		[ACTION_QUARANTINE] = 2,
		[ACTION_ERROR] = 3,
		[ACTION_TEMPFAIL] = 4,
		[ACTION_REJECT] = 5,
	};

	return rank[a] > rank[b];
}

/* --- who is let off --- */

struct search {
	struct mr_ctx *c;
	const struct mr_map_service *map;
	const struct identifier *ids;
	size_t count;
	const char *key; /* what was found */
};

/* What nobody can forge: the client, and what it is vouched for. */
static const char *
find_vouched(struct search *s, const struct mr_map *list)
{
	const char *value;

	if (list == NULL)
		return NULL;
	s->key = s->c->client->addr;
	if ((value = s->map->client(s->c, list, s->key)) != NULL)
		return value;
	for (size_t i = 0; i < s->count; i++) {
		s->key = s->ids[i].domain;
		if (s->key == NULL || strcmp(s->ids[i].result, "pass") != 0)
			continue;
		if ((value = s->map->name(s->c, list, s->key)) != NULL)
			return value;
	}
	return NULL;
}

static void
add_reason(struct decision *d, const char *type, const char *comment)
{
	d->reasons[d->nreasons++] = (struct evidence_reason){ type, comment };
}

static void
override(struct search *s, const struct dmarc_conf *conf,
    const struct evaluation *e, struct decision *d)
{
	const char *type = "local_policy", *value, *why;
	struct entry entry;
	char line[300];

	s->key = e->author;
	value = s->map->name(s->c, conf->overrides, e->author);
	if (value == NULL) {
		type = "trusted_forwarder";
		value = find_vouched(s, conf->forwarders);
	}
	if (value == NULL && s->c->host->header(s->c, "List-Id", 1) != NULL) {
		type = "mailing_list";
		value = find_vouched(s, conf->lists);
	}
	if (value == NULL)
		return;
	/* A list file may have gone bad since open(). */
	if ((why = decide_entry(value, &entry)) != NULL) {
		snprintf(line, sizeof(line),
		    "the entry for \"%.100s\" is not used: %s", s->key, why);
		s->c->host->log(s->c->host, s->c, MR_LOG_WARN, line);
		return;
	}
	d->action = entry.action;
	if (entry.has_score)
		d->score = entry.score;
	add_reason(d, type, s->key);
}

/* --- */

static const char *
disposition_of(enum action a)
{
	if (a == ACTION_REJECT || a == ACTION_TEMPFAIL)
		return policy_name(POLICY_REJECT);
	return policy_name(
	    a == ACTION_QUARANTINE ? POLICY_QUARANTINE : POLICY_NONE);
}

struct decision
decide_case(const struct dmarc_conf *conf, enum decide_case which)
{
	enum action action = (enum action)conf->actions[which];

	return (struct decision){ .action = action,
		.score = conf->scores[which],
		.disposition = disposition_of(action) };
}

static struct decision
decide_failure(
    struct search *s, const struct dmarc_conf *conf, const struct evaluation *e)
{
	struct decision d = decide_case(conf, (enum decide_case)e->disposition);

	if (e->disposition != e->policy)
		add_reason(&d, "policy_test_mode", NULL);
	override(s, conf, e, &d);
	d.disposition = disposition_of(d.action);
	/* RFC 9990, 3.1.1.8: say why it is not what was asked for. */
	if (strcmp(d.disposition, policy_name(e->policy)) != 0 &&
	    d.nreasons == 0)
		add_reason(&d, "local_policy", NULL);
	return d;
}

struct decision
decide(struct mr_ctx *c, const struct dmarc_conf *conf,
    const struct mr_map_service *map, const struct evaluation *e,
    const struct identifier *ids, size_t count)
{
	struct search s = { c, map, ids, count, NULL };
	struct decision d = { .action = ACTION_ACCEPT, .disposition = "none" };

	switch (e->result) {
	case RESULT_FAIL:
		d = decide_failure(&s, conf, e);
		break;
	case RESULT_TEMPERROR:
		d = decide_case(conf, CASE_TEMPERROR);
		break;
	case RESULT_PERMERROR:
		d = decide_case(conf, CASE_PERMERROR);
		break;
	case RESULT_PASS:
		d.action = ACTION_SCORE;
		d.score = conf->pass_score;
		/* RFC 9990: "pass" only where there is a policy to escape */
		if (e->policy != POLICY_NONE)
			d.disposition = "pass";
		break;
	case RESULT_NONE:
	default:
		break;
	}
	if (d.action != ACTION_SCORE)
		d.score = 0;
	return d;
}
