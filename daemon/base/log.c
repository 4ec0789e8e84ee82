/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line is put together whole and goes out in one write, so that lines of
 * several threads and processes never mix.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/memory.h"

struct output {
	struct log_settings settings;
	bool journal; /* stderr goes to systemd's journal */
	char *part;
	struct output *before;
};

static const struct level {
	const char *name;
	int priority; /* of syslog(3), and in the journal's "<6>" */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
	[LOG_LEVEL_WARN] = { "warn", LOG_WARNING },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

static char first_part[] = "millrace";
static struct output first = {
	.settings = { LOG_LEVEL_INFO, LOG_TARGET_STDERR, LOG_FORMAT_TEXT },
	.part = first_part,
};

/* Never freed: another thread may be writing a line by an older one. */
static _Atomic(struct output *) current = &first;

/* The variable is inherited by children whose stderr is something else. */
static bool
is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return text != NULL &&
	       sscanf(text, "%llu:%llu", &device, &inode) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device &&
	       st.st_ino == inode;
}

void
log_open(const char *part, const struct log_settings *settings)
{
	struct output *o = memory_zalloc(sizeof(*o));
	struct buf name = { 0 };

	escape_log(&name, span_of(part));
	o->settings = *settings;
	o->journal = is_journal();
	o->part = name.p;
	if (settings->target == LOG_TARGET_SYSLOG)
		openlog("millraced", LOG_PID | LOG_NDELAY, LOG_MAIL);
	o->before = atomic_load(&current);
	while (!atomic_compare_exchange_weak(&current, &o->before, o))
		;
}

bool
log_wants(enum log_level level)
{
	return level <= atomic_load(&current)->settings.level;
}

/* A log that cannot be written is nothing that mail should wait for. */
static void
write_all(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = write(STDERR_FILENO, p, n);

		if (done == -1 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		p += done;
		n -= (size_t)done;
	}
}

static void
put_start(struct buf *b, const struct output *o, enum log_level level,
    enum log_format format)
{
	char now[32];

	clock_format(clock_wall_us(), now);
	if (o->settings.target == LOG_TARGET_STDERR && o->journal)
		buf_printf(b, "<%d>", levels[level].priority);
	if (format == LOG_FORMAT_JSON) {
		buf_char(b, '{'); /* json_open sets a comma after "<6>" */
		json_text(b, "time", now);
		json_text(b, "level", levels[level].name);
		json_text(b, "part", o->part);
		return;
	}
	if (o->settings.target == LOG_TARGET_STDERR && !o->journal)
		buf_printf(b, "%s %s ", now, levels[level].name);
	buf_printf(b, "%s: ", o->part);
}

static void
put_out(struct buf *b, const struct output *o, enum log_level level)
{
	int saved = errno;

	if (o->settings.target == LOG_TARGET_SYSLOG) {
		syslog(LOG_MAIL | levels[level].priority, "%s", b->p);
	} else {
		buf_char(b, '\n');
		write_all(b->p, b->n);
	}
	errno = saved;
	buf_finish(b);
}

static void __attribute__((format(printf, 2, 0)))
sentence(enum log_level level, const char *format, va_list args)
{
	const struct output *o = atomic_load(&current);
	struct buf b = { 0 };
	char *text;

	if (level > o->settings.level)
		return;
	text = memory_vprintf(format, args);
	put_start(&b, o, level, o->settings.format);
	if (o->settings.format == LOG_FORMAT_JSON) {
		json_text(&b, "message", text);
		json_close(&b, '}');
	} else {
		escape_log(&b, span_of(text));
	}
	free(text);
	put_out(&b, o, level);
}

void
log_at(enum log_level level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	sentence(level, format, args);
	va_end(args);
}

void
log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	sentence(LOG_LEVEL_ERROR, format, args);
	va_end(args);
}

void
log_warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	sentence(LOG_LEVEL_WARN, format, args);
	va_end(args);
}

void
log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	sentence(LOG_LEVEL_INFO, format, args);
	va_end(args);
}

void
log_debug(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	sentence(LOG_LEVEL_DEBUG, format, args);
	va_end(args);
}

void
log_line_begin(struct log_line *line, const char *event)
{
	line->text = (struct buf){ 0 };
	line->format = atomic_load(&current)->settings.format;
	if (line->format == LOG_FORMAT_JSON) {
		json_open(&line->text, NULL, '{');
		json_text(&line->text, "event", event);
	} else {
		escape_log(&line->text, span_of(event));
	}
}

void
log_line_text(struct log_line *line, const char *key, const char *value)
{
	if (value == NULL)
		return;
	if (line->format == LOG_FORMAT_JSON) {
		json_text(&line->text, key, value);
		return;
	}
	buf_printf(&line->text, " %s=", key);
	escape_logfmt(&line->text, span_of(value));
}

void
log_line_int(struct log_line *line, const char *key, int64_t value)
{
	if (line->format == LOG_FORMAT_JSON)
		json_int(&line->text, key, value);
	else
		buf_printf(&line->text, " %s=%lld", key, (long long)value);
}

/* Three decimals at most, and none that say nothing: 6.2, not 6.200. */
void
log_line_real(struct log_line *line, const char *key, double value)
{
	struct buf *b = &line->text;

	if (!(value > -1e15 && value < 1e15)) {
		log_line_text(line, key,
		    value > 0   ? "inf"
		    : value < 0 ? "-inf"
				: "nan");
		return;
	}
	if (line->format == LOG_FORMAT_JSON)
		json_real(b, key, value);
	else
		buf_printf(b, " %s=%.3f", key, value);
	while (b->p[b->n - 1] == '0')
		buf_cut(b, b->n - 1);
	if (b->p[b->n - 1] == '.')
		buf_cut(b, b->n - 1);
}

void
log_line_end(struct log_line *line, enum log_level level)
{
	const struct output *o = atomic_load(&current);
	struct buf b = { 0 };

	if (level <= o->settings.level) {
		/* log_open may have come since the line began */
		put_start(&b, o, level, line->format);
		if (line->format == LOG_FORMAT_JSON) {
			buf_char(&b, ',');
			buf_put(&b, line->text.p + 1, line->text.n - 1);
			json_close(&b, '}');
		} else {
			buf_put(&b, line->text.p, line->text.n);
		}
		put_out(&b, o, level);
	}
	buf_finish(&line->text);
}
