/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that ask the DNS: check and status. */
#include <stdio.h>
#include <time.h>

#include <millrace/print.h>

#include "command.h"
#include "publish.h"

enum { GROUP_MOST = 64, TIME_BYTES = 32 };

static const char *const state_words[] = {
	[PUBLISH_FITS] = "published",
	[PUBLISH_ABSENT] = "absent",
	[PUBLISH_WRONG] = "wrong",
	[PUBLISH_UNKNOWN] = "unknown",
};

struct asking {
	const struct mr_tool *tool;
	const struct mr_dns_service *dns;
	const struct mr_store_service *store;
	uint32_t shown, bad, unknown;
};

static bool
begin(struct asking *a, const struct mr_tool *t)
{
	const struct mr_host *host = t->ctx->host;

	*a = (struct asking){ .tool = t,
		.dns = host->service(host, MR_DNS_SERVICE) };
	if (a->dns == NULL)
		command_complain("this daemon has no service " MR_DNS_SERVICE);
	return a->dns != NULL;
}

static struct publish
look(struct asking *a, const struct keyring_key *k, const char *domain,
    char name[PUBLISH_NAME_BYTES])
{
	publish_name(name, span_of(k->selector), span_of(domain));
	return publish_look(a->tool->ctx, a->dns, name, &k->key, 0);
}

/* What comes first of each key, as a line or an object that stays open. */
static void
print_key(struct asking *a, const struct keyring_key *k, const char *name)
{
	const char *algorithm = signature_algorithm_name(k->key.algorithm);

	if (!a->tool->json) {
		printf("%s %s %u bits: ", name, algorithm, k->key.bits);
		return;
	}
	fputs(a->shown > 0 ? ",{\"name\":" : "{\"name\":", stdout);
	mr_print_json(name);
	fputs(",\"file\":", stdout);
	mr_print_json(k->file);
	printf(",\"algorithm\":\"%s\",\"bits\":%u", algorithm, k->key.bits);
}

static void
check_key(void *arg, const struct command_key *k)
{
	struct asking *a = arg;
	char name[PUBLISH_NAME_BYTES];
	struct publish p = look(a, k->key, k->domain, name);

	print_key(a, k->key, name);
	if (a->tool->json) {
		printf(",\"state\":\"%s\",\"why\":", state_words[p.state]);
		mr_print_json(p.why);
		printf(",\"ttl\":%u,\"test\":%s}", (unsigned)p.ttl,
		    p.test ? "true" : "false");
	} else if (p.state == PUBLISH_FITS) {
		printf("published, it fits; TTL %u%s\n", (unsigned)p.ttl,
		    p.test ? ", test mode" : "");
	} else {
		printf("%s: %s\n", state_words[p.state], p.why);
	}
	a->shown++;
	a->unknown += p.state == PUBLISH_UNKNOWN;
	a->bad += p.state != PUBLISH_FITS && p.state != PUBLISH_UNKNOWN;
}

/* All keys, shown one after the other, in a list if it is JSON. */
static bool
show_all(struct asking *a, int32_t argc, char **argv,
    void (*seen)(void *arg, const struct command_key *))
{
	bool ok;

	if (a->tool->json)
		putchar('[');
	ok = command_keys(a->tool, argc - 1, argv + 1, seen, a);
	if (a->tool->json)
		puts("]");
	return ok;
}

int32_t
command_check(const struct mr_tool *t, int32_t argc, char **argv)
{
	struct asking a;

	if (!begin(&a, t))
		return STATUS_USAGE;
	if (!show_all(&a, argc, argv, check_key) || a.bad > 0)
		return STATUS_NO;
	return a.unknown > 0 ? STATUS_LATER : STATUS_OK;
}

/* --- status --- */

static const char *
when(int64_t at, char out[TIME_BYTES])
{
	time_t t = (time_t)at;
	struct tm tm;

	if (at <= 0 || gmtime_r(&t, &tm) == NULL ||
	    strftime(out, TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return NULL;
	return out;
}

static void
print_state(struct asking *a, enum rotate_state state, const char *until,
    const struct publish *p)
{
	static const char *const lines[] = {
		[ROTATE_SIGNS] = "signs",
		[ROTATE_UNSEEN] = "does not sign yet",
		[ROTATE_WAITS] = "does not sign yet: published, waits until",
		[ROTATE_RETIRING] =
		    "signs no longer; leave its record there until",
		[ROTATE_RETIRED] =
		    "signs no longer; line, key and record may go",
	};
	bool fits = p->state == PUBLISH_FITS;

	if (a->tool->json) {
		printf(
		    ",\"state\":\"%s\",\"until\":", rotate_state_name(state));
		mr_print_json(until);
		printf(",\"record\":\"%s\",\"why\":", state_words[p->state]);
		mr_print_json(p->why);
		putchar('}');
		return;
	}
	printf("%s%s%s%s%s%s%s%s\n", lines[state], until != NULL ? " " : "",
	    until != NULL ? until : "", fits ? "" : " (record ",
	    fits ? "" : state_words[p->state], fits ? "" : ": ",
	    fits ? "" : p->why, fits ? "" : ")");
}

/* A group is shown as a whole, when its first key comes. */
static void
status_one(void *arg, const struct command_key *k)
{
	struct asking *a = arg;
	struct rotate_key keys[GROUP_MOST];
	struct publish found[GROUP_MOST];
	char name[PUBLISH_NAME_BYTES], text[TIME_BYTES];
	uint32_t n = k->count < GROUP_MOST ? k->count : GROUP_MOST;
	int64_t now = time(NULL), until;

	if (k->place != 0)
		return;
	for (uint32_t i = 0; i < n; i++) {
		_Atomic int64_t memory = 0;

		found[i] = look(a, &k->group[i], k->domain, name);
		keys[i] = publish_remember(a->tool->ctx, a->store, name,
		    &k->group[i].key, &found[i], now, &memory);
	}
	for (uint32_t i = 0; i < n; i++) {
		enum rotate_state state = rotate_state(keys, n, i, now,
		    k->conf->publish_wait / DKIM_MS_PER_S,
		    k->conf->retire_after / DKIM_MS_PER_S, &until);

		publish_name(
		    name, span_of(k->group[i].selector), span_of(k->domain));
		print_key(a, &k->group[i], name);
		print_state(a, state, when(until, text), &found[i]);
		a->shown++;
	}
}

int32_t
command_status(const struct mr_tool *t, int32_t argc, char **argv)
{
	struct asking a;

	if (!begin(&a, t))
		return STATUS_USAGE;
	a.store = t->ctx->host->service(t->ctx->host, MR_STORE_SERVICE);
	if (a.store == NULL)
		command_complain("there is no service " MR_STORE_SERVICE
				 ": since when keys are published is not "
				 "known");
	return show_all(&a, argc, argv, status_one) ? STATUS_OK : STATUS_NO;
}
