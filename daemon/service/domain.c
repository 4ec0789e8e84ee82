/* SPDX-License-Identifier: Apache-2.0 */
#include "service/domain.h"

#include <idn2.h>
#include <libpsl.h>
#include <pthread.h>
#include <string.h>

enum { LABEL_BYTES = 63, NAME_BYTES = 253, TEXT_BYTES = 1024 };

static bool
is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* Letters, digits, hyphens; the underscore is in many names of hosts. */
static bool
is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool
is_name(struct span s)
{
	size_t label = 0;

	if (s.n == 0 || s.n > NAME_BYTES)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (!is_name_byte(s.p[i]) || ++label > LABEL_BYTES) {
			return false;
		}
	}
	return label > 0;
}

static const char *
lower(struct arena *arena, struct span s)
{
	char *name = arena_copy_span(arena, s);

	for (char *c = name; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return name;
}

static struct span
without_dot(struct span s)
{
	if (s.n > 1 && s.p[s.n - 1] == '.')
		s.n--;
	return s;
}

const char *
domain_to_ascii(struct arena *arena, struct span s)
{
	const char *name = NULL;
	char *text, *found = NULL;
	struct span ascii;

	s = without_dot(s);
	if (s.n == 0 || s.n > TEXT_BYTES)
		return NULL;
	/* A-labels that no U-label makes are left: the DNS knows best. */
	if (is_ascii(s))
		return is_name(s) ? lower(arena, s) : NULL;
	text = arena_copy_span(arena, s);
	if (strlen(text) == s.n &&
	    idn2_to_ascii_8z(text, &found,
		IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK) {
		/* UTS 46 knows more than one dot. */
		ascii = without_dot(span_of(found));
		if (is_name(ascii))
			name = lower(arena, ascii);
	}
	idn2_free(found);
	return name;
}

/* Never freed: it serves as long as the process. */
static struct {
	pthread_once_t once;
	psl_ctx_t *psl;
} list = { .once = PTHREAD_ONCE_INIT };

static void
list_load(void)
{
	list.psl = psl_latest(NULL);
}

static const psl_ctx_t *
list_get(void)
{
	pthread_once(&list.once, list_load);
	return list.psl != NULL ? list.psl : psl_builtin();
}

/* "1.2.3.4" is an address, whatever a list of names would make of it. */
static bool
is_number(const char *name)
{
	const char *dot = strrchr(name, '.');
	const char *label = dot != NULL ? dot + 1 : name;

	return label[strspn(label, "0123456789")] == '\0';
}

bool
domain_is_public_suffix(const char *name)
{
	const psl_ctx_t *psl = list_get();

	return psl != NULL && !is_number(name) &&
	       psl_is_public_suffix(psl, name) != 0;
}

const char *
domain_registered(const char *name)
{
	const psl_ctx_t *psl = list_get();

	if (psl == NULL || is_number(name))
		return NULL;
	return psl_registrable_domain(psl, name);
}
