/* SPDX-License-Identifier: Apache-2.0 */
/* Files: read whole, and who may have written them. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Read a regular file; one of more than limit bytes is refused.  On failure
 * NULL and *why (the caller frees both); the result has a NUL after its *n
 * bytes.
 */
char *file_read(const char *path, size_t limit, size_t *n, char **why);

/*
 * True if the file and its folder are owned by root or by uid and nobody
 * else may write to them.  Otherwise *why says what to change.
 */
bool file_trusted(int fd, const char *path, uid_t, char **why);

#endif
