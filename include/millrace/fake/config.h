/* SPDX-License-Identifier: Apache-2.0 */
/* Part of <millrace/fake.h>: options from their table. */
#ifndef MR_FAKE_CONFIG_H
#define MR_FAKE_CONFIG_H

/* A list that grows; the daemon's are opaque too. */
struct fake_list {
	struct mr_list list; /* what an MR_LIST member points to */
	const char **items;
	bool fallback; /* what it holds is the default */
};

struct mr_map {
	struct fake_list entries;
};

MR_FAKE const struct mr_option *
fake_option(const struct fake *f, const char *name)
{
	const char *at = (const char *)f->plugin->options;

	for (; at != NULL && ((const struct mr_option *)(const void *)at)->name;
	     at += f->plugin->option_size) {
		const struct mr_option *o = (const void *)at;

		if (strcmp(o->name, name) == 0)
			return o;
	}
	fake_broken("no such option", name);
	return NULL;
}

/* "1500", "5s", "64K", "2.5": the number and its unit. */
MR_FAKE double
fake_number(const struct mr_option *o, const char *text)
{
	static const struct {
		mr_type type;
		const char *unit;
		double factor;
	} units[] = {
		{ MR_DURATION, "ms", 1 },
		{ MR_DURATION, "s", 1e3 },
		{ MR_DURATION, "m", 60e3 },
		{ MR_DURATION, "h", 3600e3 },
		{ MR_DURATION, "d", 86400e3 },
		{ MR_SIZE, "K", 1024 },
		{ MR_SIZE, "M", 1024.0 * 1024 },
		{ MR_SIZE, "G", 1024.0 * 1024 * 1024 },
	};
	char *unit;
	double number = strtod(text, &unit);

	if (unit == text)
		fake_broken(o->name, "not a number");
	if (*unit == '\0')
		return number;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].type == o->type && !strcmp(units[i].unit, unit))
			return number * units[i].factor;
	fake_broken(o->name, "no such unit");
	return 0;
}

MR_FAKE int64_t
fake_choice(const struct mr_option *o, const char *text)
{
	const char *word = o->choices;
	size_t n;

	for (int64_t i = 0; word != NULL && *word != '\0'; i++) {
		n = strcspn(word, "|");
		if (strlen(text) == n && strncmp(word, text, n) == 0)
			return i;
		word += n + (word[n] == '|');
	}
	fake_broken(o->name, "no such choice");
	return 0;
}

MR_FAKE void
fake_list_add(struct fake *f, struct fake_list *l, const char *text)
{
	const char **grown =
	    fake_alloc(&f->kept, (l->list.count + 2) * sizeof(*grown));

	if (l->list.count > 0)
		memcpy(grown, l->items, l->list.count * sizeof(*grown));
	grown[l->list.count++] = fake_copy(&f->kept, text);
	l->list.items = l->items = grown;
}

/* The list behind a member; the member itself points to const. */
MR_FAKE struct fake_list *
fake_list_of(struct fake *f, void *member)
{
	struct fake_list **slot = member;

	if (*slot == NULL)
		*slot = fake_alloc(&f->kept, sizeof(struct mr_map));
	return *slot;
}

MR_FAKE void
fake_check_range(const struct mr_option *o, double number)
{
	if ((o->min != 0 || o->max != 0) &&
	    (number < (double)o->min || number > (double)o->max))
		fake_broken(o->name, "out of range");
}

/*
 * Set an option before fake_open(), as text of the config file.  A list or
 * map gets one entry more each time.
 */
MR_FAKE void
fake_set(struct fake *f, const char *name, const char *text)
{
	const struct mr_option *o = fake_option(f, name);
	void *member = (char *)f->conf + o->offset;
	struct fake_list *list;

	switch (o->type) {
	case MR_BOOL:
		*(bool *)member = strcmp(text, "true") == 0;
		return;
	case MR_INT:
	case MR_DURATION:
	case MR_SIZE:
		*(int64_t *)member = (int64_t)fake_number(o, text);
		fake_check_range(o, (double)*(int64_t *)member);
		return;
	case MR_REAL:
		*(double *)member = fake_number(o, text);
		fake_check_range(o, *(double *)member);
		return;
	case MR_STRING:
		*(const char **)member = fake_copy(&f->kept, text);
		return;
	case MR_CHOICE:
		*(int64_t *)member = fake_choice(o, text);
		return;
	case MR_LIST:
	case MR_MAP:
		list = fake_list_of(f, member);
		if (list->fallback)
			*list = (struct fake_list){ 0 };
		fake_list_add(f, list, text);
		return;
	default:
		fake_broken(o->name, "a type that this header has not");
	}
}

/* { "a", "b" }, as a default is written. */
MR_FAKE void
fake_list_default(struct fake *f, struct fake_list *l, const char *text)
{
	const char *end;
	char one[256];

	while ((text = strchr(text, '"')) != NULL &&
	       (end = strchr(text + 1, '"')) != NULL) {
		snprintf(
		    one, sizeof(one), "%.*s", (int)(end - text - 1), text + 1);
		fake_list_add(f, l, one);
		text = end + 1;
	}
	if (l->list.count == 0 && text != NULL && text[0] != '{')
		fake_list_add(f, l, text);
	l->fallback = true;
}

/* As the daemon: lists are never NULL, maps and strings may be. */
MR_FAKE void
fake_set_defaults(struct fake *f)
{
	const char *at = (const char *)f->plugin->options;

	for (; at != NULL && ((const struct mr_option *)(const void *)at)->name;
	     at += f->plugin->option_size) {
		const struct mr_option *o = (const void *)at;

		void *member = (char *)f->conf + o->offset;

		if (o->type == MR_LIST)
			fake_list_of(f, member);
		if (o->fallback == NULL)
			continue;
		if (o->type == MR_LIST || o->type == MR_MAP)
			fake_list_default(
			    f, fake_list_of(f, member), o->fallback);
		else
			fake_set(f, o->name, o->fallback);
	}
}

#endif
