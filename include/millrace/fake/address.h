/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Part of <millrace/fake.h>: the service "address/1", for simple fields.
 *
 * Mailboxes are what stands between commas, "Name <local@domain>" or
 * "local@domain"; quotes keep commas; anything else makes the list broken.
 * Nothing is decoded, names are ASCII, and of the public suffixes it knows
 * "co.uk", "github.io" and every name of one label.
 */
#ifndef MR_FAKE_ADDRESS_H
#define MR_FAKE_ADDRESS_H

#include <millrace/address.h>

MR_FAKE char *
fake_cut(struct mr_ctx *c, const char *start, const char *end)
{
	char *text;

	while (start < end && (*start == ' ' || *start == '\n'))
		start++;
	while (end > start && (end[-1] == ' ' || end[-1] == '\n'))
		end--;
	if (end - start > 1 && *start == '"' && end[-1] == '"') {
		start++;
		end--;
	}
	text = fake_alloc(fake_scope(fake_of(c)), (size_t)(end - start) + 1);
	return memcpy(text, start, (size_t)(end - start));
}

MR_FAKE const char *
fake_address_to_ascii(struct mr_ctx *c, const char *domain)
{
	size_t n = strlen(domain), label = 0;
	char *name;

	n -= n > 1 && domain[n - 1] == '.';
	name = fake_cut(c, domain, domain + n);
	for (char *p = name; *p != '\0'; p++) {
		label = *p == '.' ? 0 : label + 1;
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
		if ((label == 0 && (p == name || p[-1] == '.')) || label > 63 ||
		    strchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", *p) ==
			NULL)
			return NULL;
	}
	return n > 0 && n <= 253 && label > 0 ? name : NULL;
}

MR_FAKE bool
fake_address_is_public_suffix(const char *domain)
{
	return domain[0] != '\0' && domain[0] != '[' &&
	       (strchr(domain, '.') == NULL ||
		   strcasecmp(domain, "co.uk") == 0 ||
		   strcasecmp(domain, "github.io") == 0);
}

MR_FAKE const char *
fake_address_registered(struct mr_ctx *c, const char *domain)
{
	const char *name = fake_address_to_ascii(c, domain), *dot;

	if (name == NULL || fake_address_is_public_suffix(name))
		return NULL;
	while ((dot = strchr(name, '.')) != NULL &&
	       !fake_address_is_public_suffix(dot + 1))
		name = dot + 1;
	return dot != NULL ? name : NULL;
}

MR_FAKE bool
fake_mailbox(
    struct mr_ctx *c, const char *start, const char *end, struct mr_mailbox *m)
{
	const char *text = fake_cut(c, start, end);
	const char *open = strrchr(text, '<'), *at, *close;
	char *address;
	size_t n;

	close = open != NULL ? strchr(open, '>') : text + strlen(text);
	if (close == NULL || (open != NULL && close[1] != '\0'))
		return false;
	m->display = open != NULL ? fake_cut(c, text, open) : "";
	open = open != NULL ? open + 1 : text;
	at = strrchr(open, '@');
	if (at == NULL || at == open)
		return false;
	m->local = fake_cut(c, open, at);
	m->domain = fake_cut(c, at + 1, close);
	if (m->domain[0] != '[')
		m->domain = fake_address_to_ascii(c, m->domain);
	if (m->domain == NULL || strpbrk(m->local, " \"") != NULL)
		return false;
	n = strlen(m->local) + strlen(m->domain) + 2;
	address = fake_alloc(fake_scope(fake_of(c)), n);
	snprintf(address, n, "%s@%s", m->local, m->domain);
	m->address = address;
	return true;
}

MR_FAKE const struct mr_mailboxes *
fake_address_mailboxes(struct mr_ctx *c, const char *value)
{
	struct fake_block **scope = fake_scope(fake_of(c));
	struct mr_mailboxes *found = fake_alloc(scope, sizeof(*found));
	struct mr_mailbox *items = fake_alloc(scope, 256 * sizeof(*items));
	const char *start = value;
	bool quoted = false;

	found->items = items;
	for (;; value++) {
		quoted ^= *value == '"';
		if (*value != '\0' && (*value != ',' || quoted))
			continue;
		if (found->count == 256 || quoted)
			found->broken = true;
		else if (*fake_cut(c, start, value) == '\0')
			; /* an empty place in the list */
		else if (fake_mailbox(c, start, value, &items[found->count]))
			found->count++;
		else
			found->broken = true;
		if (*value == '\0')
			return found;
		start = value + 1;
	}
}

MR_FAKE const char *
fake_address_decode(struct mr_ctx *c, const char *value)
{
	char *text = fake_cut(c, value, value + strlen(value));

	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	return text;
}

static const struct mr_address_service fake_address_service = {
	.size = sizeof(struct mr_address_service),
	.mailboxes = fake_address_mailboxes,
	.decode = fake_address_decode,
	.to_ascii = fake_address_to_ascii,
	.registered = fake_address_registered,
	.is_public_suffix = fake_address_is_public_suffix,
};

#endif
