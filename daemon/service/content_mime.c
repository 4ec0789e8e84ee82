/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MIME tree (RFC 2045, 2046), by GMime; the one file that knows it.
 *
 * It is shown a copy in which content_fit() has crossed out what it would
 * take too long over.  It says where the parts are; their bytes are then read
 * from the message itself.
 */
#include <gmime/gmime.h>
#include <string.h>
#include <strings.h>

#include "service/content_build.h"
#include "service/content_fit.h"

enum { CHUNK = 32768 };

void
content_mime_start(void)
{
	g_mime_init();
}

/* --- what GMime thinks of a message --- */

static const struct {
	GMimeParserWarning warning;
	const char *finding;
} warnings[] = {
	{ GMIME_WARN_INVALID_CONTENT_TYPE, "BAD_TYPE" },
	{ GMIME_WARN_TRUNCATED_MESSAGE, "MIME_TRUNCATED" },
	{ GMIME_CRIT_INVALID_HEADER_NAME, "BAD_HEADER" },
	{ GMIME_CRIT_CONFLICTING_HEADER, "MIME_CONFLICT" },
	{ GMIME_CRIT_CONFLICTING_PARAMETER, "MIME_CONFLICT" },
	{ GMIME_CRIT_MULTIPART_WITHOUT_BOUNDARY, "MIME_BOUNDARY" },
	{ GMIME_CRIT_NESTING_OVERFLOW, "MIME_DEPTH" },
};

static void
on_warning(
    gint64 offset, GMimeParserWarning warning, const gchar *item, gpointer arg)
{
	struct content_build *b = arg;

	(void)offset;
	for (size_t i = 0; i < sizeof(warnings) / sizeof(warnings[0]); i++)
		if (warnings[i].warning == warning)
			content_build_finding(b, warnings[i].finding,
			    item != NULL ? content_build_line(b, span_of(item))
					 : NULL);
}

/* --- one leaf --- */

struct decoder {
	struct content_decoder base;
	struct content_build *build;
	struct span in;
	GMimeEncoding state;
	bool plain, ended; /* not encoded; flushed */
	char *out;         /* room for a decoded chunk */
};

/* Bytes that base64 has no use for (RFC 2045, 6.8). */
static bool
is_base64(struct span in)
{
	for (size_t i = 0; i < in.n; i++) {
		char c = in.p[i];

		if (!g_ascii_isalnum(c) && c != '+' && c != '/' && c != '=' &&
		    c != '\r' && c != '\n' && c != ' ' && c != '\t')
			return false;
	}
	return true;
}

static struct span
next_decoded(struct content_decoder *base)
{
	struct decoder *d = (struct decoder *)(void *)base;
	struct span chunk;
	size_t n = 0;

	while (n == 0 && !d->ended) {
		chunk =
		    (struct span){ d->in.p, d->in.n < CHUNK ? d->in.n : CHUNK };
		d->in.p += chunk.n;
		d->in.n -= chunk.n;
		d->ended = d->in.n == 0;
		if (d->plain)
			return chunk;
		if (d->state.encoding == GMIME_CONTENT_ENCODING_BASE64 &&
		    !is_base64(chunk))
			content_build_finding(d->build, "BAD_ENCODING",
			    "base64 with other characters in it");
		n = d->ended ? g_mime_encoding_flush(
				   &d->state, chunk.p, chunk.n, d->out)
			     : g_mime_encoding_step(
				   &d->state, chunk.p, chunk.n, d->out);
	}
	return (struct span){ d->out, n };
}

/* What is before the line "begin 644 name" is none of it, nor is that line. */
static struct span
after_begin(struct span in)
{
	struct span line;

	while (in.n > 0) {
		line = span_cut(&in, '\n');
		if (line.n >= 6 && memcmp(line.p, "begin ", 6) == 0)
			break;
	}
	return in;
}

/* What the tree is read from, and what its leaves are. */
struct tree {
	struct content_build *build;
	struct span body;
	gint64 header; /* bytes before it in what GMime sees */
};

/* The bytes of a part as they stand in the message. */
static struct span
encoded_bytes(const struct tree *t, GMimePart *part)
{
	GMimeDataWrapper *wrapper = g_mime_part_get_content(part);
	GMimeStream *s =
	    wrapper != NULL ? g_mime_data_wrapper_get_stream(wrapper) : NULL;
	gint64 start, end, all = (gint64)t->body.n;

	if (s == NULL)
		return (struct span){ "", 0 };
	start = s->bound_start - t->header;
	end = s->bound_end >= 0 ? s->bound_end - t->header : all;
	if (start < 0 || end < start || end > all)
		return (struct span){ "", 0 };
	return (struct span){ t->body.p + start, (size_t)(end - start) };
}

static const char *
lower(struct content_build *b, const char *text)
{
	char *copy;

	if (text == NULL)
		return "";
	copy = arena_copy(b->arena, content_build_line(b, span_of(text)));
	for (char *p = copy; *p != '\0'; p++)
		*p = g_ascii_tolower(*p);
	return copy;
}

/* An encoding that there is not (RFC 2045, 6.4). */
static void
check_encoding(struct content_build *b, GMimeObject *o)
{
	const char *said =
	    g_mime_object_get_header(o, "Content-Transfer-Encoding");

	if (said != NULL && said[0] != '\0' &&
	    g_mime_content_encoding_from_string(said) ==
		GMIME_CONTENT_ENCODING_DEFAULT)
		content_build_finding(
		    b, "BAD_ENCODING", content_build_line(b, span_of(said)));
}

static void
read_leaf(const struct tree *t, GMimeObject *o, uint32_t depth)
{
	struct content_build *b = t->build;
	GMimePart *part = (GMimePart *)o;
	GMimeContentType *type = g_mime_object_get_content_type(o);
	GMimeContentEncoding encoding = g_mime_part_get_content_encoding(part);
	const char *filename = g_mime_part_get_filename(part);
	struct content_leaf leaf = { .depth = depth };
	struct decoder d = { .base.next = next_decoded, .build = b };
	char *name = g_mime_content_type_get_mime_type(type);

	leaf.type = lower(b, name);
	g_free(name);
	leaf.charset =
	    lower(b, g_mime_content_type_get_parameter(type, "charset"));
	leaf.filename =
	    filename != NULL ? content_build_line(b, span_of(filename)) : "";
	leaf.attachment =
	    g_mime_part_is_attachment(part) || leaf.filename[0] != '\0';
	check_encoding(b, o);
	d.in = encoded_bytes(t, part);
	if (encoding == GMIME_CONTENT_ENCODING_UUENCODE)
		d.in = after_begin(d.in);
	d.plain = encoding <= GMIME_CONTENT_ENCODING_BINARY;
	if (!d.plain) {
		g_mime_encoding_init_decode(&d.state, encoding);
		d.out = g_malloc(g_mime_encoding_outlen(&d.state, CHUNK));
	}
	content_part_read(b, &leaf, &d.base);
	g_free(d.out);
}

/* --- the tree --- */

static void read_object(const struct tree *, GMimeObject *, uint32_t depth);

static void
read_multipart(const struct tree *t, GMimeMultipart *m, uint32_t depth)
{
	struct content_build *b = t->build;
	int n = g_mime_multipart_get_count(m);

	if (n == 0 && g_mime_object_get_content_type_parameter(
			  (GMimeObject *)m, "boundary") != NULL)
		content_build_finding(b, "MIME_EMPTY", NULL);
	for (int i = 0; i < n && b->nparts < b->limits->parts; i++)
		read_object(t, g_mime_multipart_get_part(m, i), depth + 1);
	if (n > 0 && b->nparts == b->limits->parts)
		content_build_finding(b, "MIME_PARTS", NULL);
}

static void
read_message(const struct tree *t, GMimeMessagePart *p, uint32_t depth)
{
	GMimeMessage *m = g_mime_message_part_get_message(p);
	GMimeObject *o = m != NULL ? g_mime_message_get_mime_part(m) : NULL;

	if (o != NULL)
		read_object(t, o, depth + 1);
}

static void
read_object(const struct tree *t, GMimeObject *o, uint32_t depth)
{
	struct content_build *b = t->build;

	if (content_build_late(b))
		return;
	if (depth > b->limits->depth) {
		content_build_finding(b, "MIME_DEPTH", NULL);
		return;
	}
	if (GMIME_IS_MULTIPART(o))
		read_multipart(t, (GMimeMultipart *)o, depth);
	else if (GMIME_IS_MESSAGE_PART(o))
		read_message(t, (GMimeMessagePart *)o, depth);
	else if (GMIME_IS_PART(o)) {
		/* A piece of a message, to be put together elsewhere. */
		if (GMIME_IS_MESSAGE_PARTIAL(o))
			content_build_finding(b, "MIME_PARTIAL", NULL);
		read_leaf(t, o, depth);
	}
}

/* Of the header only what makes the tree. */
static void
copy_header(struct content_build *b, const struct content_field *fields,
    size_t nfields, GByteArray *to)
{
	uint64_t size = 0;

	for (size_t i = 0; i < nfields; i++) {
		const struct content_field *f = &fields[i];
		size_t name = strlen(f->name), n = strlen(f->value);
		struct content_fit fit;
		struct buf line = { 0 };
		char *masked;

		size += name + n;
		if (strncasecmp(f->name, "Content-", 8) != 0 ||
		    size > b->limits->header)
			continue;
		buf_printf(&line, "%s:%s\n", f->name, f->value);
		masked = g_malloc(line.n);
		content_fit((struct span){ line.p, line.n }, masked, &fit);
		g_byte_array_append(to, (guint8 *)masked, (guint)fit.n);
		g_free(masked);
		buf_finish(&line);
	}
	g_byte_array_append(to, (const guint8 *)"\n", 1);
	if (size > b->limits->header)
		content_build_finding(b, "HEADER_LARGE", NULL);
}

static void
copy_body(struct tree *t, GByteArray *to)
{
	struct content_build *b = t->build;
	struct content_fit fit;
	guint at = to->len;

	/* Base64 makes 3 bytes of 4, and nothing makes more than there are. */
	if (t->body.n > b->limits->bytes * 2) {
		t->body.n = (size_t)b->limits->bytes * 2;
		content_build_finding(b, "MIME_BOMB", NULL);
	}
	g_byte_array_set_size(to, at + (guint)t->body.n);
	content_fit(t->body, (char *)to->data + at, &fit);
	g_byte_array_set_size(to, at + (guint)fit.n);
	t->header = at;
	t->body.n = fit.n;
	if (fit.containers)
		content_build_finding(
		    b, "MIME_PARTS", "too many parts that hold others");
	if (fit.delimiters)
		content_build_finding(
		    b, "MIME_PARTS", "too many lines that begin with --");
	if (fit.fields)
		content_build_finding(b, "HEADER_LARGE", "of a part");
}

void
content_mime_read(struct content_build *b, const struct content_field *fields,
    size_t nfields, struct span body)
{
	GMimeParserOptions *options = g_mime_parser_options_new();
	GByteArray *all = g_byte_array_new();
	struct tree t = { b, body, 0 };
	GMimeParser *parser;
	GMimeStream *stream;
	GMimeObject *o;

	g_mime_parser_options_set_warning_callback(options, on_warning, b);
	copy_header(b, fields, nfields, all);
	copy_body(&t, all);
	stream = g_mime_stream_mem_new_with_byte_array(all);
	parser = g_mime_parser_new_with_stream(stream);
	g_mime_parser_set_persist_stream(parser, TRUE);
	o = g_mime_parser_construct_part(parser, options);
	if (o != NULL) {
		read_object(&t, o, 0);
		g_object_unref(o);
	}
	g_object_unref(parser);
	g_object_unref(stream);
	g_mime_parser_options_free(options);
}
