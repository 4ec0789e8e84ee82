/* SPDX-License-Identifier: Apache-2.0 */
#include "command/option.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/memory.h"
#include "base/nearest.h"

enum { HELP_COLUMN = 24, HELP_WIDTH = 78 };

/* Messages may have several lines; each is made safe by itself. */
void
complain(const char *format, ...)
{
	struct buf out = { 0 };
	struct span rest;
	va_list args;
	char *text;

	va_start(args, format);
	text = memory_vprintf(format, args);
	va_end(args);
	rest = span_of(text);
	while (rest.n > 0) {
		struct span line = span_cut(&rest, '\n');

		buf_text(&out, "millrace: ");
		escape_log(&out, line);
		buf_char(&out, '\n');
	}
	fputs(out.p != NULL ? out.p : "", stderr);
	buf_finish(&out);
	free(text);
}

static const struct option_row *
find(const struct option_table *tables, size_t count, struct span name,
    void **member)
{
	for (size_t t = 0; t < count; t++)
		for (const struct option_row *r = tables[t].rows;
		     r->name != NULL; r++)
			if (span_equal(span_of(r->name), name)) {
				*member = (char *)tables[t].values + r->offset;
				return r;
			}
	return NULL;
}

static void
unknown(const struct option_table *tables, size_t count, struct span name)
{
	char *wrong = memory_printf("%.*s", (int)name.n, name.p);
	struct nearest n = { .wrong = wrong };

	for (size_t t = 0; t < count; t++)
		for (const struct option_row *r = tables[t].rows;
		     r->name != NULL; r++)
			nearest_offer(&n, r->name);
	if (n.best != NULL)
		complain("there is no option --%s: did you mean --%s?", wrong,
		    n.best);
	else
		complain(
		    "there is no option --%s: --help shows them all", wrong);
	free(wrong);
}

static bool
set_number(const char *name, const char *value, long *out)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || n < 1) {
		complain(
		    "--%s: \"%s\" is not a number of 1 or more", name, value);
		return false;
	}
	*out = n;
	return true;
}

static bool
set(const struct option_row *r, void *member, const char *value)
{
	struct option_list *list = member;

	assert(value != NULL || r->kind == OPTION_FLAG); /* see take() */
	switch (r->kind) {
	case OPTION_FLAG:
		*(bool *)member = true;
		return true;
	case OPTION_TEXT:
		*(const char **)member = value;
		return true;
	case OPTION_NUMBER:
		return set_number(r->name, value, member);
	case OPTION_LIST:
		list->items = memory_resize(
		    list->items, (list->count + 2) * sizeof(*list->items));
		list->items[list->count++] = value;
		list->items[list->count] = NULL;
		return true;
	}
	return false;
}

/* One option; *used says whether the next word is its value. */
static bool
take(const struct option_table *tables, size_t count, const char *word,
    const char *next, bool *used)
{
	struct span name = span_of(word + 2);
	const char *equals = strchr(word, '='), *value = next;
	const struct option_row *r;
	void *member = NULL;

	*used = false;
	if (equals != NULL) {
		name.n = (size_t)(equals - name.p);
		value = equals + 1;
	}
	if ((r = find(tables, count, name, &member)) == NULL) {
		unknown(tables, count, name);
		return false;
	}
	if (r->argument == NULL && equals != NULL) {
		complain("--%s takes no value", r->name);
		return false;
	}
	if (r->argument != NULL && value == NULL) {
		complain("--%s needs a value: --%s %s", r->name, r->name,
		    r->argument);
		return false;
	}
	*used = r->argument != NULL && equals == NULL;
	return set(r, member, value);
}

int
option_parse(const struct option_table *tables, size_t count, int argc,
    char **argv, bool stop)
{
	static char help[] = "--help";
	int operands = 0;
	bool used;

	for (int i = 1; i < argc; i++) {
		char *word = argv[i];

		if (strcmp(word, "--") == 0) {
			while (++i < argc)
				argv[operands++] = argv[i];
			break;
		}
		if (word[0] != '-' || word[1] == '\0') {
			argv[operands++] = word;
			while (stop && ++i < argc)
				argv[operands++] = argv[i];
			continue;
		}
		if (strcmp(word, "-h") == 0)
			word = help;
		if (word[1] != '-') {
			complain("%s: options are words: --help shows them "
				 "all",
			    word);
			return -1;
		}
		if (!take(tables, count, word,
			i + 1 < argc ? argv[i + 1] : NULL, &used))
			return -1;
		i += used;
	}
	argv[operands] = NULL;
	return operands;
}

static bool
is_known(const struct option_table *tables, size_t count, const char *word)
{
	void *member;

	return strncmp(word, "--", 2) == 0 &&
	       find(tables, count,
		   (struct span){ word + 2, strcspn(word + 2, "=") },
		   &member) != NULL;
}

int
option_take_known(
    const struct option_table *tables, size_t count, int argc, char **argv)
{
	int left = 1;

	for (int i = 1; i < argc; i++) {
		bool used = false;

		if (strcmp(argv[i], "--") == 0) {
			while (i < argc)
				argv[left++] = argv[i++];
			break;
		}
		if (!is_known(tables, count, argv[i]))
			argv[left++] = argv[i];
		else if (!take(tables, count, argv[i], argv[i + 1], &used))
			return -1;
		i += used;
	}
	argv[left] = NULL;
	return left;
}

/* Text from the column on, broken at blanks. */
static void
print_wrapped(const char *text, int column)
{
	int at = column;

	while (*text != '\0') {
		int n = (int)strcspn(text, " ");

		if (at > column && at + 1 + n > HELP_WIDTH) {
			printf("\n%*s", column, "");
			at = column;
		} else if (at > column) {
			putchar(' ');
			at++;
		}
		printf("%.*s", n, text);
		at += n;
		text += n;
		text += strspn(text, " ");
	}
	putchar('\n');
}

void
option_help(const struct option_table *tables, size_t count)
{
	for (size_t t = 0; t < count; t++)
		for (const struct option_row *r = tables[t].rows;
		     r->name != NULL; r++) {
			int n = printf("  --%s%s%s", r->name,
			    r->argument != NULL ? " " : "",
			    r->argument != NULL ? r->argument : "");

			if (n < HELP_COLUMN)
				printf("%*s", HELP_COLUMN - n, "");
			else
				printf("\n%*s", HELP_COLUMN, "");
			print_wrapped(r->text, HELP_COLUMN);
		}
}
