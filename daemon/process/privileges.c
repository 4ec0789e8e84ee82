/* SPDX-License-Identifier: Apache-2.0 */
#include "process/privileges.h"

#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "config/database.h"

#define DEFAULT_USER "millrace"

bool
privileges_find(
    const struct config_globals *g, struct privileges *p, char **why)
{
	const struct passwd *pw;
	const struct group *gr = NULL;

	*p = (struct privileges){ geteuid(), getegid(), false };
	if (geteuid() != 0)
		return true; /* started as somebody: that is who we stay */
	pw = getpwnam(g->user);
	if (pw == NULL && strcmp(g->user, DEFAULT_USER) == 0) {
		log_warn("there is no user " DEFAULT_USER
			 ": running as nobody; set user in the config");
		pw = getpwnam("nobody");
	}
	if (pw == NULL) {
		*why = memory_printf("user \"%s\" does not exist", g->user);
		return false;
	}
	p->uid = pw->pw_uid;
	p->gid = pw->pw_gid;
	if (g->group != NULL && (gr = getgrnam(g->group)) == NULL) {
		*why = memory_printf("group \"%s\" does not exist", g->group);
		return false;
	}
	if (g->group != NULL)
		p->gid = gr->gr_gid;
	p->drop = p->uid != 0;
	return true;
}

bool
privileges_drop(const struct privileges *p, char **why)
{
	if (p->drop && (setgroups(0, NULL) == -1 || setgid(p->gid) == -1 ||
			   setuid(p->uid) == -1)) {
		*why = memory_printf("cannot become user %u: %s",
		    (unsigned)p->uid, strerror(errno));
		return false;
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return true;
}

/* Make it and what leads to it; only the last is given away. */
static bool
make_folder(const char *path, mode_t mode, uid_t uid, gid_t gid, char **why)
{
	char *copy = memory_copy(path);
	bool ok = true;

	for (char *p = copy + 1; ok && *p != '\0'; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		ok = mkdir(copy, 0755) == 0 || errno == EEXIST;
		*p = '/';
	}
	free(copy);
	if (ok && mkdir(path, mode) == 0)
		ok = geteuid() != 0 ||
		     (chown(path, uid, gid) == 0 && chmod(path, mode) == 0);
	else
		ok = ok && errno == EEXIST;
	if (!ok)
		*why = memory_printf("%s: %s", path, strerror(errno));
	return ok;
}

/*
 * What uses the store tells what is wrong with its folder; a daemon that
 * does not use it shall start without.
 */
void
privileges_make_store(
    const struct config_globals *g, const struct privileges *p)
{
	struct database d;
	char *why = NULL;

	if (database_parse(g->store, &d, &why) &&
	    !make_folder(d.kind == DATABASE_LMDB ? d.path : g->store_mirror,
		0700, p->uid, p->gid, &why))
		log_debug("store: %s", why);
	free(why);
}

bool
privileges_make_folders(
    const struct config_globals *g, const struct privileges *p, char **why)
{
	char *workers = memory_printf("%s/workers", g->run_dir);
	char *journal = memory_copy(g->journal != NULL ? g->journal : "");
	bool ok = make_folder(g->run_dir, 0755, geteuid(), getegid(), why) &&
		  make_folder(workers, 0700, p->uid, p->gid, why) &&
		  make_folder(g->spool_dir, 0700, p->uid, p->gid, why) &&
		  (journal[0] == '\0' ||
		      make_folder(dirname(journal), 0750, p->uid, p->gid, why));

	privileges_make_store(g, p);
	free(workers);
	free(journal);
	return ok;
}

void
privileges_raise_files(void)
{
	struct rlimit r = { 1 << 20, 1 << 20 };

	if (setrlimit(RLIMIT_NOFILE, &r) == 0 ||
	    getrlimit(RLIMIT_NOFILE, &r) == -1)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}
