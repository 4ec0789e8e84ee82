/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of who a message says it is from. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "check_content.h"
#include "date.h"
#include "fold.h"

enum { FOLDED = 256, LABEL = 64 };

static const struct mr_mailbox *
first(struct view *v, const char *name)
{
	const struct mr_mailboxes *all = view_mailboxes(v, name);

	return all != NULL && all->count > 0 ? &all->items[0] : NULL;
}

/* Do both belong to who registered one name? */
static bool
related(struct view *v, const char *a, const char *b)
{
	return strcasecmp(view_registered(v, a), view_registered(v, b)) == 0;
}

/* "name.*": is the registered domain the name below any public suffix? */
static bool
is_branch_of(struct view *v, const char *domain, const char *name)
{
	const char *registered = view_registered(v, domain);
	size_t n = strlen(name) - strlen("*");

	return strncasecmp(registered, name, n) == 0 && registered[n] != '\0';
}

/* Is the domain one of the list's, or within one? */
static bool
is_one_of(
    struct view *v, const char *domain, const char *const *list, size_t count)
{
	size_t n = strlen(domain);

	for (size_t i = 0; i < count; i++) {
		size_t m = strlen(list[i]);

		if (m > 2 && strcmp(list[i] + m - 2, ".*") == 0) {
			if (is_branch_of(v, domain, list[i]))
				return true;
			continue;
		}
		if (n >= m && strcasecmp(domain + n - m, list[i]) == 0 &&
		    (n == m || domain[n - m - 1] == '.'))
			return true;
	}
	return false;
}

/* --- two fields that do not fit --- */

static bool
reply_to_differs(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	const struct mr_mailbox *from = first(v, "From");
	const struct mr_mailbox *reply = first(v, "Reply-To");

	(void)words;
	(void)nwords;
	if (from == NULL || reply == NULL || reply->domain[0] == '\0' ||
	    related(v, from->domain, reply->domain))
		return false;
	*detail = reply->domain;
	return true;
}

static bool
sender_differs(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	const struct mr_mailbox *from = first(v, "From");
	const char *at = strrchr(v->sender, '@');

	(void)words;
	(void)nwords;
	if (from == NULL || at == NULL || related(v, from->domain, at + 1))
		return false;
	*detail = at + 1;
	return true;
}

static bool
from_is_recipient(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	const struct mr_mailbox *from = first(v, "From");

	(void)words;
	(void)nwords;
	for (size_t i = 0;
	     from != NULL && v->recipients != NULL && v->recipients[i] != NULL;
	     i++)
		if (strcasecmp(v->recipients[i], from->address) == 0) {
			*detail = from->address;
			return true;
		}
	return false;
}

static bool
is_named(struct view *v, const char *field, const char *address)
{
	const struct mr_mailboxes *all = view_mailboxes(v, field);

	for (uint32_t i = 0; all != NULL && i < all->count; i++)
		if (strcasecmp(all->items[i].address, address) == 0)
			return true;
	return false;
}

/* Nobody whom it goes to stands in To or Cc. */
static bool
recipient_not_named(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	(void)words;
	(void)nwords;
	(void)detail;
	if (v->recipients == NULL || v->recipients[0] == NULL)
		return false;
	for (size_t i = 0; v->recipients[i] != NULL; i++)
		if (is_named(v, "To", v->recipients[i]) ||
		    is_named(v, "Cc", v->recipients[i]))
			return false;
	return true;
}

/* What a machine tells its own mailbox: "Cron <root@host>". */
static bool
is_from(const struct mr_mailbox *from, const char *address)
{
	return from != NULL && strcasecmp(from->address, address) == 0;
}

/* Bulk that pretends to know one: an address it goes to, as words. */
static bool
subject_has_recipient(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	const struct mr_mailboxes *to = view_mailboxes(v, "To");
	const struct mr_mailbox *from = first(v, "From");
	const char *subject = v->content->subject;

	(void)words;
	(void)nwords;
	for (uint32_t i = 0; to != NULL && i < to->count; i++)
		if (to->items[i].domain[0] != '\0' &&
		    !is_from(from, to->items[i].address) &&
		    strcasestr(subject, to->items[i].address) != NULL) {
			*detail = to->items[i].address;
			return true;
		}
	for (size_t i = 0; v->recipients != NULL && v->recipients[i] != NULL;
	     i++)
		if (strchr(v->recipients[i], '@') != NULL &&
		    !is_from(from, v->recipients[i]) &&
		    strcasestr(subject, v->recipients[i]) != NULL) {
			*detail = v->recipients[i];
			return true;
		}
	return false;
}

/* --- names of persons --- */

/* "billing@bank.example" <x@evil.example> */
static bool
name_has_other_address(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	const struct mr_mailbox *from = first(v, "From");
	const struct mr_mailboxes *in;

	(void)words;
	(void)nwords;
	if (from == NULL || strchr(from->display, '@') == NULL)
		return false;
	in = v->address->mailboxes(v->ctx, from->display);
	for (uint32_t i = 0; i < in->count; i++)
		if (strchr(in->items[i].domain, '.') != NULL &&
		    !related(v, in->items[i].domain, from->domain)) {
			*detail = in->items[i].domain;
			return true;
		}
	return false;
}

/* Is word in text, not in the midst of letters? */
static bool
has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; (p = strstr(p, word)) != NULL; p++) {
		bool begins = p == text || p[-1] < 'a' || p[-1] > 'z';
		bool ends = p[n] < 'a' || p[n] > 'z';

		if (begins && ends)
			return true;
	}
	return false;
}

/* Once a message: dozens of rules ask for it. */
static const char *
folded_name(struct view *v, const struct mr_mailbox *from)
{
	char name[FOLDED];
	size_t n;

	if (v->folded_name == NULL) {
		n = fold_text(
		    name, sizeof(name), from->display, strlen(from->display));
		v->folded_name = pool_copy(v->pool, name, n);
	}
	return v->folded_name;
}

/* BRAND DOMAIN ...: the name claims it, the address is none of its own. */
static bool
name_claims(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	const struct mr_mailbox *from = first(v, "From");
	char brand[LABEL], words_apart[LABEL];

	if (from == NULL || from->domain[0] == '\0' || from->display[0] == '\0')
		return false;
	snprintf(words_apart, sizeof(words_apart), "%s", words[0]);
	for (char *p = words_apart; *p != '\0'; p++)
		if (*p == '_')
			*p = ' ';
	fold_text(brand, sizeof(brand), words_apart, strlen(words_apart));
	if (brand[0] == '\0' || !has_word(folded_name(v, from), brand) ||
	    is_one_of(v, from->domain, words + 1, nwords - 1))
		return false;
	*detail = from->domain;
	return true;
}

/* --- domains that look like others --- */

/* The first label of a domain, and what it looks like. */
struct label {
	char text[LABEL * 4], folded[LABEL * 4];
};

static bool
label_of(struct label *l, const char *domain)
{
	size_t n = fold_label(l->text, sizeof(l->text), domain);

	fold_text(l->folded, sizeof(l->folded), l->text, n);
	return n > 0;
}

/* The same label is no look-alike: it may be a branch elsewhere. */
static bool
looks_like(const struct label *l, const char *real)
{
	struct label wanted;

	if (!label_of(&wanted, real) || strcasecmp(l->text, wanted.text) == 0)
		return false;
	return strcmp(l->folded, wanted.folded) == 0 ||
	       (strlen(wanted.folded) >= 6 &&
		   fold_distance(l->folded, wanted.folded, 1) == 1);
}

static bool
look_alike_of(struct view *v, const char *domain, const char *const *words,
    size_t nwords, const char **detail)
{
	struct label label;

	if (domain[0] == '\0' || is_one_of(v, domain, words, nwords) ||
	    !label_of(&label, view_registered(v, domain)))
		return false;
	for (size_t i = 0; i < nwords; i++)
		if (looks_like(&label, words[i])) {
			*detail = domain;
			return true;
		}
	return false;
}

static bool
from_looks_like(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	static const char *const fields[] = { "From", "Reply-To", "Sender" };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct mr_mailbox *m = first(v, fields[i]);

		if (m != NULL &&
		    look_alike_of(v, m->domain, words, nwords, detail))
			return true;
	}
	return false;
}

static bool
link_looks_like(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	const char *before = "";

	for (uint32_t i = 0; i < v->content->nurls; i++) {
		const char *domain = v->content->urls[i].registered;

		if (strcmp(domain, before) != 0 &&
		    look_alike_of(v, domain, words, nwords, detail))
			return true;
		before = domain;
	}
	return false;
}

/* The sender's domain looks like one of the recipients'. */
static bool
from_looks_like_recipient(struct view *v, const char *const *words,
    size_t nwords, const char **detail)
{
	const struct mr_mailbox *from = first(v, "From");

	(void)words;
	(void)nwords;
	if (from == NULL || v->recipients == NULL)
		return false;
	for (size_t i = 0; v->recipients[i] != NULL; i++) {
		const char *at = strrchr(v->recipients[i], '@');
		const char *own;

		if (at == NULL || at[1] == '\0')
			continue;
		own = view_registered(v, at + 1);
		if (look_alike_of(v, from->domain, &own, 1, detail))
			return true;
	}
	return false;
}

/* --- the rest of the header --- */

/*
 * When the message came to the last host before us, or now: mail that waited
 * in a queue or lay in a mailbox is not written in the past.
 */
static time_t
came_at(struct view *v)
{
	const char *received = view_field(v, "Received"), *when;
	time_t then;

	when = received != NULL ? strrchr(received, ';') : NULL;
	return when != NULL && date_parse(when + 1, &then) && then < v->now
		   ? then
		   : v->now;
}

static bool
date_off(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	const char *date = view_field(v, "Date");
	double off, hours = strtod(words[0], NULL);
	time_t then;

	(void)nwords;
	if (date == NULL || !date_parse(date, &then))
		return false;
	off = difftime(then, came_at(v)) / 3600;
	/* "-24": more than a day old; "24": more than a day ahead. */
	if (hours < 0 ? off > hours : off < hours)
		return false;
	*detail = pool_printf(v->pool, "%.0f hours", off);
	return true;
}

static bool
date_invalid(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	const char *date = view_field(v, "Date");
	time_t then;

	(void)words;
	(void)nwords;
	if (date == NULL || date_parse(date, &then))
		return false;
	*detail = date;
	return true;
}

/* FIELD COUNT: it is there so often, or more. */
static bool
field_count(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	unsigned long wanted = strtoul(words[1], NULL, 10), n = 0;

	(void)nwords;
	for (size_t i = 0; i < v->nfields; i++)
		n += strcasecmp(v->fields[i].name, words[0]) == 0;
	*detail = pool_printf(v->pool, "%lu", n);
	return n >= wanted;
}

/* FIELD COUNT: so many mailboxes, or more. */
static bool
address_count(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	const struct mr_mailboxes *all = view_mailboxes(v, words[0]);
	unsigned long n = all != NULL ? all->count : 0;

	(void)nwords;
	*detail = pool_printf(v->pool, "%lu", n);
	return n >= strtoul(words[1], NULL, 10);
}

/* Letters of the subject that are capitals, of 12 letters or more. */
static bool
subject_shouts(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	unsigned upper = 0, lower = 0;

	(void)words;
	(void)nwords;
	(void)detail;
	for (const char *p = v->content->subject; *p != '\0'; p++) {
		upper += *p >= 'A' && *p <= 'Z';
		lower += *p >= 'a' && *p <= 'z';
	}
	return upper >= 12 && lower * 10 <= upper;
}

static bool
mixed_scripts(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	const struct mr_mailbox *from = first(v, "From");
	unsigned n =
	    fold_mixed_words(v->content->subject, strlen(v->content->subject));

	(void)nwords;
	if (from != NULL)
		n += fold_mixed_words(from->display, strlen(from->display));
	n += fold_mixed_words(v->content->text,
	    v->content->text_len < v->text_limit ? v->content->text_len
						 : v->text_limit);
	*detail = pool_printf(v->pool, "%u words", n);
	return n >= strtoul(words[0], NULL, 10);
}

static const struct check checks[] = {
	{ "reply-to-differs", 0, 0, reply_to_differs },
	{ "sender-differs", 0, 0, sender_differs },
	{ "from-is-recipient", 0, 0, from_is_recipient },
	{ "recipient-not-named", 0, 0, recipient_not_named },
	{ "subject-has-recipient", 0, 0, subject_has_recipient },
	{ "name-has-other-address", 0, 0, name_has_other_address },
	{ "name-claims", 2, 100, name_claims },
	{ "from-looks-like", 1, 100, from_looks_like },
	{ "link-looks-like", 1, 100, link_looks_like },
	{ "from-looks-like-recipient", 0, 0, from_looks_like_recipient },
	{ "date-off", 1, 1, date_off },
	{ "date-invalid", 0, 0, date_invalid },
	{ "field-count", 2, 2, field_count },
	{ "address-count", 2, 2, address_count },
	{ "subject-shouts", 0, 0, subject_shouts },
	{ "mixed-scripts", 1, 1, mixed_scripts },
	{ "link-shows-other", 0, 0, check_link_shows_other },
	{ "link-obfuscated", 0, 0, check_link_obfuscated },
	{ "link-has-recipient", 0, 0, check_link_has_recipient },
	{ "link-count", 1, 1, check_link_count },
	{ "text-at-most", 1, 1, check_text_at_most },
	{ "type-differs", 0, 0, check_type_differs },
	{ "encrypted-archive", 0, 0, check_encrypted_archive },
};

const struct check *
check_named(const char *name)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		if (strcmp(checks[i].name, name) == 0)
			return &checks[i];
	return NULL;
}
