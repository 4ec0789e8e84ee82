/* SPDX-License-Identifier: Apache-2.0 */
/* A growing run of bytes.  Zeroed is empty; buf_finish frees it. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
	char *p; /* always followed by a NUL once something was put */
	size_t n;
	size_t size;
};

void buf_put(struct buf *, const void *, size_t);
void buf_text(struct buf *, const char *);
void buf_char(struct buf *, char);
void buf_printf(struct buf *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
void buf_cut(struct buf *, size_t n);  /* make it n bytes long again */
void buf_drop(struct buf *, size_t n); /* remove n bytes from its start */
void buf_fit(struct buf *);            /* give back what is not used */
void buf_finish(struct buf *);

#endif
