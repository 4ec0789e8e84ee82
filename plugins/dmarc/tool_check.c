/* SPDX-License-Identifier: Apache-2.0 */
/* millrace dmarc check: what the DNS says of a domain, and what follows. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "destination.h"
#include "evaluate.h"
#include "tool.h"

#define complain(status, ...) tool_complain(status, "check", __VA_ARGS__)

/* Everything is put here first, and printed from here, in either form. */
struct finding {
	const struct mr_tool *tool;
	const struct dmarc_conf *conf;
	struct lookup lookup;
	bool psl;
	const char *domain;
	cJSON *out;
	int32_t status;
};

static const char *
answer_text(struct finding *f, const char *domain, struct walk_answer a)
{
	const char *text;

	if (a.failure != NULL)
		return a.failure;
	if (a.several > 0)
		return "several records, none of which counts";
	text = lookup_text(&f->lookup, domain);
	return a.record != NULL && text != NULL ? tool_safe(f->tool, text)
						: "no record";
}

/* Ask what the walk asks; what it has asked is known already. */
static void
add_walk(struct finding *f, const struct walk_source *source)
{
	cJSON *list = cJSON_AddArrayToObject(f->out, "walk"), *one;
	const char *d = f->domain;
	char name[300];

	while (d != NULL) {
		struct walk_answer a = source->look(source->arg, d);

		snprintf(name, sizeof(name), "_dmarc.%s", d);
		cJSON_AddItemToArray(list, one = cJSON_CreateObject());
		cJSON_AddStringToObject(one, "name", name);
		cJSON_AddStringToObject(one, "answer", answer_text(f, d, a));
		if (a.failure != NULL ||
		    (a.record != NULL && a.record->psd != PSD_UNKNOWN))
			break;
		if (!f->psl)
			d = walk_next(d);
		else
			d = d == f->domain ? source->registered(source->arg, d)
					   : NULL;
		if (f->psl && d == f->domain)
			break;
	}
}

static const char *
action_word(int64_t action)
{
	static const char *const words[ACTIONS] = { "accept", "score",
		"tempfail", "reject", "quarantine", "error" };

	return words[action];
}

static void
add_policy(struct finding *f, const struct evaluation *e)
{
	const struct record *r = e->walk.record;

	cJSON_AddStringToObject(f->out, "policy_domain", e->walk.policy_domain);
	if (e->result == RESULT_PERMERROR) {
		cJSON_AddStringToObject(f->out, "error", e->why);
		return;
	}
	cJSON_AddStringToObject(f->out, "tag", e->tag);
	cJSON_AddStringToObject(f->out, "policy", policy_name(e->policy));
	cJSON_AddBoolToObject(f->out, "testing", r->testing);
	cJSON_AddStringToObject(
	    f->out, "dkim_alignment", r->strict_dkim ? "strict" : "relaxed");
	cJSON_AddStringToObject(
	    f->out, "spf_alignment", r->strict_spf ? "strict" : "relaxed");
	cJSON_AddStringToObject(
	    f->out, "disposition", policy_name(e->disposition));
	if (f->conf != NULL)
		cJSON_AddStringToObject(f->out, "action",
		    action_word(f->conf->actions[e->disposition]));
}

static void
add_destinations(struct finding *f, const struct walk *w)
{
	cJSON *list = cJSON_AddArrayToObject(f->out, "reports_to"), *one;
	struct destination all[DESTINATIONS];
	size_t n = destination_find(
	    &f->lookup, f->psl, w->policy_domain, w->record, all);

	for (size_t i = 0; i < n; i++) {
		const struct destination *d = &all[i];

		cJSON_AddItemToArray(list, one = cJSON_CreateObject());
		cJSON_AddStringToObject(
		    one, "uri", tool_safe(f->tool, d->text));
		cJSON_AddBoolToObject(one, "ok", d->state == DESTINATION_OK);
		cJSON_AddBoolToObject(one, "external", d->external);
		if (d->why != NULL)
			cJSON_AddStringToObject(one, "why", d->why);
		if (d->state == DESTINATION_OK)
			cJSON_AddStringToObject(one, "address", d->uri.address);
	}
}

static void
examine(struct finding *f)
{
	struct walk_source source = lookup_source(&f->lookup, f->psl);
	struct evaluation e = evaluate(&source, f->domain, NULL, 0);

	cJSON_AddStringToObject(f->out, "domain", f->domain);
	cJSON_AddStringToObject(f->out, "method", f->psl ? "psl" : "treewalk");
	add_walk(f, &source);
	if (e.walk.org != NULL)
		cJSON_AddStringToObject(
		    f->out, "organizational_domain", e.walk.org);
	if (e.walk.failure != NULL) {
		cJSON_AddStringToObject(f->out, "error", e.walk.failure);
		f->status = TOOL_LATER;
	}
	if (e.walk.record == NULL) {
		if (e.walk.failure == NULL)
			f->status = TOOL_NOTHING;
		return;
	}
	add_policy(f, &e);
	add_destinations(f, &e.walk);
}

/* --- for people --- */

static const char *
get(const cJSON *object, const char *key)
{
	return cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(object, key));
}

static bool
is_true(const cJSON *object, const char *key)
{
	return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static void
print_policy(const cJSON *out)
{
	const char *policy = get(out, "policy"), *action = get(out, "action");

	if (policy == NULL)
		return;
	printf("record of              %s\n", get(out, "policy_domain"));
	printf("alignment              DKIM %s, SPF %s\n",
	    get(out, "dkim_alignment"), get(out, "spf_alignment"));
	printf("mail that fails        %s (%s=%s)%s\n", get(out, "disposition"),
	    get(out, "tag"), policy,
	    is_true(out, "testing") ? ", one step down as t=y asks" : "");
	if (action != NULL)
		printf("what happens here      %s, unless a list says "
		       "otherwise\n",
		    action);
}

static void
print_destinations(const cJSON *out)
{
	const cJSON *one;

	cJSON_ArrayForEach(
	    one, cJSON_GetObjectItemCaseSensitive(out, "reports_to"))
	{
		const char *why = get(one, "why");

		printf("reports to             %s%s%s%s\n", get(one, "uri"),
		    is_true(one, "external") && is_true(one, "ok")
			? " (elsewhere, and wanted there)"
			: "",
		    why != NULL ? ": no, " : "", why != NULL ? why : "");
	}
}

static void
print(const cJSON *out)
{
	const char *org = get(out, "organizational_domain");
	const char *error = get(out, "error");
	const cJSON *one;

	cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(out, "walk"))
	    printf("%-22s %s\n", get(one, "name"), get(one, "answer"));
	if (org != NULL)
		printf("organizational domain  %s (%s)\n", org,
		    strcmp(get(out, "method"), "psl") == 0
			? "public suffix list"
			: "tree walk");
	if (error != NULL)
		printf("error                  %s\n", error);
	print_policy(out);
	if (get(out, "policy_domain") == NULL && error == NULL)
		puts("there is no record: DMARC does not apply");
	print_destinations(out);
}

int32_t
tool_check(const struct mr_tool *t, int32_t argc, char **argv)
{
	struct finding f = { .tool = t, .conf = tool_conf(t) };
	char *text;

	if (argc != 2 || argv[1][0] == '-')
		return complain(TOOL_USAGE, "say which domain");
	if (!tool_lookup(t->ctx, &f.lookup))
		return complain(TOOL_NOTHING, "this millrace has no DNS");
	f.domain = f.lookup.address->to_ascii(t->ctx, argv[1]);
	if (f.domain == NULL)
		return complain(TOOL_USAGE, "\"%s\" is no domain", argv[1]);
	f.psl = f.conf != NULL && f.conf->method == METHOD_PSL;
	f.out = cJSON_CreateObject();
	examine(&f);
	if (!t->json)
		print(f.out);
	else if ((text = cJSON_Print(f.out)) != NULL) {
		puts(text);
		free(text);
	}
	cJSON_Delete(f.out);
	return f.status;
}
