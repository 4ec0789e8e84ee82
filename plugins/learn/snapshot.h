/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model files: read by many, replaced whole by one.
 *
 * A reader maps the file and keeps the mapping as long as it uses it; a new
 * file comes by rename, so that what is mapped never changes.
 */
#ifndef LEARN_SNAPSHOT_H
#define LEARN_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "model.h"

/* --- reading: [any] --- */

struct snapshots; /* the files that an instance reads */
struct snapshot;

struct snapshots *snapshots_create(void);
void snapshots_destroy(struct snapshots **); /* nobody may hold one */

/*
 * The newest model at the path, or NULL and *why (static text; NULL: there
 * is no such file).  Give it back.  now_ms: a file is looked at again after
 * a second.
 */
const struct snapshot *snapshot_take(
    struct snapshots *, const char *path, int64_t now_ms, const char **why);
struct model snapshot_model(const struct snapshot *);
void snapshot_give(struct snapshots *, const struct snapshot *);

/* --- writing: [main] --- */

/* Make an empty file that its folder's owner and group can write to. */
void snapshot_make_shared(const char *path);

/* The one writer: waits for another to end.  Copies what is there. */
struct writer {
	struct model model;
	void *memory;
	const char *path; /* borrowed */
	int lock;
};

/*
 * False and *why (the caller frees it): no file can be written there, or
 * what is there is no model.
 */
bool writer_begin(struct writer *, const char *path, char **why);
/* Put what was learned in force; false and *why: the old file stays. */
bool writer_commit(struct writer *, char **why);
void writer_end(struct writer *);

#endif
