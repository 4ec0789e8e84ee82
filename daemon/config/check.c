/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only shows when everything is read: names that must be there, or only
 * once, sockets, users, and the order of chains.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/nearest.h"
#include "config/database.h"
#include "config/private.h"

struct check {
	const struct config *config;
	struct errors *errors;
};

/*
 * An error at the index-th value of a section's option; of the section as a
 * whole if the option was not set.
 */
static void __attribute__((format(printf, 5, 6)))
tell(struct check *k, const struct tree_section *s, const char *option,
    size_t index, const char *fmt, ...)
{
	const struct tree_setting *set = NULL;
	struct config_place place = s->place;
	va_list ap;
	char *text;

	if (option != NULL)
		set = tree_setting(s, option);
	if (set != NULL)
		place = tree_value_place(set, index);
	va_start(ap, fmt);
	text = memory_vprintf(fmt, ap);
	va_end(ap);
	load_error(k->errors, place, s, option, text);
	free(text);
}

static bool
said(const struct tree_section *s, const char *option)
{
	const struct tree_setting *set = tree_setting(s, option);

	/* else its default is in force, and another error was told */
	return set != NULL && set->count == 1 && !set->twice;
}

static void
check_user(struct check *k, const struct tree_section *s, const char *option,
    const char *name)
{
	if (name != NULL && said(s, option) && getpwnam(name) == NULL)
		tell(k, s, option, 0,
		    "there is no user \"%s\": create it, or name another",
		    name);
}

static void
check_group(struct check *k, const struct tree_section *s, const char *option,
    const char *name)
{
	if (name != NULL && said(s, option) && getgrnam(name) == NULL)
		tell(k, s, option, 0,
		    "there is no group \"%s\": create it, or name another",
		    name);
}

static void
check_path(struct check *k, const char *option, const char *path, bool required)
{
	const struct tree_section *root = &k->config->private->tree.root;

	if (path == NULL && required)
		tell(k, root, option, 0, "must name a folder");
	else if (path != NULL && path[0] != '/')
		tell(k, root, option, 0,
		    "\"%s\" is not a whole path: begin it with /", path);
}

static void
check_dns(struct check *k, const struct config_globals *g)
{
	const struct tree_section *root = &k->config->private->tree.root;
	char server[CONFIG_DNS_SERVER], *why = NULL;

	for (uint32_t i = 0; i < g->dns_servers->count; i++) {
		if (config_dns_server_parse(
			g->dns_servers->items[i], server, &why))
			continue;
		tell(k, root, "dns-servers", i, "%s", why);
		free(why);
	}
	if (!g->dns_validate)
		return;
	check_path(k, "dns-trust-anchor", g->dns_trust_anchor, false);
	if (g->dns_trust_anchor == NULL ||
	    access(g->dns_trust_anchor, R_OK) == -1)
		tell(k, root, "dns-trust-anchor", 0,
		    "%s: %s: dns-validate needs a file of DS or DNSKEY "
		    "records, such as Debian's package dns-root-data has",
		    g->dns_trust_anchor != NULL ? g->dns_trust_anchor
						: "not set",
		    g->dns_trust_anchor != NULL ? strerror(errno) : "no file");
}

static void
check_store(struct check *k, const struct tree_section *root,
    const struct config_globals *g)
{
	struct database d;
	char *why = NULL;

	if (g->store == NULL)
		tell(k, root, "store", 0,
		    "must name a store: lmdb:/var/lib/millrace/store");
	else if (!database_parse(g->store, &d, &why))
		tell(k, root, "store", 0, "%s", why);
	else if (d.tls && !MR_REDIS_TLS)
		tell(k, root, "store", 0,
		    "this build cannot speak TLS with Redis: build with a "
		    "hiredis of 1.0 or later that has hiredis_ssl, or write "
		    "redis:// and let a tunnel on this machine speak TLS");
	free(why);
	check_path(k, "store-mirror", g->store_mirror, true);
	check_path(k, "store-password-file", g->store_password_file, false);
	check_path(k, "store-tls-ca", g->store_tls_ca, false);
}

static void
check_globals(struct check *k)
{
	const struct config_globals *g = &k->config->globals;
	const struct tree_section *root = &k->config->private->tree.root;

	check_user(k, root, "user", g->user);
	check_group(k, root, "group", g->group);
	check_group(k, root, "control-group", g->control_group);
	check_path(k, "run-dir", g->run_dir, true);
	check_path(k, "spool-dir", g->spool_dir, true);
	check_path(k, "plugin-dir", g->plugin_dir, true);
	check_path(k, "pid-file", g->pid_file, false);
	check_path(k, "journal", g->journal, false);
	check_dns(k, g);
	check_store(k, root, g);
}

/* Names stand in logs, in file names and in the control protocol. */
static bool
title_ok(const char *t)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789._-";
	size_t n = strspn(t, good);

	return n > 0 && n <= 64 && t[n] == '\0' && t[0] != '.' && t[0] != '-';
}

static bool
is_listener(const struct tree_section *s)
{
	return strcmp(s->kind, "listener") == 0;
}

static const struct tree_section *
find_instance(const struct check *k, const char *title)
{
	const struct tree_section *s = k->config->private->tree.sections;

	while (s != NULL && (is_listener(s) || strcmp(s->title, title) != 0))
		s = s->next;
	return s;
}

static void
check_titles(struct check *k)
{
	const struct tree_section *s, *old;

	for (s = k->config->private->tree.sections; s != NULL; s = s->next) {
		if (!title_ok(s->title))
			tell(k, s, NULL, 0,
			    "bad name: use up to 64 letters, digits, \".\", "
			    "\"-\" and \"_\"");
		old = k->config->private->tree.sections;
		while (old != s && (is_listener(old) != is_listener(s) ||
				       strcmp(old->title, s->title) != 0))
			old = old->next;
		if (old != s)
			tell(k, s, NULL, 0,
			    "the name is taken by %s \"%s\" of %s:%u: choose "
			    "another",
			    old->kind, old->title, old->place.file,
			    old->place.line);
	}
}

static bool
any_host(const struct config_socket *s)
{
	return strcmp(s->host, "0.0.0.0") == 0 || strcmp(s->host, "::") == 0;
}

static bool
same_socket(const struct config_socket *a, const struct config_socket *b)
{
	if (a->kind != b->kind || a->port != b->port)
		return false;
	if (strcmp(a->host, b->host) == 0)
		return true;
	return (a->kind == SOCKET_INET || a->kind == SOCKET_INET6) &&
	       (any_host(a) || any_host(b));
}

static bool
parsed_socket(const struct config_listener *l, struct config_socket *out)
{
	char *why = NULL;
	bool ok =
	    l->socket != NULL && config_socket_parse(l->socket, out, &why);

	free(why);
	return ok;
}

static void
check_socket(struct check *k, size_t index)
{
	const struct config_listener *l = &k->config->listeners[index];
	const struct tree_section *s = k->config->private->listeners[index];
	struct config_socket mine, other;
	char *why = NULL;

	if (l->socket == NULL) {
		tell(k, s, "socket", 0,
		    "missing: say where the mail server connects, socket = "
		    "\"inet:8891@127.0.0.1\"");
		return;
	}
	if (!config_socket_parse(l->socket, &mine, &why)) {
		tell(k, s, "socket", 0, "%s", why);
		free(why);
		return;
	}
	for (size_t i = 0; i < index; i++) {
		const struct config_listener *old = &k->config->listeners[i];

		if (parsed_socket(old, &other) && same_socket(&mine, &other))
			tell(k, s, "socket", 0,
			    "listener \"%s\" of %s:%u has the same socket: "
			    "choose another",
			    old->name, old->place.file, old->place.line);
	}
}

static void
no_such_instance(struct check *k, const struct tree_section *listener,
    size_t index, const char *name)
{
	struct nearest near = { .wrong = name };
	const struct tree_section *s = k->config->private->tree.sections;

	for (; s != NULL; s = s->next)
		if (!is_listener(s))
			nearest_offer(&near, s->title);
	if (near.best != NULL)
		tell(k, listener, "chain", index,
		    "there is no instance \"%s\"; did you mean \"%s\"?", name,
		    near.best);
	else
		tell(k, listener, "chain", index,
		    "there is no instance \"%s\": add a section with this "
		    "name, <plugin> \"%s\" { ... }",
		    name, name);
}

/* Of two sections with one name the first counts; that is told elsewhere. */
static const struct config_instance *
instance(const struct check *k, const char *name)
{
	for (size_t i = 0; i < k->config->ninstances; i++)
		if (strcmp(k->config->instances[i].name, name) == 0)
			return &k->config->instances[i];
	return NULL;
}

/* Where in the chain the plugin runs first; count if it does not. */
static size_t
place_in_chain(
    const struct check *k, const struct mr_list *chain, struct span plugin)
{
	for (uint32_t i = 0; i < chain->count; i++) {
		const struct tree_section *s =
		    find_instance(k, chain->items[i]);

		if (s != NULL && span_equal(span_of(s->kind), plugin))
			return i;
	}
	return chain->count;
}

static bool
is_installed(const struct check *k, struct span plugin)
{
	const struct schema *s = &k->config->private->schema;

	for (size_t i = 0; i < s->nplugins; i++)
		if (span_equal(span_of(s->plugins[i].name), plugin))
			return true;
	return false;
}

/* "spf|dkim" as people say it. */
static char *
alternatives(struct span need)
{
	struct buf b = { 0 };

	while (need.n > 0) {
		struct span one = span_cut(&need, '|');

		buf_put(&b, one.p, one.n);
		buf_text(&b, need.n > 0 ? " or " : "");
	}
	return b.p;
}

/* One of the plugins must run before. */
static void
check_need(struct check *k, const struct tree_section *s,
    const struct mr_list *chain, size_t index, struct span need)
{
	const char *name = chain->items[index], *late = NULL;
	char *words = alternatives(need);
	bool installed = false;

	for (struct span rest = need; rest.n > 0;) {
		struct span one = span_cut(&rest, '|');
		size_t at = place_in_chain(k, chain, one);

		if (at < index)
			goto out;
		if (at < chain->count && at != index && late == NULL)
			late = chain->items[at];
		installed = installed || is_installed(k, one);
	}
	if (late != NULL)
		tell(k, s, "chain", index,
		    "\"%s\" needs plugin %s to run before it: move \"%s\" "
		    "to a place before \"%s\"",
		    name, words, late, name);
	else
		tell(k, s, "chain", index,
		    "\"%s\" needs plugin %s to run before it: %sadd an "
		    "instance of %s to the chain before \"%s\"",
		    name, words, installed ? "" : "install that plugin and ",
		    words, name);
out:
	free(words);
}

static void
check_needs(struct check *k, const struct tree_section *s,
    const struct mr_list *chain, size_t index)
{
	const struct config_instance *it = instance(k, chain->items[index]);
	struct span rest, need;

	if (it == NULL || it->common.mode == MODE_OFF)
		return;
	rest = span_of(it->schema->needs);
	while (rest.n > 0) {
		need = span_cut(&rest, ' ');
		if (need.n > 0)
			check_need(k, s, chain, index, need);
	}
}

static void
check_chain(struct check *k, size_t index)
{
	const struct mr_list *chain = k->config->listeners[index].chain;
	const struct tree_section *s = k->config->private->listeners[index];

	if (chain->count == 0)
		tell(k, s, "chain", 0,
		    "missing: name the instances that look at its messages, "
		    "chain = { \"name\", ... }");
	if (chain->count > CONFIG_INSTANCES) {
		tell(k, s, "chain", CONFIG_INSTANCES,
		    "only %d instances are allowed", CONFIG_INSTANCES);
		return;
	}
	for (uint32_t i = 0; i < chain->count; i++) {
		uint32_t old = 0;

		if (find_instance(k, chain->items[i]) == NULL) {
			no_such_instance(k, s, i, chain->items[i]);
			continue;
		}
		while (strcmp(chain->items[old], chain->items[i]) != 0)
			old++;
		if (old != i)
			tell(k, s, "chain", i,
			    "\"%s\" stands in it twice: an instance runs once "
			    "for each message",
			    chain->items[i]);
		else
			check_needs(k, s, chain, i);
	}
}

static void
check_authserv_id(struct check *k, size_t index)
{
	const char *id = k->config->listeners[index].authserv_id;

	for (; id != NULL && *id != '\0'; id++)
		if (*id <= ' ' || *id > '~' || strchr("\"\\();", *id) != NULL) {
			tell(k, k->config->private->listeners[index],
			    "authserv-id", 0,
			    "write a host name, such as mx.example.com");
			return;
		}
}

static void
check_listener(struct check *k, size_t index)
{
	const struct config_listener *l = &k->config->listeners[index];
	const struct tree_section *s = k->config->private->listeners[index];

	check_socket(k, index);
	check_chain(k, index);
	check_user(k, s, "owner", l->owner);
	check_group(k, s, "group", l->group);
	check_authserv_id(k, index);
}

static bool
is_network(const char *entry)
{
	struct span s = span_of(entry);
	struct network n;

	return network_parse(span_cut(&s, ' '), &n);
}

static const char *
wrong_entry(const char *entry, bool clients)
{
	if (strncmp(entry, "map:", 4) == 0)
		return NULL;
	if (clients && strchr(entry, '@') != NULL)
		return "a mail address: clients are networks or host names";
	if (!clients && is_network(entry))
		return "a network: write addresses or domains here, and "
		       "networks in clients";
	return NULL;
}

/* One of the six lists that say whom an instance applies to. */
static void
check_scope(struct check *k, const struct tree_section *s, const char *option,
    bool clients)
{
	const struct tree_setting *set = tree_setting(s, option);
	const struct tree_value *v = set != NULL ? set->values : NULL;

	if (set != NULL && v == NULL)
		tell(k, s, option, 0,
		    "the list is empty: put something in, or remove it");
	for (size_t i = 0; v != NULL; v = v->next, i++) {
		const char *wrong = wrong_entry(v->text, clients);

		if (wrong == NULL)
			continue;
		tell(k, s, option, i, "\"%s\" is %s", v->text, wrong);
		return;
	}
}

static void
check_instance(struct check *k, size_t index)
{
	const struct tree_section *s = k->config->private->instances[index];

	check_scope(k, s, "clients", true);
	check_scope(k, s, "except-clients", true);
	check_scope(k, s, "senders", false);
	check_scope(k, s, "except-senders", false);
	check_scope(k, s, "recipients", false);
	check_scope(k, s, "except-recipients", false);
}

static bool
in_a_chain(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->nlisteners; i++) {
		const struct mr_list *chain = c->listeners[i].chain;

		for (uint32_t j = 0; j < chain->count; j++)
			if (strcmp(chain->items[j], name) == 0)
				return true;
	}
	return false;
}

static void
warn_unused(const struct config *c)
{
	for (size_t i = 0; i < c->ninstances; i++) {
		const struct config_instance *it = &c->instances[i];

		if (!in_a_chain(c, it->name))
			log_warn("%s:%u: %s \"%s\" is in no listener's chain, "
				 "so it is never asked",
			    it->place.file, it->place.line, it->plugin,
			    it->name);
	}
}

void
check_config(const struct config *c, struct errors *errors)
{
	struct check k = { c, errors };

	check_globals(&k);
	check_titles(&k);
	for (size_t i = 0; i < c->nlisteners; i++)
		check_listener(&k, i);
	for (size_t i = 0; i < c->ninstances; i++)
		check_instance(&k, i);
	if (c->nlisteners == 0 && errors->count == 0)
		errors_add(errors, (struct config_place){ c->private->file, 0 },
		    "no listener: add listener \"mx\" { socket = ...  "
		    "chain = { ... } }");
	if (errors->count == 0)
		warn_unused(c);
}
