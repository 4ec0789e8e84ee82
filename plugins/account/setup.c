/* SPDX-License-Identifier: Apache-2.0 */
/* Options to an instance: checks, services, databases, the alert thread. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "account.h"

static void
complain(const struct mr_host *host, const char *option, const char *item,
    const char *why)
{
	char line[500];

	if (host == NULL)
		return;
	if (item != NULL)
		snprintf(line, sizeof(line), "\"%.150s\": %s", item, why);
	else
		snprintf(line, sizeof(line), "%.400s", why);
	host->config_error(host, option, line);
}

/*
 * Those listed instead of the usual ones; what cannot be seen without a
 * database is not watched unless it is listed.
 */
bool
account_signals(const struct account_conf *conf, const struct mr_host *host,
    struct signal signals[SIGNAL_KINDS])
{
	bool ok = true;

	signal_defaults(signals);
	if (conf->signals->count > 0)
		memset(signals, 0, SIGNAL_KINDS * sizeof(*signals));
	else if (conf->country_database == NULL)
		signals[SIGNAL_COUNTRIES].watched = false;
	if (conf->signals->count == 0 && conf->asn_database == NULL)
		signals[SIGNAL_ASNS].watched = false;
	for (uint32_t i = 0; i < conf->signals->count; i++) {
		const char *item = conf->signals->items[i], *why;
		enum signal_kind kind;
		struct signal s;

		if ((why = signal_parse(item, &kind, &s)) == NULL) {
			if (kind == SIGNAL_COUNTRIES &&
			    conf->country_database == NULL)
				why = "it needs the option country-database";
			else if (kind == SIGNAL_ASNS &&
				 conf->asn_database == NULL)
				why = "it needs the option asn-database";
			else if (signals[kind].watched)
				why = "it is there already";
			else
				signals[kind] = s;
		}
		if (why != NULL) {
			complain(host, "signals", item, why);
			ok = false;
		}
	}
	return ok;
}

static bool
check_notes(const struct account_conf *conf, const struct mr_host *host)
{
	bool ok = true;

	for (uint32_t i = 0; i < conf->spam_notes->count; i++) {
		const char *item = conf->spam_notes->items[i];
		const char *equals = strchr(item, '=');

		if (equals != NULL && equals > item && equals - item < 100 &&
		    equals[1] != '\0')
			continue;
		complain(host, "spam-notes", item,
		    "write a note and its value, as in "
		    "\"score.action=reject\"");
		ok = false;
	}
	return ok;
}

static bool
check_texts(const struct account_conf *conf, const struct mr_host *host)
{
	const char *text = conf->blocked_reply;
	bool ok = text[0] != '\0' && strlen(text) <= 400;

	for (; *text != '\0'; text++)
		ok = ok && *text >= ' ' && *text <= '~';
	if (!ok)
		complain(host, "blocked-reply", NULL,
		    "the text must be one line of 1 to 400 printable ASCII "
		    "characters");
	if (conf->group[0] == '\0' || strlen(conf->group) > 60 ||
	    strspn(conf->group, "abcdefghijklmnopqrstuvwxyz0123456789-_.") !=
		strlen(conf->group)) {
		complain(host, "group", NULL,
		    "a group's name has 1 to 60 small letters, digits and "
		    "-_.");
		ok = false;
	}
	if (conf->alert_command->count > 0 &&
	    conf->alert_command->items[0][0] != '/') {
		complain(host, "alert-command", conf->alert_command->items[0],
		    "the program must be a path from / on");
		ok = false;
	} else if (conf->alert_command->count > 0 &&
		   access(conf->alert_command->items[0], X_OK) != 0) {
		complain(host, "alert-command", conf->alert_command->items[0],
		    "there is no such program, or it may not be run");
		ok = false;
	}
	return ok;
}

static bool
open_database(const struct mr_host *host, const char *option, const char *path,
    struct geo **out)
{
	char *why = NULL;

	if (path == NULL)
		return true;
	*out = geo_open(path, &why);
	if (*out == NULL)
		complain(host, option, NULL,
		    why != NULL ? why : "there is no memory");
	free(why);
	return *out != NULL;
}

static bool
has_services(struct account *a)
{
	a->map = a->host->service(a->host, MR_MAP_SERVICE);
	a->store = a->host->service(a->host, MR_STORE_SERVICE);
	a->address = a->host->service(a->host, MR_ADDRESS_SERVICE);
	if (a->map != NULL && a->store != NULL)
		return true;
	complain(a->host, NULL, NULL,
	    a->map == NULL ? "this daemon has no service " MR_MAP_SERVICE
			   : "this daemon has no service " MR_STORE_SERVICE);
	return false;
}

bool
account_init(struct account *a, const struct mr_host *host,
    const struct account_conf *conf, bool threads)
{
	bool ok;

	memset(a, 0, sizeof(*a));
	a->conf = conf;
	a->host = host;
	if (!has_services(a))
		return false;
	ok = account_signals(conf, host, a->signals);
	ok = check_notes(conf, host) && ok;
	ok = check_texts(conf, host) && ok;
	ok = open_database(host, "country-database", conf->country_database,
		 &a->countries) &&
	     ok;
	ok =
	    open_database(host, "asn-database", conf->asn_database, &a->asns) &&
	    ok;
	if (ok && threads && conf->alert_command->count > 0) {
		a->alert = alert_create(host, conf->alert_command);
		ok = a->alert != NULL;
	}
	if (!ok)
		account_finish(a);
	return ok;
}

void
account_finish(struct account *a)
{
	alert_destroy(&a->alert);
	geo_close(&a->countries);
	geo_close(&a->asns);
}
