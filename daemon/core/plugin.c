/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading of shared objects: file checks before dlopen, the version rule
 * before anything else of the descriptor is believed.
 */
#include "core/plugin.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

/* The part of the descriptor that guards the rest. */
enum { GUARD_BYTES = offsetof(struct mr_plugin, name) };

static const char *
refuse_version(const struct mr_plugin *d, char why[256])
{
	uint32_t major = d->abi >> 16, minor = d->abi & 0xffff;

	if (major != MR_ABI_MAJOR)
		snprintf(why, 256,
		    "built for interface %u.%u, this daemon has %u.%u: "
		    "build it again",
		    major, minor, MR_ABI_MAJOR, MR_ABI_MINOR);
	else if (minor > MR_ABI_MINOR)
		snprintf(why, 256,
		    "built for a newer daemon (interface %u.%u > %u.%u)", major,
		    minor, MR_ABI_MAJOR, MR_ABI_MINOR);
	else if (minor < PLUGIN_OLDEST_MINOR)
		snprintf(why, 256,
		    "built for interface %u.%u, this daemon takes %u.%u to "
		    "%u.%u: build it again",
		    major, minor, MR_ABI_MAJOR, PLUGIN_OLDEST_MINOR,
		    MR_ABI_MAJOR, MR_ABI_MINOR);
	else
		return NULL;
	return why;
}

const char *
plugin_refuse(const struct mr_plugin *d, const char *file_name, char why[256])
{
	/* 0.1 is the smallest there is: later members may be missing. */
	const size_t smallest =
	    offsetof(struct mr_plugin, session_end) + sizeof(d->session_end);

	if (refuse_version(d, why) != NULL)
		return why;
	if (d->size < smallest || d->size > 64 * 1024)
		return "its descriptor has an impossible size";
	if (d->option_size < sizeof(struct mr_option) || d->option_size > 4096)
		return "its options have an impossible size";
	if (d->flags != 0)
		return "it sets flags that this daemon does not know";
	if (d->name == NULL || d->version == NULL || d->summary == NULL)
		return "it has no name, version or summary";
	if (strcmp(d->name, file_name) != 0) {
		snprintf(why, 256,
		    "it calls itself \"%.64s\": the file must bear that name",
		    d->name);
		return why;
	}
	return NULL;
}

/* dlopen through the descriptor that was checked, not through the name. */
static void *
open_checked(int fd, const char *path, char **why)
{
	char by_fd[64];
	void *handle;

	if (!file_trusted(fd, path, geteuid(), why))
		return NULL;
	snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
	handle = dlopen(by_fd, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL)
		*why = memory_copy(dlerror());
	return handle;
}

/* What this daemon knows of the descriptor; the rest stays 0. */
static bool
take_descriptor(struct plugin *p, void *handle, const char *name, char **why)
{
	char symbol[128], text[256];
	const struct mr_plugin *d;
	const char *refusal;

	snprintf(symbol, sizeof(symbol), "mr_plugin_%s", name);
	if ((d = dlsym(handle, symbol)) == NULL) {
		*why = memory_printf("it does not export %s", symbol);
		return false;
	}
	if ((refusal = plugin_refuse(d, name, text)) != NULL) {
		*why = memory_copy(refusal);
		return false;
	}
	memcpy(
	    &p->desc, d, d->size < sizeof(p->desc) ? d->size : sizeof(p->desc));
	return true;
}

/* Only what lies in the folder itself, and no FIFO may hold us up. */
static int
open_file(const char *path, char **why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd == -1) {
		*why = memory_copy(
		    errno == ELOOP
			? "it is a symbolic link: put the file itself there"
			: strerror(errno));
		return -1;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	*why = memory_copy("it is not a regular file");
	close(fd);
	return -1;
}

static bool
load_one(struct plugin *p, const char *path, const char *name, char **why)
{
	void *handle;
	int fd;

	if ((fd = open_file(path, why)) == -1)
		return false;
	handle = open_checked(fd, path, why);
	/* The descriptor stays open: its /proc name must stay this file's. */
	if (handle == NULL || !take_descriptor(p, handle, name, why)) {
		close(fd);
		return false;
	}
	p->path = memory_copy(path);
	return true;
}

static bool
name_of(const char *file, char name[64])
{
	const char *dot = strrchr(file, '.');
	size_t n = dot != NULL ? (size_t)(dot - file) : 0;

	if (n == 0 || n >= 64 || strcmp(dot, ".so") != 0)
		return false;
	memcpy(name, file, n);
	name[n] = '\0';
	return true;
}

static void
add_refused(struct plugin_set *set, size_t *n, char *line)
{
	set->refused =
	    memory_resize(set->refused, (*n + 2) * sizeof(*set->refused));
	set->refused[(*n)++] = line;
	set->refused[*n] = NULL;
}

bool
plugin_load_all(const char *dir, struct plugin_set *set, char **why)
{
	struct dirent **files;
	size_t refused = 0;
	int n;

	memset(set, 0, sizeof(*set));
	*why = NULL;
	if ((n = scandir(dir, &files, NULL, alphasort)) == -1) {
		*why = memory_printf(
		    "%s: %s: set plugin-dir to the folder that holds the "
		    "plugins",
		    dir, strerror(errno));
		return false;
	}
	set->plugins = memory_zalloc(((size_t)n + 1) * sizeof(*set->plugins));
	for (int i = 0; i < n; i++) {
		char name[64], *path, *reason = NULL;

		path = memory_printf("%s/%s", dir, files[i]->d_name);
		if (name_of(files[i]->d_name, name)) {
			if (load_one(
				&set->plugins[set->count], path, name, &reason))
				set->count++;
			else
				add_refused(set, &refused,
				    memory_printf("%s: %s", path, reason));
		}
		free(reason);
		free(path);
		free(files[i]);
	}
	free(files);
	return true;
}

void
plugin_set_finish(struct plugin_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->plugins[i].path);
	for (size_t i = 0; set->refused != NULL && set->refused[i] != NULL; i++)
		free(set->refused[i]);
	free(set->refused);
	free(set->plugins);
	memset(set, 0, sizeof(*set));
}
