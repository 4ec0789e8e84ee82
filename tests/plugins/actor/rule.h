/* SPDX-License-Identifier: Apache-2.0 */
/* "STAGE ACTION [ARGS]", one line of the option act. */
#ifndef ACTOR_RULE_H
#define ACTOR_RULE_H

#include <millrace/plugin.h>

/* Beyond the stages of the contract, as bits of the same word. */
enum {
	RULE_MESSAGE_END = 1 << 16,
	RULE_SESSION_END = 1 << 17,
	RULE_OPEN = 1 << 18,
};

struct act {
	const struct mr_host *host;
	struct mr_ctx *c; /* NULL in open() */
	const char *args;
	uint32_t stage;
	mr_outcome outcome; /* at message-end */
	struct seen *seen;
};

struct action {
	const char *name;
	uint32_t actions, wants; /* that it needs, for plan() */
	mr_verdict (*run)(const struct act *);
};

struct rule {
	uint32_t stage;
	const struct action *action;
	const char *args; /* into the line; "" for none */
};

/* False: neither *rule nor anything else was touched. */
bool rule_parse(const char *line, struct rule *rule);

uint32_t rule_stage(const char *name, size_t n);              /* 0: none */
const struct action *action_find(const char *name, size_t n); /* or NULL */

/* Text with \n, \r, \t, \0 and \\ made bytes; malloc'd, *len if not NULL. */
char *rule_unescape(const char *text, size_t *len);

/* Cut the next word off; it is copied into word, cut to its size. */
const char *rule_word(const char *text, char *word, size_t size);

#endif
