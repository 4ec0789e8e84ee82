/* SPDX-License-Identifier: Apache-2.0 */
#include "front/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/memory.h"

enum { DESCRIPTORS = 1024 }; /* it was opened a moment ago: a low one */

void
socket_peer(const struct sockaddr *a, struct event *e, char *text, size_t size)
{
	const struct sockaddr_in *in4 = (const void *)a;
	const struct sockaddr_in6 *in6 = (const void *)a;

	if (a == NULL)
		return;
	if (a->sa_family == AF_UNIX) {
		e->local = true;
		e->value =
		    ((const struct sockaddr_un *)(const void *)a)->sun_path;
	} else if (a->sa_family == AF_INET) {
		e->value =
		    inet_ntop(AF_INET, &in4->sin_addr, text, (socklen_t)size);
		e->port = ntohs(in4->sin_port);
	} else if (a->sa_family == AF_INET6) {
		e->value =
		    inet_ntop(AF_INET6, &in6->sin6_addr, text, (socklen_t)size);
		e->port = ntohs(in6->sin6_port);
	}
}

static bool
same_name(int fd, int family, const char *path)
{
	union {
		struct sockaddr any;
		struct sockaddr_un local;
		struct sockaddr_storage room;
	} a = { .room = { 0 } };
	socklen_t n = sizeof(a);
	int listening = 0;
	socklen_t size = sizeof(listening);

	if (getsockname(fd, &a.any, &n) == -1 || a.any.sa_family != family ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) ==
		-1 ||
	    !listening)
		return false;
	return family != AF_UNIX || strcmp(a.local.sun_path, path) == 0;
}

static int
family_of(int sock)
{
	struct sockaddr_storage a = { 0 };
	socklen_t n = sizeof(a);

	if (getsockname(sock, (struct sockaddr *)&a, &n) == -1)
		return AF_UNSPEC;
	return a.ss_family;
}

bool
socket_is_local(int listening)
{
	return family_of(listening) == AF_UNIX;
}

char *
socket_scratch(int listening, const char *path)
{
	switch (family_of(listening)) {
	case AF_INET:
		return memory_copy("inet:0@127.0.0.1");
	case AF_INET6:
		return memory_copy("inet6:0@::1");
	default:
		return memory_printf("unix:%s", path);
	}
}

bool
socket_replace(int listening, const char *path)
{
	int family = family_of(listening);

	for (int fd = 3; fd < DESCRIPTORS; fd++) {
		if (fd == listening || !same_name(fd, family, path))
			continue;
		unlink(path);
		return dup2(listening, fd) == fd;
	}
	return false;
}
