/* SPDX-License-Identifier: Apache-2.0 */
#include "front/body.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { IN_MEMORY = 32 * 1024 };

void
body_init(struct body *b)
{
	*b = (struct body){ .fd = -1 };
}

void
body_finish(struct body *b)
{
	buf_finish(&b->memory);
	if (b->fd != -1)
		close(b->fd);
	body_init(b);
}

static bool
write_all(int fd, struct span s, uint64_t offset)
{
	while (s.n > 0) {
		ssize_t n = pwrite(fd, s.p, s.n, (off_t)offset);

		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		s.p += n;
		s.n -= (size_t)n;
		offset += (uint64_t)n;
	}
	return true;
}

static bool
move_to_memfd(struct body *b)
{
	struct span all = { b->memory.p, b->memory.n };
	int fd = memfd_create("millrace-body", MFD_CLOEXEC);

	if (fd == -1)
		return false;
	if (!write_all(fd, all, 0)) {
		close(fd);
		return false;
	}
	b->fd = fd;
	b->version++;
	buf_finish(&b->memory);
	return true;
}

static bool
copy_all(int from, int to, uint64_t n)
{
	char part[64 * 1024];

	for (uint64_t at = 0; at < n;) {
		ssize_t got = pread(from, part, sizeof(part), (off_t)at);

		if (got <= 0 ||
		    !write_all(to, (struct span){ part, (size_t)got }, at))
			return false;
		at += (uint64_t)got;
	}
	return true;
}

/*
 * To the disk.  A worker that has the memfd already keeps reading from it
 * what was told before, so the old file stays as it is.
 */
static bool
move_to_spool(struct body *b, const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd == -1)
		return false;
	if (!copy_all(b->fd, fd, b->size)) {
		close(fd);
		return false;
	}
	close(b->fd);
	b->fd = fd;
	b->version++;
	b->spooled = true;
	return true;
}

bool
body_append(
    struct body *b, struct span s, uint64_t spool_above, const char *spool_dir)
{
	if (b->fd == -1 && b->size + s.n <= IN_MEMORY) {
		buf_put(&b->memory, s.p, s.n);
		b->size += s.n;
		return true;
	}
	if (b->fd == -1 && !move_to_memfd(b))
		return false;
	if (!b->spooled && b->size + s.n > spool_above &&
	    !move_to_spool(b, spool_dir))
		return false;
	if (!write_all(b->fd, s, b->size))
		return false;
	b->size += s.n;
	return true;
}
