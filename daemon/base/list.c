/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two hash tables: texts, and networks by their family, prefix and bytes.
 * An address is looked up once for each prefix that occurs, so that it does
 * not matter how many networks there are.
 */
#include "base/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/escape.h"
#include "base/memory.h"
#include "base/table.h"
#include "millrace/glob.h"

/* What stands behind a key. */
struct entry {
	unsigned line; /* of the file; 0: there is none */
	char value[];
};

struct list {
	struct table *texts;
	struct table *networks;
	struct arena *entries;
	unsigned line;         /* that is being read */
	bool prefixes[2][129]; /* those that occur; IPv4, IPv6 */
};

struct list *
list_create(void)
{
	struct list *l = memory_zalloc(sizeof(*l));

	l->texts = table_create(true);
	l->networks = table_create(false);
	l->entries = arena_create(256);
	return l;
}

void
list_destroy(struct list **l)
{
	if (*l == NULL)
		return;
	table_destroy(&(*l)->texts, NULL);
	table_destroy(&(*l)->networks, NULL);
	arena_destroy(&(*l)->entries);
	free(*l);
	*l = NULL;
}

size_t
list_count(const struct list *l)
{
	return table_count(l->texts) + table_count(l->networks);
}

static struct span
network_key(const struct network *n, char key[18])
{
	key[0] = (char)n->address.bits;
	key[1] = (char)n->prefix;
	memcpy(key + 2, n->address.bytes, 16);
	return (struct span){ key, 18 };
}

static const char *
value_of(const struct entry *e)
{
	return e != NULL ? e->value : NULL;
}

const char *
list_text(const struct list *l, struct span key)
{
	if (key.n > LIST_KEY_MAX)
		return NULL;
	return value_of(table_get(l->texts, key));
}

const char *
list_network(const struct list *l, const struct network *n)
{
	char key[18];

	return value_of(table_get(l->networks, network_key(n, key)));
}

const char *
list_address(const struct list *l, const struct address *a, unsigned *prefix)
{
	const bool *occurs = l->prefixes[a->bits == 128];

	for (unsigned bits = a->bits + 1u; bits-- > 0;) {
		struct network n = { .prefix = (uint8_t)bits };
		const char *value;

		if (!occurs[bits])
			continue;
		n.address = address_mask(a, bits);
		if ((value = list_network(l, &n)) == NULL)
			continue;
		*prefix = bits;
		return value;
	}
	return NULL;
}

static bool
only(struct span s, const char *allowed)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || strchr(allowed, s.p[i]) == NULL)
			return false;
	return true;
}

static size_t
count_of(struct span s, char c)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += s.p[i] == c;
	return n;
}

/*
 * What somebody wrote as a network, well or not: taken as a text it would
 * never match, and nobody would be told.
 */
static bool
looks_like_network(struct span key)
{
	struct span rest = key;
	struct span text = span_cut(&rest, '/');
	struct address a;

	if (address_parse(text, &a))
		return true;
	if (key.p[0] == '[')
		key = (struct span){ key.p + 1, key.n - 1 };
	if (count_of(key, ':') >= 2 && only(key, "0123456789abcdefABCDEF:./]"))
		return true;
	return key.n > 0 && key.p[0] >= '0' && key.p[0] <= '9' &&
	       only(key, "0123456789./*-]") &&
	       count_of(key, '.') + count_of(key, '/') > 0;
}

/* The start of a complaint: the key, made harmless, in quotes. */
static void
put_key(struct buf *b, struct span key)
{
	bool whole = key.n <= 80;

	if (!whole)
		key.n = 80;
	buf_char(b, '"');
	escape_log(b, key);
	buf_text(b, whole ? "\" " : "...\" ");
}

static bool
add_network(struct list *l, struct span key, struct entry *e, char **why)
{
	struct buf b = { 0 };
	struct network n;
	char name[46], bytes[18];
	struct span found;

	if (network_parse(key, &n)) {
		found = network_key(&n, bytes);
		if (table_get(l->networks, found) == NULL)
			table_put(l->networks, found, e);
		l->prefixes[n.address.bits == 128][n.prefix] = true;
		return true;
	}
	put_key(&b, key);
	if (network_parse_loose(key, &n)) {
		address_format(&n.address, name);
		buf_printf(&b, "has host bits set; write %s/%u", name,
		    (unsigned)n.prefix);
	} else {
		buf_text(&b, "is no address and no network; write it like "
			     "192.0.2.1, 192.0.2.0/24 or 2001:db8::/32");
	}
	*why = b.p;
	return false;
}

static bool
is_quoted(struct span key)
{
	return key.n > 1 && key.p[0] == '"' && key.p[key.n - 1] == '"';
}

/* The end of a quote was forgotten; a local part may well be quoted. */
static bool
opens_quote(struct span key)
{
	return key.n > 0 && key.p[0] == '"' &&
	       memmem(key.p, key.n, "\"@", 2) == NULL;
}

/* Other programs' wildcards: the same, as it is written here, or NULL. */
static char *
without_star(struct span key)
{
	int n = (int)key.n;

	if (n == 3 && memcmp(key.p, "*@*", 3) == 0)
		return memory_copy("*");
	if (n > 2 &&
	    (memcmp(key.p, "*.", 2) == 0 || memcmp(key.p, "*@", 2) == 0 ||
		memcmp(key.p, "@.", 2) == 0))
		return memory_printf("%.*s", n - 1, key.p + 1);
	if (n > 2 && memcmp(key.p + n - 2, "@*", 2) == 0)
		return memory_printf("%.*s", n - 1, key.p);
	return NULL;
}

static bool
key_right(struct span key, bool quoted, char **why)
{
	struct buf b = { 0 };
	char *other = NULL;

	if (key.n > 0 && key.n <= LIST_KEY_MAX &&
	    memchr(key.p, '\0', key.n) == NULL &&
	    (quoted ||
		(!opens_quote(key) && (other = without_star(key)) == NULL)))
		return true;
	put_key(&b, key);
	if (key.n == 0) {
		buf_text(&b, "is an empty key");
	} else if (key.n > LIST_KEY_MAX) {
		buf_printf(&b, "is a key of more than %u bytes", LIST_KEY_MAX);
	} else if (memchr(key.p, '\0', key.n) != NULL) {
		buf_text(&b, "has a NUL byte in it");
	} else if (other == NULL) {
		buf_text(&b, "begins with a quote that does not end; write "
			     "\"the key\", a blank and the value");
	} else {
		buf_text(&b, "would match nothing; write ");
		escape_log(&b, span_of(other));
	}
	free(other);
	*why = b.p;
	return false;
}

static void
add_text(struct list *l, struct span key, struct entry *e)
{
	if (table_get(l->texts, key) == NULL)
		table_put(l->texts, key, e);
}

static struct entry *
new_entry(struct list *l, struct span value)
{
	struct entry *e = arena_alloc(l->entries, sizeof(*e) + value.n + 1);

	e->line = l->line;
	if (value.n > 0)
		memcpy(e->value, value.p, value.n);
	return e;
}

bool
list_add(struct list *l, struct span key, struct span value, char **why)
{
	bool quoted = is_quoted(key);
	struct entry *e;

	if (quoted)
		key = (struct span){ key.p + 1, key.n - 2 };
	if (!key_right(key, quoted, why))
		return false;
	e = new_entry(l, value);
	if (!quoted && looks_like_network(key))
		return add_network(l, key, e, why);
	add_text(l, key, e);
	/* a host name may be written with its dot at the end */
	if (!quoted && key.n > 1 && key.p[key.n - 1] == '.')
		add_text(l, (struct span){ key.p, key.n - 1 }, e);
	return true;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Of the quoted key that s begins with, quotes included; or 0. */
static size_t
quoted_length(struct span s)
{
	const char *end;
	size_t n;

	if (s.n < 2 || s.p[0] != '"' ||
	    (end = memchr(s.p + 1, '"', s.n - 1)) == NULL)
		return 0;
	n = (size_t)(end + 1 - s.p);
	return n == s.n || is_blank(s.p[n]) ? n : 0;
}

static void
split(struct span s, struct span *key, struct span *value)
{
	size_t n = quoted_length(s);

	while (n < s.n && !is_blank(s.p[n]))
		n++;
	*key = (struct span){ s.p, n };
	*value = span_trim((struct span){ s.p + n, s.n - n });
}

bool
list_add_entry(struct list *l, struct span entry, char **why)
{
	struct span key, value;

	split(span_trim(entry), &key, &value);
	return list_add(l, key, value, why);
}

bool
list_line(struct span line, struct span *key, struct span *value)
{
	line = span_trim(line);
	for (size_t i = quoted_length(line); i < line.n; i++) {
		if (line.p[i] != '#' || (i > 0 && !is_blank(line.p[i - 1])))
			continue;
		line.n = i;
		break;
	}
	line = span_trim(line);
	if (line.n == 0)
		return false;
	split(line, key, value);
	return true;
}

static bool
add_line(struct list *l, struct span line, char **why)
{
	struct span key, value;

	if (line.n > LIST_LINE_MAX) {
		*why = memory_printf(
		    "a line of more than %u bytes", LIST_LINE_MAX);
		return false;
	}
	if (line.n > 0 && memchr(line.p, '\0', line.n) != NULL) {
		*why = memory_copy("a NUL byte; this is no text file");
		return false;
	}
	if (!list_line(line, &key, &value))
		return true;
	return list_add(l, key, value, why);
}

bool
list_read(struct list *l, const char *name, struct span text, char **why)
{
	static const struct span mark = { "\xef\xbb\xbf", 3 }; /* UTF-8 BOM */

	if (text.n >= mark.n &&
	    span_equal((struct span){ text.p, mark.n }, mark))
		text = (struct span){ text.p + mark.n, text.n - mark.n };
	for (size_t number = 1; text.n > 0; number++) {
		struct span line = span_cut(&text, '\n');
		char *wrong = NULL;

		l->line = (unsigned)number;
		if (add_line(l, line, &wrong))
			continue;
		*why = memory_printf("%s:%zu: %s", name, number, wrong);
		free(wrong);
		return false;
	}
	return true;
}

const char *
list_glob(const struct list *l, struct span text)
{
	struct span pattern;
	void *entry;

	for (size_t i = 0; table_at(l->texts, i, &pattern, &entry); i++)
		if (mr_glob(pattern.p, pattern.n, text.p, text.n))
			return value_of(entry);
	return NULL;
}

/* A network as it is written; a host without its prefix. */
static void
network_name(const char key[18], char name[64])
{
	struct address a = { .bits = (uint8_t)key[0] };
	uint8_t prefix = (uint8_t)key[1];
	size_t n;

	memcpy(a.bytes, key + 2, sizeof(a.bytes));
	address_format(&a, name);
	n = strlen(name);
	if (prefix < a.bits)
		snprintf(name + n, 64 - n, "/%u", prefix);
}

bool
list_each(const struct list *l,
    bool (*seen)(void *arg, const char *key, const char *value, unsigned line),
    void *arg)
{
	char name[LIST_KEY_MAX + 1];
	struct span key;
	void *at;

	for (size_t i = 0; table_at(l->texts, i, &key, &at); i++) {
		const struct entry *e = at;

		memcpy(name, key.p, key.n);
		name[key.n] = '\0';
		if (!seen(arg, name, e->value, e->line))
			return false;
	}
	for (size_t i = 0; table_at(l->networks, i, &key, &at); i++) {
		const struct entry *e = at;

		network_name(key.p, name);
		if (!seen(arg, name, e->value, e->line))
			return false;
	}
	return true;
}
