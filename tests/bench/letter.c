/* SPDX-License-Identifier: Apache-2.0 */
#include "letter.h"

#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
read_file(const char *path, struct buffer *out)
{
	char part[65536];
	size_t n;
	FILE *f = fopen(path, "re");

	if (f == NULL)
		err(1, "%s", path);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buffer_put(out, part, n);
	if (ferror(f))
		err(1, "%s", path);
	fclose(f);
	buffer_put_string(out, "");
	out->n--; /* the NUL stands behind the text */
}

static void
drop_returns(struct buffer *b)
{
	size_t to = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->p[i] != '\r' || b->p[i + 1] != '\n')
			b->p[to++] = b->p[i];
	b->n = to;
	b->p[to] = '\0';
}

/* The end of the field that begins here: the LF that no blank follows. */
static char *
field_end(char *at)
{
	for (at = strchr(at, '\n'); at != NULL; at = strchr(at + 1, '\n'))
		if (at[1] != ' ' && at[1] != '\t')
			return at;
	return NULL;
}

static void
add_field(struct letter *l, size_t *n, char *line)
{
	char *colon = strchr(line, ':');

	if (colon == NULL)
		errx(1, "\"%.40s\" is not a header field", line);
	*colon++ = '\0';
	l->fields = reallocarray(l->fields, *n + 3, sizeof(*l->fields));
	if (l->fields == NULL)
		err(1, "out of memory");
	l->fields[(*n)++] = line;
	l->fields[(*n)++] = colon + (*colon == ' ');
	l->fields[*n] = NULL;
}

/* Cut the fields off; returns where the body begins. */
static char *
take_fields(struct letter *l)
{
	char *at = l->text.p, *end;
	size_t n = 0;

	while (*at != '\0' && *at != '\n') {
		end = field_end(at);
		if (end != NULL)
			*end = '\0';
		add_field(l, &n, at);
		if (end == NULL)
			return l->text.p + l->text.n;
		at = end + 1;
	}
	return at + (*at == '\n');
}

static void
take_body(struct letter *l, const char *at)
{
	const char *end = l->text.p + l->text.n;

	while (at < end) {
		const char *line = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((line != NULL ? line : end) - at);

		buffer_put(&l->body, at, n);
		buffer_put(&l->body, "\r\n", 2);
		at += n + 1;
	}
}

static int
is_visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

struct letter *
letters_read(const char *folder, size_t *count)
{
	struct dirent **names;
	struct letter *letters;
	int n = scandir(folder, &names, is_visible, alphasort);

	if (n <= 0)
		errx(1, "%s: no message is there", folder);
	letters = calloc((size_t)n, sizeof(*letters));
	if (letters == NULL)
		err(1, "out of memory");
	for (int i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		read_file(path, &letters[i].text);
		drop_returns(&letters[i].text);
		take_body(&letters[i], take_fields(&letters[i]));
		free(names[i]);
	}
	free(names);
	*count = (size_t)n;
	return letters;
}

void
letters_free(struct letter *letters, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		buffer_finish(&letters[i].text);
		buffer_finish(&letters[i].body);
		free(letters[i].fields);
	}
	free(letters);
}
