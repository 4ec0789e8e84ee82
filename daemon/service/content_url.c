/* SPDX-License-Identifier: Apache-2.0 */
/* What a link means: RFC 3986 as browsers read it (WHATWG URL). */
#include "service/content_url.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

static const struct scheme {
	const char *said, *name;
	bool host; /* is followed by one */
	bool trick;
} schemes[] = {
	{ "http", "http", true, false },
	{ "https", "https", true, false },
	{ "ftp", "ftp", true, false },
	{ "hxxp", "http", true, true },
	{ "hxxps", "https", true, true },
	{ "h**p", "http", true, true },
	{ "h**ps", "https", true, true },
	{ "htxp", "http", true, true },
	{ "htxps", "https", true, true },
	{ "hxtp", "http", true, true },
	{ "hxtps", "https", true, true },
	{ "http[s]", "https", true, true },
	{ "mailto", "mailto", false, false },
	{ "javascript", "javascript", false, false },
	{ "data", "data", false, false },
	{ "cid", "cid", false, false },
	{ "tel", "tel", false, false },
	{ "sms", "sms", false, false },
	{ "file", "file", false, false },
	{ "bitcoin", "bitcoin", false, false },
	{ "ms-search", "ms-search", false, false },
	{ "search-ms", "search-ms", false, false },
};

static bool
starts(struct span s, const char *word)
{
	size_t n = strlen(word);

	return s.n >= n && strncasecmp(s.p, word, n) == 0;
}

static struct span
after(struct span s, size_t n)
{
	return (struct span){ s.p + n, s.n - n };
}

static const struct scheme *
scheme_of(struct span in)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t n = strlen(schemes[i].said);

		if (starts(in, schemes[i].said) && in.n > n && in.p[n] == ':')
			return &schemes[i];
	}
	return NULL;
}

static int
hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* The byte that "%41" stands for, or -1. */
static int
percent(struct span in)
{
	if (in.n < 3 || in.p[0] != '%' || hex(in.p[1]) < 0 || hex(in.p[2]) < 0)
		return -1;
	return hex(in.p[1]) << 4 | hex(in.p[2]);
}

static bool
is_alnum(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* --- the host --- */

/* Ways to write a dot that readers understand. */
static size_t
dot(struct span in)
{
	static const char *const dots[] = { "[.]", "(.)", "{.}", "[dot]",
		"(dot)", "{dot}", "\xe3\x80\x82", "\xef\xbc\x8e",
		"\xef\xbd\xa1" };

	for (size_t i = 0; i < sizeof(dots) / sizeof(dots[0]); i++)
		if (starts(in, dots[i]))
			return strlen(dots[i]);
	return 0;
}

static void
host_put(struct buf *out, int c)
{
	buf_char(out, (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c));
}

/* in: without user and port.  False: it holds what no host may hold. */
static bool
host_undo(struct span in, struct buf *out, bool *tricks)
{
	size_t n;
	int c;

	while (in.n > 0) {
		if ((n = dot(in)) > 0) {
			host_put(out, '.');
			*tricks = true;
		} else if ((c = percent(in)) >= 0) {
			n = 3;
			host_put(out, c);
			*tricks = true;
		} else {
			n = 1;
			host_put(out, (unsigned char)*in.p);
		}
		in = after(in, n);
	}
	while (out->n > 0 && out->p[out->n - 1] == '.')
		buf_cut(out, out->n - 1);
	for (size_t i = 0; i < out->n; i++)
		if ((unsigned char)out->p[i] <= ' ' || out->p[i] == 0x7f ||
		    strchr("<>\"'`{}|^\\;,()[]/?#@:%", out->p[i]) != NULL)
			return false;
	return out->n > 0 && out->n <= 255 && out->p[0] != '.';
}

/* One number of an address: 10, 0x0a or 012; false: it is none. */
static bool
address_number(struct span s, uint64_t *value)
{
	unsigned base = 10;

	*value = 0;
	if (s.n == 0)
		return false;
	if (s.n > 1 && s.p[0] == '0') {
		base = s.p[1] == 'x' ? 16 : 8;
		s = after(s, base == 16 ? 2 : 1);
	}
	for (size_t i = 0; i < s.n; i++) {
		int digit = hex(s.p[i]);

		if (digit < 0 || digit >= (int)base || *value > UINT32_MAX)
			return false;
		*value = *value * base + (unsigned)digit;
	}
	return *value <= UINT32_MAX;
}

/* As inet_aton(3) reads it: the last number fills what is left. */
static bool
address_parse_v4(struct span host, uint32_t *address)
{
	uint64_t value = 0, all = 0;
	unsigned parts = 0;
	bool last = false;

	while (!last) {
		struct span part = span_cut(&host, '.');

		last = host.p == NULL || host.n == 0;
		if (parts++ == 4 || !address_number(part, &value))
			return false;
		if (!last && value > 255)
			return false;
		all =
		    last ? (all << 8 * (5 - parts)) + value : all << 8 | value;
	}
	if (value >= UINT64_C(1) << 8 * (5 - parts))
		return false;
	*address = (uint32_t)all;
	return true;
}

static bool
host_v4(struct arena *a, const char *text, struct content_url *url)
{
	char dotted[INET_ADDRSTRLEN];
	uint32_t address;
	struct in_addr in;

	if (text[0] < '0' || text[0] > '9' ||
	    !address_parse_v4(span_of(text), &address))
		return false;
	in.s_addr = htonl(address);
	inet_ntop(AF_INET, &in, dotted, sizeof(dotted));
	url->address = true;
	url->obfuscated = url->obfuscated || strcmp(dotted, text) != 0;
	url->host = arena_copy(a, dotted);
	return true;
}

static bool
host_v6(struct arena *a, struct span in, struct content_url *url)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (in.n < 2 || in.n > sizeof(text) || in.p[in.n - 1] != ']')
		return false;
	memcpy(text, in.p + 1, in.n - 2);
	text[in.n - 2] = '\0';
	if (inet_pton(AF_INET6, text, &address) != 1)
		return false;
	inet_ntop(AF_INET6, &address, text, sizeof(text));
	url->host = arena_printf(a, "[%s]", text);
	url->address = true;
	return true;
}

static struct span
without_port(struct span in)
{
	size_t n = in.n;

	while (n > 0 && in.p[n - 1] >= '0' && in.p[n - 1] <= '9')
		n--;
	if (n > 0 && in.p[n - 1] == ':')
		in.n = n - 1;
	return in;
}

static bool
host_parse(struct arena *a, struct span in, struct content_url *url)
{
	struct buf out = { 0 };
	const char *at = memrchr(in.p, '@', in.n);
	bool ok;

	if (at != NULL) { /* http://bank.example@evil.example/ */
		in = after(in, (size_t)(at - in.p) + 1);
		url->obfuscated = true;
	}
	in = without_port(in);
	if (in.n > 0 && in.p[0] == '[' && dot(in) == 0)
		return host_v6(a, in, url);
	ok = host_undo(in, &out, &url->obfuscated);
	if (ok && !host_v4(a, out.p, url))
		url->host = arena_copy(a, out.p);
	buf_finish(&out);
	return ok;
}

/* --- the rest --- */

static const char *
path_undo(struct arena *a, struct span in, bool *tricks)
{
	struct buf out = { 0 };
	const char *path;
	int c;

	if (in.n == 0 || (*in.p != '/' && *in.p != '\\'))
		buf_char(&out, '/');
	while (in.n > 0) {
		c = percent(in);
		if (c >= ' ' && c != 0x7f) {
			*tricks = *tricks || is_alnum(c);
			buf_char(&out, (char)c);
			in = after(in, 3);
		} else {
			buf_char(&out, *in.p);
			in = after(in, 1);
		}
	}
	path = arena_copy(a, out.p);
	buf_finish(&out);
	return path;
}

static bool
parse_with_host(struct arena *a, struct span in, struct content_url *url)
{
	size_t slashes = 0, n = 0;

	while (slashes < in.n && strchr("/\\", in.p[slashes]) != NULL)
		slashes++;
	if (slashes != 2 || memchr(in.p, '\\', slashes) != NULL)
		url->obfuscated = true;
	in = after(in, slashes);
	while (n < in.n && memchr("/\\?#", in.p[n], 4) == NULL)
		n++;
	if (!host_parse(a, (struct span){ in.p, n }, url))
		return false;
	url->path = path_undo(a, after(in, n), &url->obfuscated);
	return true;
}

/* "mailto:user@host?subject=..." */
static bool
parse_address(struct arena *a, struct span in, struct content_url *url)
{
	const char *end = memchr(in.p, '?', in.n);
	struct span all = in;
	const char *at;

	if (end != NULL)
		in.n = (size_t)(end - in.p);
	at = memrchr(in.p, '@', in.n);
	if (at == NULL)
		return false;
	if (!host_parse(a, after(in, (size_t)(at - in.p) + 1), url))
		return false;
	url->path = arena_copy_span(a, all);
	return true;
}

static bool
parse(struct arena *a, struct span in, struct content_url *url)
{
	const struct scheme *s = scheme_of(in);

	url->scheme = "http";
	if (s == NULL) {
		const char *colon = memchr(in.p, ':', in.n);
		size_t n = strcspn(in.p, "/?#.@");

		if (starts(in, "//"))
			return parse_with_host(a, in, url);
		/* An address has no scheme, and neither has "www.". */
		if (memchr(in.p, '@', in.n) != NULL &&
		    memchr(in.p, '/', in.n) == NULL) {
			url->scheme = "mailto";
			return parse_address(a, in, url);
		}
		if (colon != NULL && (size_t)(colon - in.p) < n)
			return false; /* a scheme that we do not know */
		if (n == 0 || n >= in.n || in.p[n] != '.')
			return false;
		url->obfuscated = false;
		in = (struct span){ arena_printf(a, "//%.*s", (int)in.n, in.p),
			in.n + 2 };
		return parse_with_host(a, in, url);
	}
	url->scheme = s->name;
	url->obfuscated = s->trick;
	in = after(in, strlen(s->said) + 1);
	if (s->host)
		return parse_with_host(a, in, url);
	if (strcmp(s->name, "mailto") == 0)
		return parse_address(a, in, url);
	url->path = arena_copy_span(a, in);
	return true;
}

bool
content_url_parse(struct arena *a, struct span in, struct content_url *out)
{
	struct content_url url = { .scheme = "", .host = "", .path = "" };

	in = span_trim(in);
	if (in.n > CONTENT_URL_BYTES)
		in.n = CONTENT_URL_BYTES;
	if (in.n == 0 || memchr(in.p, '\0', in.n) != NULL)
		return false;
	/* For strcspn(), and so that what is parsed is ours. */
	in.p = arena_copy_span(a, in);
	if (!parse(a, in, &url))
		return false;
	*out = url;
	return true;
}

struct span
content_url_within(const char *path)
{
	const char *http = strcasestr(path, "http://");
	const char *https = strcasestr(path, "https://");
	const char *p = http == NULL                    ? https
			: https != NULL && https < http ? https
							: http;

	if (p == NULL)
		return (struct span){ 0 };
	return (struct span){ p, strcspn(p, "& \t\"'<>") };
}
