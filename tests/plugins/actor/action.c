/* SPDX-License-Identifier: Apache-2.0 */
/* What a rule can do: one row an action. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "fault.h"
#include "keep.h"
#include "rule.h"
#include "seen.h"

enum { WORD = 1024, PROPERTIES = 8 };

static mr_verdict
act_continue(const struct act *a)
{
	(void)a;
	return MR_CONTINUE;
}

static mr_verdict
act_skip(const struct act *a)
{
	(void)a;
	return MR_SKIP;
}

static mr_verdict
act_accept(const struct act *a)
{
	(void)a;
	return MR_ACCEPT;
}

static mr_verdict
act_discard(const struct act *a)
{
	(void)a;
	return MR_DISCARD;
}

static mr_verdict
act_quarantine(const struct act *a)
{
	(void)a;
	return MR_QUARANTINE;
}

/* In open() the daemon is told why. */
static mr_verdict
act_error(const struct act *a)
{
	if (a->c == NULL)
		a->host->config_error(a->host, "act", a->args);
	return MR_ERROR;
}

/* Whatever number: what the daemon makes of an unknown one. */
static mr_verdict
act_verdict(const struct act *a)
{
	return (mr_verdict)strtol(a->args, NULL, 10);
}

/* [CODE DSN TEXT], DSN "-" for none */
static void
set_reply(const struct act *a)
{
	char code[WORD], dsn[WORD], *text;
	const char *rest = rule_word(a->args, code, sizeof(code));

	if (code[0] == '\0')
		return;
	rest = rule_word(rest, dsn, sizeof(dsn));
	text = rule_unescape(rest, NULL);
	a->host->reply(a->c, (int32_t)strtol(code, NULL, 10),
	    strcmp(dsn, "-") == 0 ? NULL : dsn, text);
	free(text);
}

static mr_verdict
act_reject(const struct act *a)
{
	set_reply(a);
	return MR_REJECT;
}

static mr_verdict
act_tempfail(const struct act *a)
{
	set_reply(a);
	return MR_TEMPFAIL;
}

/* NAME: VALUE */
static mr_verdict
put_field(const struct act *a,
    bool (*put)(struct mr_ctx *, const char *name, const char *value))
{
	char *name = rule_unescape(a->args, NULL), *value;

	if ((value = strstr(name, ": ")) == NULL) {
		free(name);
		return MR_ERROR;
	}
	*value = '\0';
	put(a->c, name, value + 2);
	free(name);
	return MR_CONTINUE;
}

static mr_verdict
act_add(const struct act *a)
{
	return put_field(a, a->host->add_header);
}

static mr_verdict
act_insert(const struct act *a)
{
	return put_field(a, a->host->insert_header);
}

/* NAME NTH VALUE */
static mr_verdict
act_change(const struct act *a)
{
	char name[WORD], nth[WORD];
	const char *rest = rule_word(a->args, name, sizeof(name));
	char *value;

	rest = rule_word(rest, nth, sizeof(nth));
	value = rule_unescape(rest, NULL);
	a->host->change_header(
	    a->c, name, (uint32_t)strtoul(nth, NULL, 10), value);
	free(value);
	return MR_CONTINUE;
}

static mr_verdict
act_delete(const struct act *a)
{
	char name[WORD];
	const char *nth = rule_word(a->args, name, sizeof(name));

	a->host->delete_header(a->c, name, (uint32_t)strtoul(nth, NULL, 10));
	return MR_CONTINUE;
}

/* ADDRESS [ARGS]; "<>" is the empty one */
static mr_verdict
put_person(const struct act *a,
    bool (*put)(struct mr_ctx *, const char *address, const char *args))
{
	char address[WORD];
	const char *args = rule_word(a->args, address, sizeof(address));

	put(a->c, strcmp(address, "<>") == 0 ? "" : address,
	    args[0] != '\0' ? args : NULL);
	return MR_CONTINUE;
}

static mr_verdict
act_sender(const struct act *a)
{
	return put_person(a, a->host->change_sender);
}

static mr_verdict
act_add_recipient(const struct act *a)
{
	return put_person(a, a->host->add_recipient);
}

static mr_verdict
act_delete_recipient(const struct act *a)
{
	a->host->delete_recipient(a->c, a->args);
	return MR_CONTINUE;
}

static mr_verdict
act_body(const struct act *a)
{
	size_t len;
	char *bytes = rule_unescape(a->args, &len);

	a->host->replace_body(a->c, bytes, len);
	free(bytes);
	return MR_CONTINUE;
}

/* Lines of 64 bytes with their end; the last may be shorter. */
static mr_verdict
act_body_size(const struct act *a)
{
	size_t len = strtoul(a->args, NULL, 10);
	char *bytes = malloc(len + 1);

	if (bytes == NULL)
		return MR_ERROR;
	for (size_t i = 0; i < len; i++)
		bytes[i] = i % 64 == 62   ? '\r'
			   : i % 64 == 63 ? '\n'
					  : (char)('a' + i % 26);
	a->host->replace_body(a->c, bytes, len);
	free(bytes);
	return MR_CONTINUE;
}

static mr_verdict
act_hold(const struct act *a)
{
	a->host->quarantine(a->c, a->args);
	return MR_CONTINUE;
}

/* NAME SCORE [DETAIL] */
static mr_verdict
act_symbol(const struct act *a)
{
	char name[WORD], score[WORD];
	const char *rest = rule_word(a->args, name, sizeof(name));

	rest = rule_word(rest, score, sizeof(score));
	a->host->symbol(
	    a->c, name, strtod(score, NULL), rest[0] != '\0' ? rest : NULL);
	return MR_CONTINUE;
}

static mr_verdict
act_note(const struct act *a)
{
	char key[WORD];
	const char *value = rule_word(a->args, key, sizeof(key));

	a->host->note_set(a->c, key, value);
	return MR_CONTINUE;
}

/* METHOD RESULT [reason=WORD] [prop=value...] */
static mr_verdict
act_auth(const struct act *a)
{
	char method[WORD], result[WORD], words[PROPERTIES][WORD];
	struct mr_auth_property props[PROPERTIES];
	const char *rest = rule_word(a->args, method, sizeof(method));
	const char *reason = NULL;
	uint32_t n = 0;

	rest = rule_word(rest, result, sizeof(result));
	while (rest[0] != '\0' && n < PROPERTIES) {
		char *value;

		rest = rule_word(rest, words[n], WORD);
		if ((value = strchr(words[n], '=')) == NULL)
			continue;
		*value++ = '\0';
		if (strcmp(words[n], "reason") == 0) {
			reason = a->host->alloc(a->c, strlen(value) + 1);
			memcpy((void *)(uintptr_t)reason, value,
			    strlen(value) + 1);
			continue;
		}
		props[n] = (struct mr_auth_property){ words[n], value };
		n++;
	}
	a->host->auth_result(
	    a->c, method, result, reason, n > 0 ? props : NULL, n);
	return MR_CONTINUE;
}

static mr_verdict
act_log(const struct act *a)
{
	char *line;

	if (a->stage != RULE_MESSAGE_END) {
		a->host->log(a->host, a->c, MR_LOG_INFO, a->args);
		return MR_CONTINUE;
	}
	if (asprintf(&line, "%s outcome=%d", a->args, a->outcome) == -1)
		abort();
	a->host->log(a->host, a->c, MR_LOG_INFO, line);
	free(line);
	return MR_CONTINUE;
}

enum {
	ADD = MR_ACTION_ADD_HEADER,
	CHANGE = MR_ACTION_CHANGE_HEADER,
	HEADERS = MR_WANT_HEADERS,
};

static const struct action actions[] = {
	{ "continue", 0, 0, act_continue },
	{ "skip", 0, 0, act_skip },
	{ "accept", 0, 0, act_accept },
	{ "discard", 0, 0, act_discard },
	{ "error", 0, 0, act_error },
	{ "verdict", 0, 0, act_verdict },
	{ "quarantine", MR_ACTION_QUARANTINE, 0, act_quarantine },
	{ "reject", 0, 0, act_reject },
	{ "tempfail", 0, 0, act_tempfail },
	{ "add", ADD, 0, act_add },
	{ "insert", ADD, 0, act_insert },
	{ "change", CHANGE, HEADERS, act_change },
	{ "delete", CHANGE, HEADERS, act_delete },
	{ "sender", MR_ACTION_CHANGE_SENDER, 0, act_sender },
	{ "add-rcpt", MR_ACTION_ADD_RECIPIENT, 0, act_add_recipient },
	{ "del-rcpt", MR_ACTION_DELETE_RECIPIENT, 0, act_delete_recipient },
	{ "body", MR_ACTION_REPLACE_BODY, 0, act_body },
	{ "body-size", MR_ACTION_REPLACE_BODY, 0, act_body_size },
	{ "hold", MR_ACTION_QUARANTINE, 0, act_hold },
	{ "symbol", 0, 0, act_symbol },
	{ "note", 0, 0, act_note },
	{ "auth", 0, MR_WANT_AUTH_RESULTS, act_auth },
	{ "log", 0, 0, act_log },
	{ "echo", ADD, 0, seen_echo },
	{ "echo-macro", ADD, 0, seen_echo_macro },
	{ "echo-header", ADD, HEADERS, seen_echo_header },
	{ "echo-fields", ADD, HEADERS, seen_echo_fields },
	{ "echo-note", ADD, 0, seen_echo_note },
	{ "echo-body", ADD, MR_WANT_BODY, seen_echo_body },
	{ "dns", ADD, 0, ask_dns },
	{ "dns-log", 0, 0, ask_dns_log },
	{ "dns-prefetch", 0, 0, ask_dns_prefetch },
	{ "dns-many", ADD, 0, ask_dns_many },
	{ "take", ADD, 0, keep_take },
	{ "count", ADD, 0, keep_count },
	{ "sleep", 0, 0, fault_sleep },
	{ "segv", 0, 0, fault_segv },
	{ "abort", 0, 0, fault_abort },
	{ "exit", 0, 0, fault_exit },
	{ "_exit", 0, 0, fault_exit_now },
	{ "raise", 0, 0, fault_raise },
	{ "smash", 0, 0, fault_smash },
	{ "recurse", 0, 0, fault_recurse },
	{ "loop", 0, 0, fault_loop },
	{ "deadlock", 0, 0, fault_deadlock },
	{ "leak", 0, 0, fault_leak },
};

const struct action *
action_find(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strlen(actions[i].name) == n &&
		    memcmp(actions[i].name, name, n) == 0)
			return &actions[i];
	return NULL;
}
