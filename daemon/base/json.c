/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <inttypes.h>
#include <math.h>

#include "base/escape.h"

static void
begin(struct buf *b, const char *key)
{
	char last = b->n > 0 ? b->p[b->n - 1] : '{';

	if (last != '{' && last != '[')
		buf_char(b, ',');
	if (key != NULL) {
		buf_char(b, '"');
		buf_text(b, key);
		buf_put(b, "\":", 2);
	}
}

void
json_open(struct buf *b, const char *key, char bracket)
{
	if (b->n > 0)
		begin(b, key);
	buf_char(b, bracket);
}

void
json_close(struct buf *b, char bracket)
{
	buf_char(b, bracket);
}

void
json_text(struct buf *b, const char *key, const char *value)
{
	begin(b, key);
	if (value == NULL)
		buf_text(b, "null");
	else
		escape_json(b, span_of(value));
}

void
json_int(struct buf *b, const char *key, int64_t value)
{
	begin(b, key);
	buf_printf(b, "%" PRId64, value);
}

void
json_real(struct buf *b, const char *key, double value)
{
	begin(b, key);
	if (isfinite(value))
		buf_printf(b, "%.3f", value);
	else
		buf_text(b, "null"); /* JSON has no other word for it */
}

void
json_bool(struct buf *b, const char *key, bool value)
{
	begin(b, key);
	buf_text(b, value ? "true" : "false");
}
