/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 1000, FILES = 256 };

struct snapshot {
	void *memory;
	unsigned users; /* the list's own is one */
};

struct file {
	char *path;
	struct snapshot *newest;
	struct timespec changed;
	ino_t inode;
	int64_t looked_ms;
	const char *why;
	struct file *next;
};

struct snapshots {
	pthread_mutex_t lock; /* guards the rest */
	struct file *files;
	unsigned count;
};

struct snapshots *
snapshots_create(void)
{
	struct snapshots *s = calloc(1, sizeof(*s));

	if (s != NULL)
		pthread_mutex_init(&s->lock, NULL);
	return s;
}

static void
drop(struct snapshot *s)
{
	if (s == NULL || --s->users > 0)
		return;
	munmap(s->memory, MODEL_SIZE);
	free(s);
}

void
snapshots_destroy(struct snapshots **snapshots)
{
	struct snapshots *s = *snapshots;
	struct file *f, *next;

	if (s == NULL)
		return;
	for (f = s->files; f != NULL; f = next) {
		next = f->next;
		drop(f->newest);
		free(f->path);
		free(f);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
	*snapshots = NULL;
}

static struct file *
file_of(struct snapshots *s, const char *path)
{
	struct file *f = s->files;

	while (f != NULL && strcmp(f->path, path) != 0)
		f = f->next;
	if (f != NULL || s->count == FILES)
		return f;
	if ((f = calloc(1, sizeof(*f))) == NULL ||
	    (f->path = strdup(path)) == NULL) {
		free(f);
		return NULL;
	}
	f->looked_ms = INT64_MIN / 2;
	f->next = s->files;
	s->files = f;
	s->count++;
	return f;
}

/* A mapping of the file, checked; NULL and *why. */
static struct snapshot *
map_file(int fd, const struct stat *st, const char **why)
{
	struct snapshot *s;
	void *memory;

	if ((uint64_t)st->st_size != MODEL_SIZE) {
		*why = "it is not a model of this learner, or it is cut off";
		return NULL;
	}
	memory = mmap(NULL, MODEL_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		*why = "it cannot be mapped";
		return NULL;
	}
	*why = model_fault(memory, MODEL_SIZE);
	if (*why != NULL || (s = calloc(1, sizeof(*s))) == NULL) {
		munmap(memory, MODEL_SIZE);
		return NULL;
	}
	s->memory = memory;
	s->users = 1;
	return s;
}

static bool
is_same(const struct file *f, const struct stat *st)
{
	return f->newest != NULL && f->inode == st->st_ino &&
	       f->changed.tv_sec == st->st_mtim.tv_sec &&
	       f->changed.tv_nsec == st->st_mtim.tv_nsec;
}

/* What cannot be read leaves the last good model in force. */
static void
look(struct file *f)
{
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct snapshot *s;
	struct stat st;

	f->why = NULL;
	if (fd == -1) {
		f->why = errno == ENOENT ? NULL : "it cannot be opened";
		return;
	}
	if (fstat(fd, &st) == 0 && !is_same(f, &st) &&
	    (s = map_file(fd, &st, &f->why)) != NULL) {
		drop(f->newest);
		f->newest = s;
		f->inode = st.st_ino;
		f->changed = st.st_mtim;
	}
	close(fd);
}

const struct snapshot *
snapshot_take(
    struct snapshots *s, const char *path, int64_t now_ms, const char **why)
{
	struct snapshot *newest = NULL;
	struct file *f;

	*why = NULL;
	pthread_mutex_lock(&s->lock);
	if ((f = file_of(s, path)) != NULL) {
		if (now_ms - f->looked_ms >= LOOK_MS) {
			f->looked_ms = now_ms;
			look(f);
		}
		*why = f->why;
		newest = f->newest;
		if (newest != NULL)
			newest->users++;
	}
	pthread_mutex_unlock(&s->lock);
	return newest;
}

struct model
snapshot_model(const struct snapshot *s)
{
	return model_at(s->memory);
}

void
snapshot_give(struct snapshots *s, const struct snapshot *taken)
{
	if (taken == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	drop((struct snapshot *)(uintptr_t)taken);
	pthread_mutex_unlock(&s->lock);
}

static char *
text(const char *path, const char *what)
{
	char *why = NULL;

	if (asprintf(&why, "%s: %s", path, what) == -1)
		return NULL;
	return why;
}

/*
 * Whoever learns first makes the files; they belong to whom the folder
 * belongs, so that the next one can learn as well.
 */
static void
own_as_folder(int fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = NULL;
	struct stat st;

	if (slash == NULL ||
	    asprintf(&folder, "%.*s/", (int)(slash - path), path) == -1)
		return;
	if (stat(folder, &st) == 0 &&
	    (fchown(fd, st.st_uid, st.st_gid) == 0 ||
		fchown(fd, (uid_t)-1, st.st_gid) == 0))
		fchmod(fd, 0664);
	free(folder);
}

void
snapshot_make_shared(const char *path)
{
	int fd = open(
	    path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0664);

	if (fd == -1)
		return; /* it is there, or whoever opens it says why not */
	own_as_folder(fd, path);
	close(fd);
}

static bool
take_lock(struct writer *w, char **why)
{
	char *path = NULL;

	if (asprintf(&path, "%s.lock", w->path) == -1)
		return false;
	w->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);
	if (w->lock == -1 || flock(w->lock, LOCK_EX) == -1)
		*why = text(path, strerror(errno));
	else
		own_as_folder(w->lock, path);
	free(path);
	return *why == NULL;
}

/* False only if something is there that must not be overwritten. */
static bool
read_old(struct writer *w, char **why)
{
	const char *fault = NULL;
	int fd = open(w->path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1 && errno == ENOENT) {
		model_begin(&w->model);
		return true;
	}
	if (fd == -1) {
		*why = text(w->path, strerror(errno));
		return false;
	}
	n = read(fd, w->memory, MODEL_SIZE);
	close(fd);
	if (n < 0)
		fault = strerror(errno);
	else
		fault = model_fault(w->memory, (uint64_t)n);
	if (fault != NULL)
		*why = text(w->path, fault);
	return fault == NULL;
}

bool
writer_begin(struct writer *w, const char *path, char **why)
{
	*w = (struct writer){ .path = path, .lock = -1 };
	*why = NULL;
	if ((w->memory = calloc(1, MODEL_SIZE)) == NULL) {
		*why = text(path, "out of memory");
		return false;
	}
	w->model = model_at(w->memory);
	if (take_lock(w, why) && read_old(w, why))
		return true;
	writer_end(w);
	return false;
}

static bool
write_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t written = write(fd, p, n);

		if (written == -1)
			return false;
		p += written;
		n -= (size_t)written;
	}
	return true;
}

/* Who could read and write the old one can do so with the new one. */
static void
keep_owner(int fd, const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1) {
		own_as_folder(fd, path);
		return;
	}
	if (fchown(fd, st.st_uid, st.st_gid) == -1 &&
	    fchown(fd, (uid_t)-1, st.st_gid) == -1)
		return;
	fchmod(fd, st.st_mode & 0777);
}

bool
writer_commit(struct writer *w, char **why)
{
	char *new = NULL;
	bool ok = false;
	int fd;

	*why = NULL;
	w->model.head->changed = time(NULL);
	if (asprintf(&new, "%s.new", w->path) == -1)
		return false;
	unlink(new); /* left by a writer that was killed; the lock is ours */
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0664);
	if (fd != -1) {
		keep_owner(fd, w->path);
		ok = write_all(fd, w->memory, MODEL_SIZE) && fsync(fd) == 0;
		ok = close(fd) == 0 && ok;
		ok = ok && rename(new, w->path) == 0;
	}
	if (!ok) {
		*why = text(new, strerror(errno));
		unlink(new);
	}
	free(new);
	return ok;
}

void
writer_end(struct writer *w)
{
	free(w->memory);
	if (w->lock != -1)
		close(w->lock);
	*w = (struct writer){ .lock = -1 };
}
