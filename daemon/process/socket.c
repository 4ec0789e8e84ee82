/* SPDX-License-Identifier: Apache-2.0 */
#include "process/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/memory.h"
#include "link/channel.h"

enum { BACKLOG = 1024 };

static int
fail(const struct plan_listener *l, char **why, int sock, const char *text)
{
	*why = memory_printf("%s:%u: listener \"%s\": %s: %s", l->place.file,
	    l->place.line, l->name, l->socket, text);
	if (sock != -1)
		close(sock);
	return -1;
}

/* Owner and group by name or number; false: no such one. */
static bool
find_owner(const struct plan_listener *l, uid_t *uid, gid_t *gid)
{
	const struct passwd *pw;
	const struct group *gr;

	*uid = (uid_t)-1;
	*gid = (gid_t)-1;
	if (l->owner != NULL) {
		if ((pw = getpwnam(l->owner)) == NULL)
			return false;
		*uid = pw->pw_uid;
	}
	if (l->group != NULL) {
		if ((gr = getgrnam(l->group)) == NULL)
			return false;
		*gid = gr->gr_gid;
	}
	return true;
}

static int
open_unix(const struct plan_listener *l, const char *path, char **why)
{
	struct stat st;
	uid_t uid;
	gid_t gid;
	int sock;

	if (!find_owner(l, &uid, &gid))
		return fail(l, why, -1, "owner or group does not exist");
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return fail(l, why, -1, "is there and no socket");
		if ((sock = channel_connect(path)) != -1)
			return fail(l, why, sock,
			    "another process answers on it: stop that first");
	}
	sock = channel_listen(path, BACKLOG, l->mode & 0777);
	if (sock == -1)
		return fail(l, why, -1, strerror(errno));
	if ((uid != (uid_t)-1 || gid != (gid_t)-1) &&
	    chown(path, uid, gid) == -1)
		return fail(l, why, sock, strerror(errno));
	return sock;
}

union any_address {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

static socklen_t
fill_address(const struct config_socket *s, union any_address *a)
{
	memset(a, 0, sizeof(*a));
	if (s->kind == SOCKET_INET6) {
		a->in6.sin6_family = AF_INET6;
		a->in6.sin6_port = htons(s->port);
		inet_pton(AF_INET6, s->host, &a->in6.sin6_addr);
		return sizeof(a->in6);
	}
	a->in4.sin_family = AF_INET;
	a->in4.sin_port = htons(s->port);
	inet_pton(AF_INET, s->host, &a->in4.sin_addr);
	return sizeof(a->in4);
}

/*
 * TCP_NODELAY is inherited by accepted connections: libmilter writes edits
 * and verdict apart, and each would wait for a delayed ACK.
 */
static int
open_inet(
    const struct plan_listener *l, const struct config_socket *s, char **why)
{
	union any_address a;
	socklen_t n = fill_address(s, &a);
	int on = 1;
	int sock = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sock == -1)
		return fail(l, why, -1, strerror(errno));
	setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (a.any.sa_family == AF_INET6)
		setsockopt(sock, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(sock, &a.any, n) == -1 || listen(sock, BACKLOG) == -1)
		return fail(l, why, sock, strerror(errno));
	return sock;
}

/* FileDescriptorName= of the socket unit. */
static int
take_systemd(const struct plan_listener *l, const char *name, char **why)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(0, &names), found = -1;
	int on = 1;

	for (int i = 0; i < n; i++) {
		if (strcmp(names[i], name) == 0)
			found = SD_LISTEN_FDS_START + i;
		free(names[i]);
	}
	free(names);
	if (found == -1)
		return fail(l, why, -1,
		    "systemd handed over no socket of that name "
		    "(FileDescriptorName=)");
	setsockopt(found, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return dup(found);
}

int
socket_open(const struct plan_listener *l, char **why)
{
	struct config_socket s;

	if (!config_socket_parse(l->socket, &s, why))
		return -1;
	switch (s.kind) {
	case SOCKET_UNIX:
		return open_unix(l, s.host, why);
	case SOCKET_SYSTEMD:
		return take_systemd(l, s.host, why);
	default:
		return open_inet(l, &s, why);
	}
}

void
socket_remove(const struct plan_listener *l)
{
	struct config_socket s;
	char *why = NULL;

	if (config_socket_parse(l->socket, &s, &why) && s.kind == SOCKET_UNIX)
		unlink(s.host);
	free(why);
}
