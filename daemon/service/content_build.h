/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of content_message.c fill together while one message is
 * taken apart.
 */
#ifndef SERVICE_CONTENT_BUILD_H
#define SERVICE_CONTENT_BUILD_H

#include "base/buf.h"
#include "service/content_message.h"
#include "service/content_text.h"

struct content_build {
	struct arena *arena;
	const struct content_limits *limits;
	struct buf text, raw;
	struct content_text seen; /* fills text */
	uint64_t decoded;
	struct mr_part *parts;
	struct mr_url *urls;
	struct mr_finding *findings;
	size_t parts_room, urls_room, findings_room;
	uint32_t nparts, nurls, nfindings;
	uint32_t *url_index; /* by hash, open; 0: empty, else 1 + index */
	bool late;
};

/* detail may be NULL.  Each name is kept once, with its first detail. */
void content_build_finding(
    struct content_build *, const char *name, const char *detail);
/* Is the time over?  A finding says so. */
bool content_build_late(struct content_build *);
/* NULL, and a finding: there are too many. */
struct mr_part *content_build_part(struct content_build *);
/* One link; shown may be empty.  Those within it are added too. */
void content_build_url(
    struct content_build *, struct span url, struct span shown);
/* Bytes of any sort, as valid UTF-8 in the arena, on one line. */
const char *content_build_line(struct content_build *, struct span);

/* content_part.c: one leaf, decoded. */
struct content_leaf {
	const char *type, *charset;
	const char *filename;
	bool attachment;
	uint32_t depth;
};
struct content_decoder {
	/*
	 * The next decoded bytes, n is 0 at the end.  They live until the
	 * next call.
	 */
	struct span (*next)(struct content_decoder *);
};
void content_part_read(struct content_build *, const struct content_leaf *,
    struct content_decoder *);

/* content_mime.c: the tree of parts; calls content_part_read() for each. */
void content_mime_start(void);
void content_mime_read(struct content_build *,
    const struct content_field *fields, size_t nfields, struct span body);

#endif
