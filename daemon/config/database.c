/* SPDX-License-Identifier: Apache-2.0 */
#include "config/database.h"

#include <string.h>

#include "base/memory.h"
#include "base/span.h"

enum { REDIS_PORT = 6379, SENTINEL_PORT = 26379, NUMBERS = 16000 };

static const char forms[] =
    "write lmdb:/folder, redis://host:port/db, redis+unix:///path, "
    "redis+sentinel://host:port,host:port/name/db, or rediss:// for TLS";

static const struct scheme {
	const char *name;
	enum database_kind kind;
	bool tls, path;
} schemes[] = {
	{ "redis://", DATABASE_REDIS, false, false },
	{ "rediss://", DATABASE_REDIS, true, false },
	{ "redis+unix://", DATABASE_REDIS, false, true },
	{ "redis+sentinel://", DATABASE_SENTINEL, false, false },
	{ "rediss+sentinel://", DATABASE_SENTINEL, true, false },
};

/* Printable ASCII without blanks: these go into logs and to servers. */
static bool
copy(char to[DATABASE_TEXT], struct span from)
{
	if (from.n == 0 || from.n >= DATABASE_TEXT)
		return false;
	for (size_t i = 0; i < from.n; i++)
		if (from.p[i] <= ' ' || from.p[i] > '~')
			return false;
	memcpy(to, from.p, from.n);
	to[from.n] = '\0';
	return true;
}

static bool
number(struct span s, unsigned most, unsigned *out)
{
	unsigned value = 0;

	if (s.n == 0 || s.n > 5)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		value = value * 10 + (unsigned)(s.p[i] - '0');
	}
	*out = value;
	return value <= most;
}

static bool
parse_user(struct span *rest, struct database *d, char **why)
{
	const char *at = memchr(rest->p, '@', rest->n);
	struct span user;

	if (at == NULL)
		return true;
	user = span_cut(rest, '@');
	if (memchr(user.p, ':', user.n) != NULL) {
		*why = memory_copy("a password does not stand here, where it "
				   "is shown: write it to a file that only "
				   "root can read, and name that in "
				   "store-password-file");
		return false;
	}
	if (copy(d->user, user))
		return true;
	*why = memory_copy("the name of the user before @ is not one");
	return false;
}

/* "host", "host:port", "[::1]:port" */
static bool
parse_host(struct span s, struct database *d, char **why)
{
	unsigned port =
	    d->kind == DATABASE_SENTINEL ? SENTINEL_PORT : REDIS_PORT;
	struct span name = s, left = s;
	bool ok;

	if (d->nhosts == DATABASE_HOSTS) {
		*why =
		    memory_printf("at most %d hosts are asked", DATABASE_HOSTS);
		return false;
	}
	if (s.n > 0 && s.p[0] == '[') {
		left.p++;
		left.n--;
		name = span_cut(&left, ']');
		ok = left.n == 0 || left.p[0] == ':';
		left.p += left.n > 0;
		left.n -= left.n > 0;
		ok = ok && (left.n > 0 || name.n + 2 == s.n) &&
		     memchr(name.p, ':', name.n) != NULL;
	} else {
		name = span_cut(&left, ':');
		ok = name.n == s.n || left.n > 0;
	}
	ok = ok && (left.n == 0 || (number(left, UINT16_MAX, &port) && port));
	if (!ok || !copy(d->hosts[d->nhosts].name, name)) {
		*why = memory_printf("\"%.*s\" is not a host: write host:port "
				     "or [address]:port",
		    (int)s.n, s.p);
		return false;
	}
	d->hosts[d->nhosts++].port = (uint16_t)port;
	return true;
}

static bool
parse_number(struct span s, struct database *d, char **why)
{
	if (s.n == 0 || number(s, NUMBERS - 1, &d->number))
		return true;
	*why = memory_printf(
	    "\"%.*s\" is not the number of a database", (int)s.n, s.p);
	return false;
}

static bool
parse_socket(struct span rest, struct database *d, char **why)
{
	struct span path;

	if (!parse_user(&rest, d, why))
		return false;
	path = span_cut(&rest, '?');
	if (path.n < 2 || path.p[0] != '/' || path.n > 107 ||
	    !copy(d->path, path)) {
		*why = memory_copy("write the whole path of the socket, of at "
				   "most 107 bytes: redis+unix:///path");
		return false;
	}
	return parse_number(rest, d, why);
}

static bool
parse_servers(struct span rest, struct database *d, char **why)
{
	struct span hosts;

	if (!parse_user(&rest, d, why))
		return false;
	hosts = span_cut(&rest, '/');
	do
		if (!parse_host(span_cut(&hosts, ','), d, why))
			return false;
	while (hosts.n > 0);
	if (d->kind == DATABASE_SENTINEL &&
	    !copy(d->name, span_cut(&rest, '/'))) {
		*why = memory_copy("say which master the Sentinels watch: "
				   "redis+sentinel://host:port/name");
		return false;
	}
	return parse_number(rest, d, why);
}

static bool
parse_folder(struct span rest, struct database *d, char **why)
{
	if (rest.n > 1 && rest.p[0] == '/' && copy(d->path, rest))
		return true;
	*why = memory_copy("write the whole path of a folder, without "
			   "blanks: lmdb:/var/lib/millrace/store");
	return false;
}

bool
database_parse(const char *text, struct database *out, char **why)
{
	struct database d = { .kind = DATABASE_LMDB };
	struct span rest = span_of(text);
	const struct scheme *s = NULL;
	bool ok;

	*why = NULL;
	if (strncmp(text, "lmdb:", 5) == 0) {
		rest.p += 5;
		rest.n -= 5;
		ok = parse_folder(rest, &d, why);
		goto out;
	}
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strncmp(text, schemes[i].name, strlen(schemes[i].name)) ==
		    0)
			s = &schemes[i];
	if (s == NULL) {
		*why = memory_printf("\"%s\" is not a store: %s", text, forms);
		return false;
	}
	rest.p += strlen(s->name);
	rest.n -= strlen(s->name);
	d.kind = s->kind;
	d.tls = s->tls;
	ok = s->path ? parse_socket(rest, &d, why)
		     : parse_servers(rest, &d, why);
out:
	if (ok)
		*out = d;
	return ok;
}
