/* SPDX-License-Identifier: Apache-2.0 */
#include "conf.h"

#include <stdio.h>
#include <string.h>

#define ACTION_WORDS "accept|score|tempfail|reject|quarantine"

#define ACTION(c, n, f, more, t)                                               \
	{                                                                      \
		.name = n,                                                     \
		MR_OPTION(struct dmarc_conf, actions[c], MR_CHOICE),           \
		.fallback = f, .choices = ACTION_WORDS more, .text = t         \
	}
#define SCORE(m, n, f, t)                                                      \
	{                                                                      \
		.name = n, MR_OPTION(struct dmarc_conf, m, MR_REAL),           \
		.fallback = f, .min = -1000, .max = 1000, .text = t            \
	}

const struct mr_option conf_options[] = {
	{ .name = "organizational-domain",
	    MR_OPTION(struct dmarc_conf, method, MR_CHOICE),
	    .fallback = "treewalk",
	    .choices = "treewalk|psl",
	    .text = "How the organizational domain is found: by asking the "
		    "DNS upwards (RFC 9989), or in the public suffix list." },
	ACTION(CASE_REJECT, "reject", "reject", "",
	    "What happens if the domain asks to reject."),
	ACTION(CASE_QUARANTINE, "quarantine", "quarantine", "",
	    "What happens if the domain asks to quarantine."),
	ACTION(CASE_NONE, "none", "score", "",
	    "What happens if the domain asks for nothing."),
	ACTION(CASE_TEMPERROR, "temperror", "error", "|error",
	    "What happens if the DNS fails."),
	ACTION(CASE_PERMERROR, "permerror", "accept", "",
	    "What happens if the domain's record is wrong."),
	ACTION(CASE_NO_DOMAIN, "no-domain", "score", "",
	    "What happens if From has no domain, or too many."),
	{ .name = "several-domains",
	    MR_OPTION(struct dmarc_conf, several, MR_CHOICE),
	    .fallback = "each",
	    .choices = "each|reject",
	    .text = "What happens if From has addresses of several domains: "
		    "each is checked and the gravest policy applies, or the "
		    "message is refused." },
	SCORE(pass_score, "pass-score", "0", "Score of a message that passes."),
	SCORE(scores[CASE_REJECT], "reject-score", "6",
	    "Score where the domain asks to reject and the action is score."),
	SCORE(scores[CASE_QUARANTINE], "quarantine-score", "3",
	    "The same where it asks to quarantine."),
	SCORE(scores[CASE_NONE], "none-score", "0.5",
	    "The same where it asks for nothing."),
	SCORE(scores[CASE_TEMPERROR], "temperror-score", "0",
	    "The same where the DNS fails."),
	SCORE(scores[CASE_PERMERROR], "permerror-score", "0.5",
	    "The same where the record is wrong."),
	SCORE(scores[CASE_NO_DOMAIN], "no-domain-score", "2",
	    "The same where From has no domain."),
	{ .name = "overrides",
	    MR_OPTION(struct dmarc_conf, overrides, MR_MAP),
	    .text = "Author domains with an action of their own: "
		    "\"example.com accept\"." },
	{ .name = "trusted-forwarders",
	    MR_OPTION(struct dmarc_conf, forwarders, MR_MAP),
	    .text = "Who may send on mail that fails: clients, and domains "
		    "that SPF or a signature vouches for." },
	{ .name = "mailing-lists",
	    MR_OPTION(struct dmarc_conf, lists, MR_MAP),
	    .text = "The same, for messages with a List-Id only." },
	{ .name = "skip-authenticated",
	    MR_OPTION(struct dmarc_conf, skip_authenticated, MR_BOOL),
	    .fallback = "true",
	    .text = "Do not check clients that have logged in." },
	{ .name = "skip-clients",
	    MR_OPTION(struct dmarc_conf, skip_clients, MR_MAP),
	    .fallback = "{ \"127.0.0.0/8\", \"::1\" }",
	    .text = "Do not check these clients." },
	{ .name = "reply",
	    MR_OPTION(struct dmarc_conf, reply, MR_STRING),
	    .fallback = "Email rejected per DMARC policy for {domain}",
	    .text = "What the refused are told." },
	{ .name = "report-org",
	    MR_OPTION(struct dmarc_conf, report_org, MR_STRING),
	    .text = "Name of the organization that reports." },
	{ .name = "report-email",
	    MR_OPTION(struct dmarc_conf, report_email, MR_STRING),
	    .text = "Address that reports come from and questions go to." },
	{ .name = "report-contact",
	    MR_OPTION(struct dmarc_conf, report_contact, MR_STRING),
	    .text = "More about whom to ask, for the reports." },
	{ .name = "report-sendmail",
	    MR_OPTION(struct dmarc_conf, report_sendmail, MR_STRING),
	    .fallback = "/usr/sbin/sendmail",
	    .text = "The program that sends reports." },
	{ 0 },
};

/* Walk through a list and report what is wrong with its values. */
struct check {
	const struct mr_host *host;
	const char *option;
	bool ok;
};

static bool
check_entry(void *arg, const char *key, const char *value, const char *where)
{
	struct check *check = arg;
	const char *why;
	struct entry e;
	char line[512];

	if ((why = decide_entry(value, &e)) == NULL)
		return true;
	snprintf(line, sizeof(line), "%s%sentry \"%.100s\": %s",
	    where != NULL ? where : "", where != NULL ? ": " : "", key, why);
	check->host->config_error(check->host, check->option, line);
	check->ok = false;
	return true;
}

static bool
check_lists(const struct dmarc_conf *conf, const struct mr_map_service *map,
    const struct mr_host *host)
{
	const struct {
		const char *option;
		const struct mr_map *map;
	} lists[] = {
		{ "overrides", conf->overrides },
		{ "trusted-forwarders", conf->forwarders },
		{ "mailing-lists", conf->lists },
	};
	struct check check = { .host = host, .ok = true };

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		check.option = lists[i].option;
		map->each(lists[i].map, check_entry, &check);
	}
	return check.ok;
}

static bool
check_reply(const struct dmarc_conf *conf, const struct mr_host *host)
{
	size_t n = strlen(conf->reply);

	for (size_t i = 0; i < n; i++)
		if (conf->reply[i] < ' ' || conf->reply[i] > '~')
			n = 0;
	if (n > 0 && n <= DECIDE_REPLY_BYTES)
		return true;
	host->config_error(host, "reply",
	    "write one line of at most 600 ASCII characters, as in \"Email "
	    "rejected per DMARC policy for {domain}\"");
	return false;
}

static bool
check_email(const struct dmarc_conf *conf, const struct mr_host *host)
{
	struct text list;
	struct uri uri;
	char text[400];
	bool ok = false;

	if (conf->report_email == NULL)
		return true;
	snprintf(text, sizeof(text), "mailto:%s", conf->report_email);
	list = text_of(text);
	if (strpbrk(conf->report_email, "%!?,") == NULL &&
	    uri_next(&list, &uri, &ok) && ok)
		return true;
	host->config_error(host, "report-email",
	    "not a plain address; write one as in \"dmarc@example.com\"");
	return false;
}

bool
conf_check(const struct dmarc_conf *conf, const struct mr_map_service *map,
    const struct mr_host *host)
{
	bool ok = check_lists(conf, map, host);

	ok = check_reply(conf, host) && ok;
	ok = check_email(conf, host) && ok;
	if (conf->report_sendmail[0] == '/')
		return ok;
	host->config_error(
	    host, "report-sendmail", "not a whole path: begin it with /");
	return false;
}
