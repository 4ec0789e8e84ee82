/* SPDX-License-Identifier: Apache-2.0 */
#include "link/channel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"

enum { READ_PART = 16 * 1024 };

union control {
	char bytes[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static bool
wait_for(int sock, short what, int64_t deadline_us)
{
	struct pollfd p = { .fd = sock, .events = what };

	for (;;) {
		int64_t left = deadline_us - clock_steady_us();
		int n;

		if (left < 0)
			left = 0;
		n = poll(&p, 1, (int)((left + 999) / 1000));
		if (n > 0)
			return true;
		if (n == 0 && left == 0)
			return false;
		if (n == -1 && errno != EINTR)
			return false;
	}
}

bool
channel_wait(int sock, int64_t deadline_us)
{
	return wait_for(sock, POLLIN, deadline_us);
}

static ssize_t
send_part(int sock, struct span s, int fd)
{
	struct iovec io = { .iov_base = (void *)(uintptr_t)s.p,
		.iov_len = s.n };
	struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
	union control c = { { 0 } };

	if (fd != -1) {
		m.msg_control = c.bytes;
		m.msg_controllen = sizeof(c.bytes);
		c.align.cmsg_level = SOL_SOCKET;
		c.align.cmsg_type = SCM_RIGHTS;
		c.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&c.align), &fd, sizeof(int));
	}
	return sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool
channel_send(int sock, struct span s, int fd, int64_t deadline_us)
{
	while (s.n > 0) {
		ssize_t n = send_part(sock, s, fd);

		if (n > 0) {
			s.p += n;
			s.n -= (size_t)n;
			fd = -1;
		} else if (n == -1 && errno == EINTR) {
			continue;
		} else if (n == -1 && errno != EAGAIN) {
			return false;
		} else if (!wait_for(sock, POLLOUT, deadline_us)) {
			return false;
		}
	}
	return true;
}

static void
take_descriptor(struct msghdr *m, int *fd)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int got;

	if (c == NULL || c->cmsg_level != SOL_SOCKET ||
	    c->cmsg_type != SCM_RIGHTS || c->cmsg_len != CMSG_LEN(sizeof(int)))
		return;
	memcpy(&got, CMSG_DATA(c), sizeof(int));
	if (fd == NULL) {
		close(got);
		return;
	}
	if (*fd != -1)
		close(*fd);
	*fd = got;
}

enum channel_read
channel_read(int sock, struct buf *in, int *fd)
{
	char part[READ_PART];
	struct iovec io = { .iov_base = part, .iov_len = sizeof(part) };
	union control c;
	struct msghdr m = { .msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = c.bytes,
		.msg_controllen = sizeof(c.bytes) };
	ssize_t n;

	do
		n = recvmsg(sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n == -1 && errno == EAGAIN)
		return CHANNEL_NOTHING;
	if (n <= 0)
		return CHANNEL_END;
	take_descriptor(&m, fd);
	buf_put(in, part, (size_t)n);
	return CHANNEL_GOT;
}

enum channel_read
channel_read_wait(int sock, struct buf *in, int *fd, int ms)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };
	int n = poll(&p, 1, ms);

	if (n == 0 || (n == -1 && errno == EINTR))
		return CHANNEL_NOTHING;
	return n == 1 ? channel_read(sock, in, fd) : CHANNEL_END;
}

static bool
unix_address(const char *path, struct sockaddr_un *a)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(a->sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(a->sun_path, path, strlen(path));
	return true;
}

int
channel_connect(const char *path)
{
	struct sockaddr_un a;
	int sock;

	if (!unix_address(path, &a))
		return -1;
	if ((sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		return -1;
	if (connect(sock, (struct sockaddr *)&a, sizeof(a)) == 0)
		return sock;
	close(sock);
	return -1;
}

int
channel_listen(const char *path, int backlog, unsigned mode)
{
	struct sockaddr_un a;
	int sock;

	if (!unix_address(path, &a))
		return -1;
	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock == -1)
		return -1;
	unlink(path);
	if (bind(sock, (struct sockaddr *)&a, sizeof(a)) == 0 &&
	    chmod(path, mode) == 0 && listen(sock, backlog) == 0)
		return sock;
	close(sock);
	return -1;
}
