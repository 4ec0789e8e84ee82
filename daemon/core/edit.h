/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one edit plan of a message.
 *
 * Instances change a view of the message; what the MTA must be told is
 * worked out at the end by comparing the view with the original, so that
 * indices count what the MTA has, deletes go from the highest index down,
 * inserts use index 0 only, and the body is replaced in one run.
 * Knows nothing of instances but their names.
 */
#ifndef CORE_EDIT_H
#define CORE_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "core/event.h"

struct edit_plan;

/* Everything lives in the arena: no destroy. */
struct edit_plan *edit_create(struct arena *);

/* A field of the original, in order, with its raw value. Copied. */
void edit_original(struct edit_plan *, const char *name, const char *value);

/* The view, with all edits so far.  nth from 1; index from 0. */
const char *edit_header(
    const struct edit_plan *, const char *name, uint32_t nth);
bool edit_header_at(const struct edit_plan *, uint32_t index, const char **name,
    const char **value);

/*
 * Edits by an instance.  False and *why (static text) if they break the
 * border rules: a name of 1 to 255 bytes of printable ASCII without colon
 * (RFC 5322, 2.2); a value without NUL or CR, with each LF followed by a
 * blank; an address without control bytes, blanks, < or >; a nth that does
 * not exist.  A value has at most 60,000 bytes, an address and its ESMTP
 * arguments (printable ASCII) 2,048 each, or no milter packet would hold
 * them.  Only a sender may be "".  What is no printable ASCII in the reason
 * for a quarantine becomes "?".  by is borrowed, and never NULL.
 */
bool edit_add(struct edit_plan *, const char *by, const char *name,
    const char *value, const char **why);
bool edit_insert(struct edit_plan *, const char *by, const char *name,
    const char *value, const char **why);
bool edit_change(struct edit_plan *, const char *by, const char *name,
    uint32_t nth, const char *value, const char **why);
bool edit_delete(struct edit_plan *, const char *by, const char *name,
    uint32_t nth, const char **why);
bool edit_sender(struct edit_plan *, const char *by, const char *from,
    const char *args, const char **why);
bool edit_add_recipient(struct edit_plan *, const char *by, const char *to,
    const char *args, const char **why);
bool edit_delete_recipient(
    struct edit_plan *, const char *by, const char *to, const char **why);
bool edit_body(struct edit_plan *, const char *by, const void *bytes, size_t n,
    const char **why);
bool edit_quarantine(
    struct edit_plan *, const char *by, const char *reason, const char **why);

/*
 * Two instances that changed the same thing: lines like "stamp changed
 * Subject after tag".  Each once, the first 64.  Returns how many there are.
 */
size_t edit_conflicts(const struct edit_plan *, const char *const **lines);

/* What to tell the MTA, in the order to send.  Call once, at eom. */
size_t edit_finish(struct edit_plan *, const struct edit **edits);

/* True if nothing was edited. */
bool edit_empty(const struct edit_plan *);
/* True if recipients has one or more, and the edits leave none of them. */
bool edit_leaves_no_recipient(
    const struct edit_plan *, const char *const *recipients);

#endif
