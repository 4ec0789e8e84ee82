/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

struct line {
	const char *p;
	size_t n;
};

/* Cut a line with its CRLF off the head. */
static bool
next_line(struct line *head, struct line *line)
{
	const char *end = memchr(head->p, '\n', head->n);
	size_t n = end != NULL ? (size_t)(end - head->p) : 0;

	if (end == NULL)
		return false;
	*line = (struct line){ head->p, n };
	if (n > 0 && line->p[n - 1] == '\r')
		line->n--;
	head->p += n + 1;
	head->n -= n + 1;
	return true;
}

/* "HTTP/1.1 200 OK" */
static bool
read_status(struct line l, int *status)
{
	static const char version[] = "HTTP/1.";
	size_t at = sizeof(version) - 1;

	if (l.n < at + 5 || memcmp(l.p, version, at) != 0 ||
	    (l.p[at] != '0' && l.p[at] != '1') || l.p[at + 1] != ' ' ||
	    (l.n > at + 5 && l.p[at + 5] != ' '))
		return false;
	*status = 0;
	for (size_t i = at + 2; i < at + 5; i++) {
		if (l.p[i] < '0' || l.p[i] > '9')
			return false;
		*status = *status * 10 + (l.p[i] - '0');
	}
	return *status >= 200;
}

static bool
is_field(struct line l, const char *name, struct line *value)
{
	size_t n = strlen(name);

	if (l.n <= n || l.p[n] != ':' || strncasecmp(l.p, name, n) != 0)
		return false;
	*value = (struct line){ l.p + n + 1, l.n - n - 1 };
	while (value->n > 0 && (*value->p == ' ' || *value->p == '\t')) {
		value->p++;
		value->n--;
	}
	while (value->n > 0 && (value->p[value->n - 1] == ' ' ||
				   value->p[value->n - 1] == '\t'))
		value->n--;
	return true;
}

static bool
read_length(struct line v, int64_t *length)
{
	int64_t n = 0;

	if (v.n == 0 || v.n > 12)
		return false;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
		n = n * 10 + (v.p[i] - '0');
	}
	if (*length != -1 && *length != n) /* two that differ: 6.3 */
		return false;
	*length = n;
	return true;
}

/* The empty line is the last of the head.  length: -1 if it is not said. */
static bool
read_head(struct line head, int *status, int64_t *length)
{
	struct line line, value;

	*length = -1;
	if (!next_line(&head, &line) || !read_status(line, status))
		return false;
	while (next_line(&head, &line)) {
		if (is_field(line, "Content-Length", &value) &&
		    !read_length(value, length))
			return false;
		/* Nobody was offered anything but the plain text. */
		if (is_field(line, "Transfer-Encoding", &value) ||
		    is_field(line, "Content-Encoding", &value))
			return false;
	}
	return true;
}

enum http_state
http_parse(const char *bytes, size_t n, bool end, struct http *h)
{
	static const char empty[] = "\r\n\r\n";
	size_t look = n < HTTP_HEAD_MAX ? n : (size_t)HTTP_HEAD_MAX;
	const char *stop =
	    look > 0 ? memmem(bytes, look, empty, sizeof(empty) - 1) : NULL;
	struct line head = { bytes, 0 };
	int64_t length;
	struct http got;

	if (stop == NULL)
		return n < HTTP_HEAD_MAX ? HTTP_MORE : HTTP_BAD;
	head.n = (size_t)(stop - bytes) + 2;
	if (!read_head(head, &got.status, &length))
		return HTTP_BAD;
	got.body = stop + sizeof(empty) - 1;
	got.n = n - (size_t)(got.body - bytes);
	if (length == -1 && !end)
		return HTTP_MORE;
	if (length != -1 && got.n < (size_t)length)
		return HTTP_MORE;
	if (length != -1)
		got.n = (size_t)length;
	*h = got;
	return HTTP_WHOLE;
}
