/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/memory.h"

/* Not by the size that stat tells: files in /proc say 0. */
static bool
read_all(int fd, const char *path, size_t limit, struct buf *b, char **why)
{
	char chunk[16 * 1024];
	ssize_t n;

	buf_put(b, "", 0);
	for (;;) {
		n = read(fd, chunk, sizeof(chunk));
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			*why = memory_printf("%s: %s", path, strerror(errno));
			return false;
		}
		if (n == 0)
			return true;
		if ((size_t)n > limit - b->n) {
			*why = memory_printf(
			    "%s: larger than %zu bytes", path, limit);
			return false;
		}
		buf_put(b, chunk, (size_t)n);
	}
}

char *
file_read(const char *path, size_t limit, size_t *n, char **why)
{
	struct buf b = { 0 };
	struct stat st;
	bool ok = false;
	/* O_NONBLOCK: opening a named pipe must not wait for its writer */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	*why = NULL;
	if (fd == -1 || fstat(fd, &st) == -1) {
		*why = memory_printf("%s: %s", path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		*why = memory_printf("%s: not a regular file", path);
		goto out;
	}
	ok = read_all(fd, path, limit, &b, why);
out:
	if (fd != -1)
		close(fd);
	if (!ok) {
		buf_finish(&b);
		return NULL;
	}
	*n = b.n;
	return b.p;
}

static bool
trusted(const struct stat *st, const char *path, uid_t uid, char **why)
{
	if (st->st_uid != 0 && st->st_uid != uid) {
		*why = memory_printf("%s: owned by uid %u; it must be owned "
				     "by root%s (chown root %s)",
		    path, (unsigned)st->st_uid,
		    uid == 0 ? "" : " or the daemon's user", path);
		return false;
	}
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		*why = memory_printf("%s: mode %04o lets others write to it "
				     "(chmod go-w %s)",
		    path, (unsigned)st->st_mode & 07777, path);
		return false;
	}
	return true;
}

/* Where the file that was opened lies, symlinks on the way resolved. */
static char *
real_path(int fd, const char *path)
{
	char *link = memory_printf("/proc/self/fd/%d", fd);
	char real[PATH_MAX];
	ssize_t n = readlink(link, real, sizeof(real) - 1);

	free(link);
	if (n <= 0 || real[0] != '/')
		return realpath(path, NULL); /* no /proc here */
	real[n] = '\0';
	return memory_copy(real);
}

bool
file_trusted(int fd, const char *path, uid_t uid, char **why)
{
	struct stat st;
	char *real = real_path(fd, path);
	char *slash;
	bool ok = false;

	*why = NULL;
	if (real == NULL || fstat(fd, &st) == -1) {
		*why = memory_printf("%s: %s", path, strerror(errno));
		goto out;
	}
	if (!trusted(&st, real, uid, why))
		goto out;
	slash = strrchr(real, '/');
	slash[slash == real ? 1 : 0] = '\0';
	if (stat(real, &st) == -1) {
		*why = memory_printf("%s: %s", real, strerror(errno));
		goto out;
	}
	ok = trusted(&st, real, uid, why);
out:
	free(real);
	return ok;
}
