/* SPDX-License-Identifier: Apache-2.0 */
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <millrace/spell.h>

#include "baseline.h"

enum { DAY_MS = 86400000, KEY_BYTES = 300 };

static const int64_t known_ms = INT64_C(56) * DAY_MS;

const char *
state_step_name(enum step step)
{
	static const char *const names[STEPS] = { "none", "alert", "squeeze",
		"block" };

	return names[step];
}

void
state_spell(char out[LOGIN_BYTES + 1], const char *login)
{
	mr_spell(out, LOGIN_BYTES + 1, login, true);
}

size_t
state_print(char out[STATE_TEXT_BYTES + 80], const struct state *s)
{
	return (size_t)snprintf(out, STATE_TEXT_BYTES + 80, "%s %lld %lld%s%s",
	    state_step_name(s->step), (long long)s->epoch,
	    (long long)s->since_ms, s->text[0] != '\0' ? " " : "", s->text);
}

static bool
take_number(const char **at, const char *end, int64_t *out)
{
	const char *p = *at;
	int64_t n = 0;

	while (p < end && *p >= '0' && *p <= '9' && n < INT64_C(1) << 55)
		n = n * 10 + (*p++ - '0');
	if (p == *at || (p < end && *p != ' '))
		return false;
	*at = p + (p < end);
	*out = n;
	return true;
}

bool
state_parse(const char *text, size_t n, struct state *s)
{
	const char *end = text + n;
	int64_t epoch, since;
	int step = 0;

	for (; step < STEPS; step++) {
		const char *name = state_step_name((enum step)step);
		size_t len = strlen(name);

		if (n > len && memcmp(text, name, len) == 0 &&
		    text[len] == ' ') {
			text += len + 1;
			break;
		}
	}
	if (step == STEPS || !take_number(&text, end, &epoch) ||
	    !take_number(&text, end, &since) || end - text > STATE_TEXT_BYTES)
		return false;
	s->step = (enum step)step;
	s->epoch = epoch;
	s->since_ms = since;
	snprintf(s->text, sizeof(s->text), "%.*s", (int)(end - text), text);
	return true;
}

/* --- the store --- */

static struct mr_bytes
bytes(const char *text)
{
	return (struct mr_bytes){ text, (uint32_t)strlen(text) };
}

static struct mr_bytes
group(const struct account *a)
{
	return bytes(a->conf->group);
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

mr_store_status
state_read(const struct account *a, struct mr_ctx *c, struct state *s)
{
	struct mr_bytes value;
	char key[KEY_BYTES];
	mr_store_status status;

	snprintf(key, sizeof(key), "s %s", s->login);
	s->step = STEP_NONE;
	s->epoch = s->since_ms = 0;
	s->text[0] = '\0';
	status = a->store->get(c, group(a), bytes(key), &value);
	if (status == MR_STORE_OK && !state_parse(value.p, value.n, s))
		return MR_STORE_NONE;
	return status;
}

mr_store_status
state_write(const struct account *a, struct mr_ctx *c, const struct state *s,
    int64_t ttl_ms)
{
	char key[KEY_BYTES], value[STATE_TEXT_BYTES + 80];
	size_t n = state_print(value, s);

	snprintf(key, sizeof(key), "s %s", s->login);
	return a->store->set(c, group(a), bytes(key),
	    (struct mr_bytes){ value, (uint32_t)n }, ttl_ms);
}

bool
state_seen(const struct account *a, struct mr_ctx *c, const struct state *s,
    enum signal_kind kind, const char *member, int64_t *distinct)
{
	const struct signal *signal = &a->signals[kind];
	char key[KEY_BYTES];
	uint32_t n = 0;
	bool fresh = false;

	snprintf(key, sizeof(key), "d %s %s %lld", s->login, signal_name(kind),
	    (long long)s->epoch);
	if (a->store->distinct(c, group(a), bytes(key), bytes(member),
		(uint32_t)signal->threshold + 1, signal->period_ms, &n,
		&fresh) != MR_STORE_OK)
		return false;
	*distinct = n;
	return fresh;
}

static const char *
counter(
    struct mr_ctx *c, const struct account *a, const struct state *s, int kind)
{
	char *key = c->host->alloc(c, KEY_BYTES);

	snprintf(key, KEY_BYTES, "%s %s %lld", s->login,
	    signal_name((enum signal_kind)kind),
	    (long long)a->signals[kind].period_ms);
	return key;
}

mr_store_status
state_count(const struct account *a, struct mr_ctx *c, const struct state *s,
    const int64_t costs[SIGNAL_KINDS], int64_t values[SIGNAL_KINDS])
{
	struct mr_limit limits[SIGNAL_KINDS];
	struct mr_limit_state states[SIGNAL_KINDS];
	int kinds[SIGNAL_KINDS];
	mr_store_status status;
	uint32_t n = 0;

	for (int k = 0; k < SIGNAL_KINDS; k++) {
		if (!a->signals[k].watched ||
		    signal_is_distinct((enum signal_kind)k))
			continue;
		kinds[n] = k;
		limits[n++] = (struct mr_limit){
			.key = bytes(counter(c, a, s, k)),
			.kind = MR_LIMIT_WINDOW,
			.amount = -1,
			.period_ms = a->signals[k].period_ms,
			.burst = 1,
			.cost = costs[k],
		};
	}
	if (n == 0)
		return MR_STORE_OK;
	status =
	    a->store->reserve(c, group(a), limits, n, bytes(""), states, NULL);
	for (uint32_t i = 0; i < n && status == MR_STORE_OK; i++)
		values[kinds[i]] = states[i].used;
	return status;
}

int64_t
state_baseline(const struct account *a, struct mr_ctx *c, const struct state *s,
    int64_t sent, bool keep)
{
	struct baseline b;
	struct mr_bytes value = { "", 0 };
	char key[KEY_BYTES], text[BASELINE_BYTES];
	int64_t period = a->signals[SIGNAL_RISE].period_ms;
	size_t n;

	if (!a->signals[SIGNAL_RISE].watched)
		return 0;
	snprintf(key, sizeof(key), "m %s", s->login);
	if (a->store->get(c, group(a), bytes(key), &value) != MR_STORE_OK)
		value.n = 0;
	baseline_parse(value.p, value.n, &b);
	if (baseline_add(&b, now_ms(), period, sent) && keep) {
		n = baseline_print(text, &b);
		a->store->set(c, group(a), bytes(key),
		    (struct mr_bytes){ text, (uint32_t)n }, known_ms);
	}
	return baseline_most(&b);
}

bool
state_first_alert(const struct account *a, struct mr_ctx *c,
    const struct state *s, enum step step)
{
	char key[KEY_BYTES];

	snprintf(key, sizeof(key), "a %s %s %lld", s->login,
	    state_step_name(step), (long long)s->epoch);
	return a->store->add(c, group(a), bytes(key), bytes("1"),
		   a->conf->alert_window) == MR_STORE_OK;
}

void
state_keep_queue_id(const struct account *a, struct mr_ctx *c,
    const struct state *s, const char *queue_id)
{
	char key[KEY_BYTES];

	/* It becomes an argument of postsuper one day. */
	if (queue_id == NULL || queue_id[0] == '\0' || strlen(queue_id) > 60 ||
	    strspn(queue_id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz") != strlen(queue_id))
		return;
	snprintf(key, sizeof(key), "q %s %s", s->login, queue_id);
	a->store->set(c, group(a), bytes(key), bytes("1"), DAY_MS);
}

struct showing {
	const struct account *account;
	struct mr_ctx *ctx;
	bool (*id)(void *arg, const char *id);
	bool (*state)(void *arg, const struct state *);
	void *arg;
	size_t prefix;
};

static bool
show_id(void *arg, struct mr_bytes key, struct mr_bytes value)
{
	struct showing *s = arg;
	char id[64];

	(void)value;
	if (key.n <= s->prefix || key.n - s->prefix >= sizeof(id))
		return true;
	memcpy(id, (const char *)key.p + s->prefix, key.n - s->prefix);
	id[key.n - s->prefix] = '\0';
	return s->id(s->arg, id);
}

bool
state_queue_ids(const struct account *a, struct mr_ctx *c,
    const struct state *s, bool (*seen)(void *arg, const char *id), void *arg)
{
	struct showing showing = { .id = seen, .arg = arg };
	char prefix[KEY_BYTES];

	snprintf(prefix, sizeof(prefix), "q %s ", s->login);
	showing.prefix = strlen(prefix);
	return a->store->each(c, group(a), bytes(prefix), show_id, &showing) ==
	       MR_STORE_OK;
}

mr_store_status
state_restore(const struct account *a, struct mr_ctx *c, struct state *s)
{
	struct mr_limit limits[SIGNAL_KINDS];
	char key[KEY_BYTES];
	uint32_t n = 0;

	for (int k = 0; k < SIGNAL_KINDS; k++)
		if (a->signals[k].watched &&
		    !signal_is_distinct((enum signal_kind)k))
			limits[n++] = (struct mr_limit){
				.key = bytes(counter(c, a, s, k)),
				.kind = MR_LIMIT_WINDOW,
				.amount = -1,
				.period_ms = a->signals[k].period_ms,
				.burst = 1,
			};
	if (n > 0)
		a->store->reset(c, group(a), limits, n);
	snprintf(key, sizeof(key), "m %s", s->login);
	a->store->remove(c, group(a), bytes(key));
	s->step = STEP_NONE;
	s->epoch = now_ms();
	s->since_ms = s->epoch;
	s->text[0] = '\0';
	return state_write(a, c, s, known_ms);
}

static bool
show_state(void *arg, struct mr_bytes key, struct mr_bytes value)
{
	struct showing *s = arg;
	struct state state = { .step = STEP_NONE };

	if (key.n < 3 || key.n - 2 > LOGIN_BYTES ||
	    !state_parse(value.p, value.n, &state) || state.step == STEP_NONE)
		return true;
	memcpy(state.login, (const char *)key.p + 2, key.n - 2);
	state.login[key.n - 2] = '\0';
	return s->state(s->arg, &state);
}

bool
state_each(const struct account *a, struct mr_ctx *c,
    bool (*seen)(void *arg, const struct state *), void *arg)
{
	struct showing showing = { .state = seen, .arg = arg };

	return a->store->each(c, group(a), bytes("s "), show_state, &showing) ==
	       MR_STORE_OK;
}
