/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host's worker, as far as the store is concerned: takes of limits and gives
 * back, and writes down what was accepted, until it is killed or its time is
 * over.
 *
 * usage: driver option=value ...
 *	store=URL mirror=FOLDER		where
 *	out=FILE			what was accepted is appended to
 *	ms=N threads=N think_us=N	how long, how many, how fast
 *	keys=N amount=N period_ms=N	of N limits each N a period
 *	cost=N refunds=PERCENT		up to N at once; part given back
 *	pair=1				two limits at once, all or none
 *	share=1				go on alone
 *	seed=N group=TEXT
 *
 * A line of the file: when it was asked and when it was answered (us,
 * CLOCK_MONOTONIC), key, units, 1 if it was decided alone.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "config/config.h"
#include "millrace/store.h"
#include "service/service.h"

static struct options {
	int64_t ms, threads, think_us, keys, amount, period_ms, cost, refunds,
	    pair, share, seed, timeout_ms, replicas, quiet;
	const char *store, *mirror, *out, *password, *group;
} o = { .ms = 1000,
	.threads = 1,
	.keys = 1,
	.amount = 100,
	.period_ms = 2000,
	.cost = 1,
	.seed = 1,
	.group = "group",
	.timeout_ms = 500 };

static const struct {
	const char *name;
	int64_t *number;
	const char **text;
} names[] = {
	{ "ms", &o.ms, NULL },
	{ "threads", &o.threads, NULL },
	{ "think_us", &o.think_us, NULL },
	{ "keys", &o.keys, NULL },
	{ "amount", &o.amount, NULL },
	{ "period_ms", &o.period_ms, NULL },
	{ "cost", &o.cost, NULL },
	{ "refunds", &o.refunds, NULL },
	{ "pair", &o.pair, NULL },
	{ "share", &o.share, NULL },
	{ "seed", &o.seed, NULL },
	{ "timeout_ms", &o.timeout_ms, NULL },
	{ "replicas", &o.replicas, NULL },
	{ "quiet", &o.quiet, NULL },
	{ "store", NULL, &o.store },
	{ "mirror", NULL, &o.mirror },
	{ "out", NULL, &o.out },
	{ "password", NULL, &o.password },
	{ "group", NULL, &o.group },
};

static const struct mr_store_service *store;
static int out = -1;
static _Atomic int64_t asked, taken, refused, down, alone;

static bool
set_option(const char *word)
{
	const char *equals = strchr(word, '=');

	for (size_t i = 0;
	     equals != NULL && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i].name) != (size_t)(equals - word) ||
		    strncmp(names[i].name, word, (size_t)(equals - word)) != 0)
			continue;
		if (names[i].number != NULL)
			*names[i].number = strtoll(equals + 1, NULL, 10);
		else
			*names[i].text = equals + 1;
		return true;
	}
	return false;
}

/* --- a session that never ends --- */

static int64_t
time_left(struct mr_ctx *c)
{
	(void)c;
	return 60000;
}

static void *
no_memory(struct mr_ctx *c, size_t n)
{
	(void)c;
	(void)n;
	abort(); /* get() is not called here */
}

static const struct mr_host host = { .time_left = time_left,
	.alloc = no_memory };

struct worker {
	pthread_t thread;
	uint64_t state;
	int64_t *spent_us; /* of each question */
	size_t n, size;
};

static uint64_t
rnd(struct worker *w, uint64_t below)
{
	w->state ^= w->state << 13;
	w->state ^= w->state >> 7;
	w->state ^= w->state << 17;
	return w->state % below;
}

static struct mr_bytes
bytes(const char *p)
{
	return (struct mr_bytes){ p, (uint32_t)strlen(p) };
}

static void
write_down(int64_t began, int64_t ended, int key, int64_t units, bool by_us)
{
	char line[128];
	int n = snprintf(line, sizeof(line),
	    "%" PRId64 " %" PRId64 " %d %" PRId64 " %d\n", began, ended, key,
	    units, by_us);

	if (out != -1 && write(out, line, (size_t)n) != n)
		abort();
}

static void
spent(struct worker *w, int64_t us)
{
	if (w->n == w->size) {
		w->size = w->size > 0 ? w->size * 2 : 4096;
		w->spent_us =
		    memory_resize(w->spent_us, w->size * sizeof(*w->spent_us));
	}
	w->spent_us[w->n++] = us;
}

static void
ask(struct worker *w, struct mr_ctx *c)
{
	int key = (int)rnd(w, (uint64_t)o.keys);
	int64_t units = 1 + (int64_t)rnd(w, (uint64_t)o.cost), began, ended;
	struct mr_limit l[2];
	struct mr_limit_state s[2];
	uint32_t n = o.pair ? 2 : 1, which;
	char name[32], other[32];
	mr_store_status status;

	snprintf(name, sizeof(name), "key %d", key);
	snprintf(other, sizeof(other), "all");
	l[0] = (struct mr_limit){ .key = bytes(name),
		.kind = MR_LIMIT_WINDOW,
		.amount = o.amount,
		.period_ms = o.period_ms,
		.cost = units,
		.share = o.share };
	l[1] = l[0];
	l[1].key = bytes(other);
	l[1].amount = o.amount * o.keys / 2;
	began = clock_steady_us();
	status = store->reserve(c, bytes(o.group), l, n, bytes(""), s, &which);
	ended = clock_steady_us();
	spent(w, ended - began);
	asked++;
	refused += status == MR_STORE_OVER;
	down += status == MR_STORE_DOWN;
	if (status != MR_STORE_OK)
		return;
	taken++;
	alone += s[0].flags & MR_LIMIT_ALONE;
	if (o.refunds > 0 && (int64_t)rnd(w, 100) < o.refunds) {
		usleep((useconds_t)rnd(w, 2000));
		/* Whether it works or not: it was not sent. */
		store->refund(c, bytes(o.group), l, s, n, bytes(""));
		return;
	}
	write_down(began, ended, key, units, s[0].flags & MR_LIMIT_ALONE);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct mr_ctx c = { .host = &host };
	int64_t end = clock_steady_us() + o.ms * 1000;

	while (clock_steady_us() < end) {
		ask(w, &c);
		if (o.think_us > 0)
			usleep((useconds_t)(rnd(w, (uint64_t)o.think_us * 2)));
	}
	return NULL;
}

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
report(struct worker *w)
{
	int64_t *all = NULL;
	size_t n = 0;

	for (int64_t i = 0; i < o.threads; i++)
		n += w[i].n;
	all = memory_zalloc((n + 1) * sizeof(*all));
	n = 0;
	for (int64_t i = 0; i < o.threads; i++) {
		memcpy(all + n, w[i].spent_us, w[i].n * sizeof(*all));
		n += w[i].n;
		free(w[i].spent_us);
	}
	qsort(all, n, sizeof(*all), by_size);
	printf("{\"asked\": %" PRId64 ", \"taken\": %" PRId64
	       ", \"refused\": %" PRId64 ", \"down\": %" PRId64
	       ", \"alone\": %" PRId64 ", \"p50_us\": %" PRId64
	       ", \"p99_us\": %" PRId64 "}\n",
	    asked, taken, refused, down, alone, n > 0 ? all[n / 2] : 0,
	    n > 0 ? all[n / 100 * 99] : 0);
	free(all);
}

int
main(int argc, char **argv)
{
	static struct config config;
	const struct log_settings log = { .level = LOG_LEVEL_INFO };
	struct worker *workers;

	for (int i = 1; i < argc; i++)
		if (!set_option(argv[i])) {
			fprintf(stderr, "driver: what is %s?\n", argv[i]);
			return 2;
		}
	log_open("driver", &log);
	config.globals.store = o.store;
	config.globals.store_size = 64 << 20;
	config.globals.store_timeout = o.timeout_ms;
	config.globals.store_mirror = o.mirror;
	config.globals.store_replicas = o.replicas;
	config.store_password = o.password;
	service_prepare(&config, false);
	if ((store = service_find(MR_STORE_SERVICE)) == NULL)
		return 1;
	if (o.out != NULL)
		out = open(o.out, O_WRONLY | O_CREAT | O_APPEND, 0600);
	workers = memory_zalloc((size_t)o.threads * sizeof(*workers));
	for (int64_t i = 0; i < o.threads; i++) {
		workers[i].state = (uint64_t)(o.seed * 1000003 + i * 7919 + 1) *
				   UINT64_C(2654435761);
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	}
	for (int64_t i = 0; i < o.threads; i++)
		pthread_join(workers[i].thread, NULL);
	report(workers);
	free(workers);
	service_finish();
	return 0;
}
