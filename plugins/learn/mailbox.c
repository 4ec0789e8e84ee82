/* SPDX-License-Identifier: Apache-2.0 */
#include "mailbox.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX ((size_t)1 << 30)

struct visit {
	bool (*seen)(void *arg, const char *text, size_t len);
	void *arg;
	char **why;
	bool enough;
};

static bool
cannot(const struct visit *v, const char *path, const char *what)
{
	if (asprintf(v->why, "%s: %s", path, what) == -1)
		*v->why = NULL;
	return false;
}

/* "From " at the start of a line after an empty one, or of the text. */
static const char *
find_from(const char *p, size_t n)
{
	const char *end = p + n, *at = p;

	while ((at = memmem(at, (size_t)(end - at), "\nFrom ", 6)) != NULL) {
		if (at > p &&
		    (at[-1] == '\n' ||
			(at[-1] == '\r' && at - 1 > p && at[-2] == '\n')))
			return at + 1;
		at++;
	}
	return NULL;
}

bool
mailbox_next(const char **at, size_t *left, const char **text, size_t *len)
{
	const char *next;

	if (*left == 0)
		return false;
	*text = *at;
	*len = *left;
	if (*left >= 5 && memcmp(*at, "From ", 5) == 0 &&
	    (next = find_from(*at, *left)) != NULL)
		*len = (size_t)(next - *at);
	*at += *len;
	*left -= *len;
	return true;
}

static bool
read_all(FILE *f, char **text, size_t *n)
{
	size_t room = 0, got;
	char *bigger;

	*text = NULL;
	*n = 0;
	do {
		if (*n + 65536 > room) {
			room = room == 0 ? 1 << 18 : 2 * room;
			if (room > 2 * FILE_MAX ||
			    (bigger = realloc(*text, room)) == NULL) {
				errno = ENOMEM;
				return false;
			}
			*text = bigger;
		}
		got = fread(*text + *n, 1, 65536, f);
		*n += got;
	} while (got > 0);
	return !ferror(f);
}

static bool
visit_stream(struct visit *v, FILE *f, const char *name)
{
	const char *at, *message;
	size_t left, len;
	char *text;
	bool ok = read_all(f, &text, &left);

	if (!ok)
		cannot(v, name, strerror(errno));
	at = text;
	while (ok && !v->enough && mailbox_next(&at, &left, &message, &len))
		v->enough = !v->seen(v->arg, message, len);
	free(text);
	return ok;
}

static bool
visit_file(struct visit *v, const char *path)
{
	FILE *f = fopen(path, "re");
	bool ok;

	if (f == NULL)
		return cannot(v, path, strerror(errno));
	ok = visit_stream(v, f, path);
	fclose(f);
	return ok;
}

static int
is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The files of one folder, by name; folders in it are left alone. */
static bool
visit_folder(struct visit *v, const char *folder)
{
	struct dirent **names;
	int n = scandir(folder, &names, is_visible, alphasort);
	bool ok = n >= 0 || cannot(v, folder, strerror(errno));

	for (int i = 0; i < n; i++) {
		char *path = NULL;

		if (ok && !v->enough &&
		    asprintf(&path, "%s/%s", folder, names[i]->d_name) != -1 &&
		    !is_folder(path))
			ok = visit_file(v, path);
		free(path);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	return ok;
}

static bool
visit_maildir(struct visit *v, const char *path)
{
	static const char *const parts[] = { "cur", "new" };
	bool ok = true, found = false;

	for (size_t i = 0; i < 2 && ok; i++) {
		char *folder = NULL;

		if (asprintf(&folder, "%s/%s", path, parts[i]) == -1)
			return cannot(v, path, "out of memory");
		if (is_folder(folder)) {
			found = true;
			ok = visit_folder(v, folder);
		}
		free(folder);
	}
	return found ? ok : visit_folder(v, path);
}

bool
mailbox_each(const char *path,
    bool (*seen)(void *arg, const char *text, size_t len), void *arg,
    char **why)
{
	struct visit v = { seen, arg, why, false };

	*why = NULL;
	if (strcmp(path, "-") == 0)
		return visit_stream(&v, stdin, "standard input");
	if (is_folder(path))
		return visit_maildir(&v, path);
	return visit_file(&v, path);
}
