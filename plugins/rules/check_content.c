/* SPDX-License-Identifier: Apache-2.0 */
#include "check_content.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HOST = 256 };

/* The host that a text looks like: "www.bank.example", "https://x/". */
static bool
shown_host(const char *shown, char host[HOST])
{
	const char *p = strstr(shown, "://");
	size_t n;

	p = p != NULL ? p + 3 : shown;
	n = strcspn(p, "/:?# \t\n,;)>");
	if (n == 0 || n >= HOST || memchr(p, '.', n) == NULL)
		return false;
	/* A sentence is no link: "Dear Mr. Smith" */
	if (p == shown && p[n] != '\0' && p[n] != '/' && p[n] != ':')
		return false;
	memcpy(host, p, n);
	host[n] = '\0';
	return host[n - 1] != '.' && strchr(host, '@') == NULL;
}

static bool
is_web(const struct mr_url *u)
{
	return strncmp(u->scheme, "http", 4) == 0;
}

bool
check_link_shows_other(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	char host[HOST];

	(void)words;
	(void)nwords;
	for (uint32_t i = 0; i < v->content->nurls; i++) {
		const struct mr_url *u = &v->content->urls[i];
		const char *name;

		if (!is_web(u) || u->shown == NULL ||
		    !shown_host(u->shown, host) ||
		    (name = v->address->registered(v->ctx, host)) == NULL ||
		    strcasecmp(name, u->registered) == 0)
			continue;
		*detail = pool_printf(
		    v->pool, "%s is shown as %s", u->registered, name);
		return true;
	}
	return false;
}

bool
check_link_obfuscated(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	(void)words;
	(void)nwords;
	for (uint32_t i = 0; i < v->content->nurls; i++)
		if (v->content->urls[i].obfuscated) {
			*detail = v->content->urls[i].text;
			return true;
		}
	return false;
}

bool
check_link_has_recipient(struct view *v, const char *const *words,
    size_t nwords, const char **detail)
{
	(void)words;
	(void)nwords;
	for (uint32_t i = 0; i < v->content->nurls; i++) {
		const struct mr_url *u = &v->content->urls[i];

		for (size_t k = 0; is_web(u) && v->recipients != NULL &&
				   v->recipients[k] != NULL;
		     k++)
			if (strchr(v->recipients[k], '@') != NULL &&
			    strcasestr(u->path, v->recipients[k]) != NULL) {
				*detail = u->host;
				return true;
			}
	}
	return false;
}

bool
check_link_count(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	unsigned long n = 0;

	(void)nwords;
	for (uint32_t i = 0; i < v->content->nurls; i++)
		n += is_web(&v->content->urls[i]);
	*detail = pool_printf(v->pool, "%lu", n);
	return n >= strtoul(words[0], NULL, 10);
}

bool
check_text_at_most(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	(void)nwords;
	*detail = pool_printf(v->pool, "%zu", v->content->text_len);
	return v->content->text_len <= strtoul(words[0], NULL, 10);
}

/* What its first bytes say against what its name says. */
static const struct {
	const char *detected;
	const char *names; /* extensions that it may have, blanks around */
} known[] = {
	{ "application/x-dosexec", " exe dll scr com sys ocx cpl msu " },
	{ "application/x-elf", " so elf bin o run appimage " },
	{ "application/x-ms-shortcut", " lnk " },
	{ "application/java-archive", " jar war ear aar " },
	{ "application/x-iso9660-image", " iso img " },
	{ "application/vnd.rar", " rar r00 001 rev " },
	{ "application/x-7z-compressed", " 7z 001 " },
	{ "application/onenote", " one onetoc2 " },
	{ "text/html", " html htm shtml xhtml mht eml txt xml " },
	{ "application/x-bat", " bat cmd " },
};

bool
check_type_differs(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	(void)words;
	(void)nwords;
	for (uint32_t i = 0; i < v->content->nparts; i++) {
		const struct mr_part *p = &v->content->parts[i];
		const char *dot = strrchr(p->filename, '.');

		for (size_t k = 0;
		     dot != NULL && k < sizeof(known) / sizeof(known[0]); k++)
			if (strcmp(known[k].detected, p->detected) == 0 &&
			    strcasestr(known[k].names,
				pool_printf(v->pool, " %s ", dot + 1)) ==
				NULL) {
				*detail = pool_printf(v->pool, "%s is %s",
				    p->filename, p->detected);
				return true;
			}
	}
	return false;
}

bool
check_encrypted_archive(struct view *v, const char *const *words, size_t nwords,
    const char **detail)
{
	(void)words;
	(void)nwords;
	for (uint32_t i = 0; i < v->content->nparts; i++)
		if (v->content->parts[i].encrypted) {
			*detail = v->content->parts[i].filename;
			return true;
		}
	return false;
}
