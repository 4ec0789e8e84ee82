/* SPDX-License-Identifier: Apache-2.0 */
#include "keep.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <millrace/store.h>

enum { WORD = 256 };

static const struct mr_bytes group = { "actor", 5 };

static struct mr_bytes
text(const char *s)
{
	return (struct mr_bytes){ s, (uint32_t)strlen(s) };
}

static void
show(const struct act *a, mr_store_status status, int64_t n)
{
	char line[64];

	snprintf(line, sizeof(line), "%d %" PRId64, (int)status, n);
	a->host->add_header(a->c, "X-Keep", line);
}

/* One unit for this message, however often it is told. */
mr_verdict
keep_take(const struct act *a)
{
	const struct mr_store_service *store =
	    a->host->service(a->host, MR_STORE_SERVICE);
	char key[WORD], amount[WORD], period[WORD];
	struct mr_limit l = { .kind = MR_LIMIT_WINDOW, .cost = 1 };
	struct mr_limit_state s = { 0 };
	const char *rest = rule_word(a->args, key, sizeof(key));
	mr_store_status status;

	if (store == NULL)
		return MR_ERROR;
	rest = rule_word(rest, amount, sizeof(amount));
	rest = rule_word(rest, period, sizeof(period));
	l.key = text(key);
	l.amount = strtoll(amount, NULL, 10);
	l.period_ms = strtoll(period, NULL, 10);
	l.share = strcmp(rest, "share") == 0;
	status = store->reserve(
	    a->c, group, &l, 1, text(a->c->message_id), &s, NULL);
	if (status == MR_STORE_OVER)
		a->host->reply(a->c, 450, "4.7.1", "it is enough");
	if (status != MR_STORE_OK)
		return MR_TEMPFAIL;
	show(a, status, s.used);
	return MR_CONTINUE;
}

mr_verdict
keep_count(const struct act *a)
{
	const struct mr_store_service *store =
	    a->host->service(a->host, MR_STORE_SERVICE);
	mr_store_status status;
	int64_t now = -1;

	if (store == NULL)
		return MR_ERROR;
	status = store->count(a->c, group, text(a->args), 1, 0, &now);
	show(a, status, now);
	return MR_CONTINUE;
}
