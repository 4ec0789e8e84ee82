/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line per event, key=value or JSON, to stderr, a file or syslog.
 * error = we failed; warn = an operator could act; info = the one line per
 * message and what starts and stops; debug = everything else.
 * All functions may be called from any thread.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};
enum log_target { LOG_TARGET_STDERR, LOG_TARGET_SYSLOG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_settings {
	enum log_level level;
	enum log_target target;
	enum log_format format;
};

/* part: who speaks, "master", "front mx", "worker 3"; copied. */
void log_open(const char *part, const struct log_settings *);
bool log_wants(enum log_level);

/* A sentence; untrusted bytes in it are escaped (\xNN). */
void log_error(const char *, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *, ...) __attribute__((format(printf, 1, 2)));
void log_at(enum log_level, const char *, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A line of fields: begin, fields in the order wanted, end.  The buffer is
 * the caller's; log_line_end writes it at the level and frees it.  A NULL
 * value leaves the field out.
 */
struct log_line {
	struct buf text;
	enum log_format format;
};
void log_line_begin(struct log_line *, const char *event);
void log_line_text(struct log_line *, const char *key, const char *value);
void log_line_int(struct log_line *, const char *key, int64_t);
void log_line_real(struct log_line *, const char *key, double);
void log_line_end(struct log_line *, enum log_level);

#endif
