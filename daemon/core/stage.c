/* SPDX-License-Identifier: Apache-2.0 */
/* The words for stages, verdicts and answers, as logs and people see them. */
#include "core/stage.h"

#include <stddef.h>
#include <string.h>

#include "core/event.h"
#include "millrace/plugin.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

_Static_assert(MR_STAGE_CONNECT == STAGE_BIT(STAGE_CONNECT) &&
		   MR_STAGE_UNKNOWN == STAGE_BIT(STAGE_UNKNOWN) &&
		   MR_STAGE_EOM == STAGE_BIT(STAGE_EOM),
    "the contract's stages have the order of enum stage");

static const char unknown[] = "invalid"; /* for a number out of range */

static const char *const stages[STAGE_COUNT] = {
	[STAGE_CONNECT] = "connect",
	[STAGE_HELO] = "helo",
	[STAGE_MAIL] = "mail",
	[STAGE_RCPT] = "rcpt",
	[STAGE_DATA] = "data",
	[STAGE_UNKNOWN] = "unknown",
	[STAGE_HEADER] = "header",
	[STAGE_EOH] = "eoh",
	[STAGE_BODY] = "body",
	[STAGE_EOM] = "eom",
	[STAGE_ABORT] = "abort",
};

static const char *const verdicts[] = {
	[MR_CONTINUE] = "continue",
	[MR_SKIP] = "skip",
	[MR_ACCEPT] = "accept",
	[MR_REJECT] = "reject",
	[MR_TEMPFAIL] = "tempfail",
	[MR_DISCARD] = "discard",
	[MR_QUARANTINE] = "quarantine",
	[MR_ERROR] = "error",
};

static const char *const answers[ANSWER_COUNT] = {
	[ANSWER_CONTINUE] = "continue",
	[ANSWER_ACCEPT] = "accept",
	[ANSWER_REJECT] = "reject",
	[ANSWER_TEMPFAIL] = "tempfail",
	[ANSWER_DISCARD] = "discard",
	[ANSWER_SKIP] = "skip",
};

/* A number may come from a plugin or a frame: any is possible. */
static const char *
word(const char *const *words, size_t count, int64_t i)
{
	return (uint64_t)i < count ? words[i] : unknown;
}

const char *
stage_name(enum stage stage)
{
	return word(stages, COUNT(stages), stage);
}

bool
stage_by_name(const char *name, enum stage *stage)
{
	for (size_t i = 0; name != NULL && i < COUNT(stages); i++)
		if (strcmp(stages[i], name) == 0) {
			*stage = (enum stage)i;
			return true;
		}
	return false;
}

const char *
verdict_name(int32_t verdict)
{
	return word(verdicts, COUNT(verdicts), verdict);
}

const char *
answer_name(enum answer_kind answer)
{
	return word(answers, COUNT(answers), answer);
}
