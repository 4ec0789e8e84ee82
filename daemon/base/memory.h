/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation that cannot fail: without memory the process ends.  That is
 * safe here, because a worker's messages are told again to another worker
 * and the master starts a front anew.  All return zeroed memory.
 */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdarg.h>
#include <stddef.h>

void *memory_zalloc(size_t);
void *memory_resize(void *, size_t); /* new bytes are not zeroed */
char *memory_copy(const char *);     /* strdup */
char *memory_printf(const char *, ...) __attribute__((format(printf, 1, 2)));
char *memory_vprintf(const char *, va_list)
    __attribute__((format(printf, 1, 0)));

#endif
