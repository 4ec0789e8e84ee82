/* SPDX-License-Identifier: Apache-2.0 */
/* Where the mail server connects, as text. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/address.h"
#include "base/memory.h"
#include "config/config.h"

static bool
copy_host(struct config_socket *s, const char *text)
{
	return (size_t)snprintf(s->host, sizeof(s->host), "%s", text) <
	       sizeof(s->host);
}

static bool
parse_unix(const char *rest, struct config_socket *s, char **why)
{
	size_t most = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;

	if (rest[0] != '/') {
		*why = memory_copy("write the whole path: unix:/path");
		return false;
	}
	if (strlen(rest) > most) {
		*why = memory_printf("the path of a unix socket has at most "
				     "%zu bytes; this one has %zu",
		    most, strlen(rest));
		return false;
	}
	return copy_host(s, rest);
}

static bool
parse_systemd(const char *rest, struct config_socket *s, char **why)
{
	if (rest[0] == '\0' || strlen(rest) >= sizeof(s->host) ||
	    strchr(rest, ':') != NULL) {
		*why = memory_copy("write systemd:name, with the name of "
				   "FileDescriptorName= in the socket unit");
		return false;
	}
	return copy_host(s, rest);
}

static bool
parse_port(const char *text, size_t n, uint16_t *port)
{
	unsigned long value = 0;

	if (n == 0 || n > 5)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)text[i]))
			return false;
		value = value * 10 + (unsigned long)(text[i] - '0');
	}
	*port = (uint16_t)value;
	return value >= 1 && value <= UINT16_MAX;
}

static bool
parse_host(const char *text, bool six, struct config_socket *s, char **why)
{
	struct address a;

	if (strcmp(text, "localhost") == 0)
		text = six ? "::1" : "127.0.0.1";
	if (!address_parse(span_of(text), &a) || a.bits != (six ? 128 : 32)) {
		*why = memory_printf("\"%s\" is not an %s address: write "
				     "%s",
		    text, six ? "IPv6" : "IPv4",
		    six ? "inet6:8891@::1" : "inet:8891@127.0.0.1");
		return false;
	}
	address_format(&a, s->host);
	return true;
}

static bool
parse_inet(const char *rest, bool six, struct config_socket *s, char **why)
{
	const char *at = strchr(rest, '@');
	const char *colon = strrchr(rest, ':');
	const char *name = six ? "inet6" : "inet";

	if (at == NULL && colon != NULL &&
	    parse_port(colon + 1, strlen(colon + 1), &s->port)) {
		*why = memory_printf("the port stands first here: write "
				     "%s:%u@%.*s",
		    name, s->port, (int)(colon - rest), rest);
		return false;
	}
	/* To listen on every address by mistake would let anyone in. */
	if (at == NULL) {
		*why = memory_printf("say on which address: write %s:%s@%s",
		    name, rest[0] != '\0' ? rest : "8891",
		    six ? "::1" : "127.0.0.1");
		return false;
	}
	if (!parse_port(rest, (size_t)(at - rest), &s->port)) {
		*why = memory_printf("\"%.*s\" is not a port: write a number "
				     "from 1 to 65535",
		    (int)(at - rest), rest);
		return false;
	}
	return parse_host(at + 1, six, s, why);
}

bool
config_socket_parse(const char *text, struct config_socket *out, char **why)
{
	const char *colon = strchr(text, ':');
	size_t n = colon != NULL ? (size_t)(colon - text) : 0;
	struct span kind = { text, n };
	struct config_socket s = { 0 };
	bool ok;

	*why = NULL;
	if (span_equal(kind, span_of("unix")) ||
	    span_equal(kind, span_of("local"))) {
		s.kind = SOCKET_UNIX;
		ok = parse_unix(colon + 1, &s, why);
	} else if (span_equal(kind, span_of("inet"))) {
		s.kind = SOCKET_INET;
		ok = parse_inet(colon + 1, false, &s, why);
	} else if (span_equal(kind, span_of("inet6"))) {
		s.kind = SOCKET_INET6;
		ok = parse_inet(colon + 1, true, &s, why);
	} else if (span_equal(kind, span_of("systemd"))) {
		s.kind = SOCKET_SYSTEMD;
		ok = parse_systemd(colon + 1, &s, why);
	} else {
		*why = memory_printf("\"%s\" is not a socket: write "
				     "inet:8891@127.0.0.1, inet6:8891@::1, "
				     "unix:/path or systemd:name",
		    text);
		return false;
	}
	if (ok)
		*out = s;
	return ok;
}
