/* SPDX-License-Identifier: Apache-2.0 */
/* One leaf of the MIME tree: its bytes, what they are, and their text. */
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#include "service/charset.h"
#include "service/content_build.h"
#include "service/content_html.h"
#include "service/content_type.h"
#include "service/content_url.h"

static void
put_hex(char out[65], const unsigned char *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

/* What is taken in while a part is decoded. */
struct intake {
	struct buf first; /* as much as is to be kept or read as text */
	size_t want;
	uint64_t size;
	char sha256[65];
};

static void
take_in(struct content_build *b, struct content_decoder *d, struct intake *in)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct span s;

	EVP_DigestInit_ex(digest, EVP_sha256(), NULL);
	while (!content_build_late(b) && (s = d->next(d)).n > 0) {
		if (s.n > b->limits->bytes - b->decoded) {
			s.n = (size_t)(b->limits->bytes - b->decoded);
			content_build_finding(b, "MIME_BOMB", NULL);
		}
		b->decoded += s.n;
		in->size += s.n;
		EVP_DigestUpdate(digest, s.p, s.n);
		if (in->first.n < in->want)
			buf_put(&in->first, s.p,
			    s.n < in->want - in->first.n
				? s.n
				: in->want - in->first.n);
		if (b->decoded == b->limits->bytes)
			break;
	}
	if (EVP_DigestFinal_ex(digest, sum, &n) == 1)
		put_hex(in->sha256, sum, n);
	EVP_MD_CTX_free(digest);
}

/* --- text --- */

/* <meta charset=x> or <meta ... content="text/html; charset=x"> */
static void
find_charset(struct span html, char *out, size_t size)
{
	size_t n = 0;
	struct span s = { html.p, html.n < 2048 ? html.n : 2048 };
	const char *at;

	out[0] = '\0';
	for (; s.n > 8; s.p++, s.n--)
		if (strncasecmp(s.p, "charset=", 8) == 0)
			break;
	if (s.n <= 8)
		return;
	at = s.p + 8;
	s.n -= 8;
	if (*at == '"' || *at == '\'') {
		at++;
		s.n--;
	}
	while (n < s.n && n + 1 < size &&
	       strspn(at + n, "\"'>; \t\r\n/") == 0 && at[n] != '\0') {
		out[n] = at[n];
		n++;
	}
	out[n] = '\0';
}

static void
decode_text(struct content_build *b, const struct content_leaf *leaf,
    struct span bytes, struct buf *out)
{
	const char *charset = leaf->charset;
	char meta[64];

	if (charset[0] == '\0' && strcmp(leaf->type, "text/html") == 0) {
		find_charset(bytes, meta, sizeof(meta));
		charset = meta;
	}
	switch (charset_decode(charset, bytes, (size_t)b->limits->text, out)) {
	case CHARSET_UNKNOWN:
		content_build_finding(
		    b, "BAD_CHARSET", content_build_line(b, span_of(charset)));
		break;
	case CHARSET_BROKEN:
		content_build_finding(
		    b, "BAD_TEXT", content_build_line(b, span_of(charset)));
		break;
	case CHARSET_OK:
		break;
	}
}

static void
on_link(void *arg, struct span url, struct span shown)
{
	content_build_url(arg, url, shown);
}

static void
on_found(void *arg, struct span url)
{
	content_build_url(arg, url, (struct span){ 0 });
}

/* What HTML says of itself that a rule may want to know. */
static void
html_findings(
    struct content_build *b, const struct content_html *h, size_t visible)
{
	if (h->forms > 0)
		content_build_finding(b, "HTML_FORM", NULL);
	if (h->scripts > 0)
		content_build_finding(b, "HTML_SCRIPT", NULL);
	if (h->hidden > 500 && h->hidden > visible)
		content_build_finding(b, "HTML_HIDDEN", NULL);
}

static void
read_html(struct content_build *b, struct span utf8)
{
	struct content_html h = { .text = &b->seen, .link = on_link, .arg = b };
	size_t from = b->text.n;

	content_html_strip(&h, utf8);
	html_findings(b, &h, b->text.n - from);
	if (b->text.n > from)
		content_url_find(
		    (struct span){ b->text.p + from, b->text.n - from },
		    on_found, b);
}

static void
keep_raw(struct content_build *b, struct span utf8)
{
	size_t room = (size_t)b->limits->text - b->raw.n;

	if (utf8.n >= room) {
		content_build_finding(b, "CONTENT_TEXT", NULL);
		utf8.n = room;
		/* No half of a character at the end. */
		while (utf8.n > 0 &&
		       ((unsigned char)utf8.p[utf8.n] & 0xc0) == 0x80)
			utf8.n--;
	}
	buf_put(&b->raw, utf8.p, utf8.n);
	if (b->raw.n < b->limits->text && utf8.n > 0 &&
	    utf8.p[utf8.n - 1] != '\n')
		buf_char(&b->raw, '\n');
}

static void
read_text(
    struct content_build *b, const struct content_leaf *leaf, struct span bytes)
{
	struct buf utf8 = { 0 };
	struct span s;

	decode_text(b, leaf, bytes, &utf8);
	s = (struct span){ utf8.p, utf8.n };
	if (s.n > 0) {
		keep_raw(b, s);
		if (strcmp(leaf->type, "text/html") == 0) {
			read_html(b, s);
		} else {
			content_text_add(&b->seen, s);
			content_url_find(s, on_found, b);
		}
		content_text_end(&b->seen);
		if (b->seen.full)
			content_build_finding(b, "CONTENT_TEXT", NULL);
	}
	buf_finish(&utf8);
}

/* An HTML page as an attachment: its links count, its text does not. */
static void
read_page(
    struct content_build *b, const struct content_leaf *leaf, struct span bytes)
{
	struct buf utf8 = { 0 }, text = { 0 };
	struct content_text seen = { .out = &text, .limit = b->limits->text };
	struct content_html h = { .text = &seen, .link = on_link, .arg = b };

	decode_text(b, leaf, bytes, &utf8);
	if (utf8.n > 0)
		content_html_strip(&h, (struct span){ utf8.p, utf8.n });
	html_findings(b, &h, text.n);
	if (text.n > 0)
		content_url_find((struct span){ text.p, text.n }, on_found, b);
	buf_finish(&utf8);
	buf_finish(&text);
}

/* --- archives --- */

static void
read_archive(struct content_build *b, struct mr_part *p, struct span bytes)
{
	struct content_zip zip;
	struct buf names = { 0 }, utf8 = { 0 };

	p->members = "";
	if (content_zip_list(bytes, &names, &zip)) {
		charset_decode(
		    "", (struct span){ names.p, names.n }, names.n * 3, &utf8);
		if (utf8.n > 0)
			p->members = arena_copy_span(
			    b->arena, (struct span){ utf8.p, utf8.n });
		p->encrypted = zip.encrypted;
		if (zip.encrypted)
			content_build_finding(b, "ARCHIVE_ENCRYPTED", NULL);
		if (zip.unpacked > UINT64_C(1) << 20 &&
		    zip.unpacked / b->limits->ratio > zip.packed)
			content_build_finding(b, "ARCHIVE_BOMB",
			    arena_printf(b->arena, "%llu of %llu bytes",
				(unsigned long long)zip.unpacked,
				(unsigned long long)zip.packed));
	}
	buf_finish(&names);
	buf_finish(&utf8);
}

void
content_part_read(struct content_build *b, const struct content_leaf *leaf,
    struct content_decoder *d)
{
	struct intake in = { .want = (size_t)b->limits->keep };
	struct mr_part *p = content_build_part(b);
	bool is_text = strncmp(leaf->type, "text/", 5) == 0;
	struct span bytes;

	if (p == NULL)
		return;
	if (is_text && in.want < b->limits->text)
		in.want = (size_t)b->limits->text;
	take_in(b, d, &in);
	bytes =
	    (struct span){ in.first.p != NULL ? in.first.p : "", in.first.n };
	p->type = leaf->type;
	p->charset = leaf->charset;
	p->filename = leaf->filename;
	p->attachment = leaf->attachment;
	p->depth = leaf->depth;
	p->size = in.size;
	p->detected = content_type_of(bytes);
	memcpy(p->sha256, in.sha256, sizeof(p->sha256));
	read_archive(b, p, bytes);
	p->text = is_text && !leaf->attachment;
	if (p->text)
		read_text(b, leaf, bytes);
	else if (strcmp(leaf->type, "text/html") == 0 ||
		 strcmp(p->detected, "text/html") == 0)
		read_page(b, leaf, bytes);
	p->kept =
	    (uint32_t)(bytes.n < b->limits->keep ? bytes.n : b->limits->keep);
	p->bytes = arena_copy_span(b->arena, (struct span){ bytes.p, p->kept });
	buf_finish(&in.first);
}
