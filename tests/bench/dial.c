/* SPDX-License-Identifier: Apache-2.0 */
#include "dial.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

static bool
parse_unix(struct dial *d, const char *path)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&d->to;

	if (strlen(path) >= sizeof(un->sun_path))
		return false;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path) + 1);
	d->n = sizeof(*un);
	return true;
}

static bool
parse_inet(struct dial *d, int family, const char *text)
{
	struct addrinfo hints = { .ai_family = family,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char port[8];
	const char *at = strchr(text, '@');

	if (at == NULL || (size_t)(at - text) >= sizeof(port))
		return false;
	snprintf(port, sizeof(port), "%.*s", (int)(at - text), text);
	if (getaddrinfo(at + 1, port, &hints, &found) != 0)
		return false;
	memcpy(&d->to, found->ai_addr, found->ai_addrlen);
	d->n = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

bool
dial_parse(struct dial *d, const char *address)
{
	const char *rest = strchr(address, ':');
	size_t n = rest != NULL ? (size_t)(rest++ - address) : 0;

	memset(d, 0, sizeof(*d));
	if ((n == 4 && strncmp(address, "unix", n) == 0) ||
	    (n == 5 && strncmp(address, "local", n) == 0))
		return parse_unix(d, rest);
	if (n == 4 && strncmp(address, "inet", n) == 0)
		return parse_inet(d, AF_INET, rest);
	if (n == 5 && strncmp(address, "inet6", n) == 0)
		return parse_inet(d, AF_INET6, rest);
	return false;
}

int
dial_start(const struct dial *d)
{
	int fd = socket(
	    d->to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int saved;

	if (fd == -1)
		return -1;
	if (connect(fd, (const struct sockaddr *)&d->to, d->n) == 0 ||
	    errno == EINPROGRESS)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int
dial_result(int fd)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) == -1)
		return errno;
	return error;
}
