/* SPDX-License-Identifier: Apache-2.0 */
#include "template.h"

#include <assert.h>
#include <string.h>

static bool
is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

/* A name, or "note:" or "header:" and a name. */
static const char *
name_fault(const char *name)
{
	static const char *const prefixes[] = { "note:", "header:" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t n = strlen(prefixes[i]);

		if (strncmp(name, prefixes[i], n) == 0) {
			name += n;
			break;
		}
	}
	if (*name == '\0')
		return "a macro has no name; write {name}, or {{ for a brace";
	for (; *name != '\0'; name++) {
		if (*name == ':')
			return "only note: and header: may stand before the "
			       "colon of a macro";
		if (!is_name_byte(*name))
			return "a macro's name may hold letters, digits and "
			       "_-. only; write {{ for a brace";
	}
	return NULL;
}

/* at stands after the opening brace. */
static const char *
next_macro(const char **at, struct template_piece *p)
{
	size_t n = strcspn(*at, "{|}");
	const char *end = *at + n;

	if (n > TEMPLATE_NAME_BYTES)
		return "a macro's name is longer than 100 bytes, or its } is "
		       "missing; write {{ for a brace";
	memcpy(p->name, *at, n);
	p->name[n] = '\0';
	p->kind = TEMPLATE_MACRO;
	p->text = end;
	p->n = 0;
	if (*end == '|') {
		p->text = end + 1;
		p->n = strcspn(p->text, "{}");
		end = p->text + p->n;
	}
	if (*end != '}')
		return "the } of a macro is missing; write {{ for a brace";
	*at = end + 1;
	return name_fault(p->name);
}

const char *
template_next(const char **at, struct template_piece *p)
{
	const char *here = *at;

	if (here[0] == '{' && here[1] != '{') {
		*at = here + 1;
		return next_macro(at, p);
	}
	p->kind = *here == '\0' ? TEMPLATE_END : TEMPLATE_TEXT;
	p->text = here;
	p->n = strcspn(here, "{");
	if (p->n == 0 && here[0] == '{') {
		p->n = 1; /* the first brace of two */
		*at = here + 2;
	} else {
		*at = here + p->n;
	}
	return NULL;
}

const char *
template_fault(const char *text)
{
	struct template_piece p;
	const char *why;

	for (const char *c = text; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return "control characters are not allowed; "
			       "a value is one line";
	do {
		if ((why = template_next(&text, &p)) != NULL)
			return why;
	} while (p.kind != TEMPLATE_END);
	return NULL;
}

/* The most of n that does not end within a UTF-8 character. */
static size_t
whole_characters(const char *s, size_t n)
{
	size_t back = 0;

	while (back < 4 && back < n && (s[n - back] & 0xc0) == 0x80)
		back++;
	return back < 4 ? n - back : n;
}

static size_t
put(char *out, size_t n, const char *text, size_t len)
{
	if (len > TEMPLATE_BYTES - n)
		len = whole_characters(text, TEMPLATE_BYTES - n);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		out[n + i] = (char)(c < ' ' || c == 0x7f ? ' ' : c);
	}
	return n + len;
}

static size_t
put_macro(char *out, size_t n, const struct template_piece *p,
    template_value *value, void *arg)
{
	const char *text = value(arg, p->name);
	size_t len;

	if (text == NULL || text[0] == '\0')
		return put(out, n, p->text, p->n);
	len = strnlen(text, TEMPLATE_VALUE_BYTES + 1);
	if (len > TEMPLATE_VALUE_BYTES)
		len = whole_characters(text, TEMPLATE_VALUE_BYTES);
	return put(out, n, text, len);
}

size_t
template_expand(char *out, const char *text, template_value *value, void *arg)
{
	struct template_piece p;
	const char *fault;
	size_t n = 0, from;

	for (;;) {
		fault = template_next(&text, &p);
		assert(fault == NULL);
		if (fault != NULL || p.kind == TEMPLATE_END)
			break;
		n = p.kind == TEMPLATE_TEXT ? put(out, n, p.text, p.n)
					    : put_macro(out, n, &p, value, arg);
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	from = strspn(out, " ");
	memmove(out, out + from, n - from + 1);
	return n - from;
}
