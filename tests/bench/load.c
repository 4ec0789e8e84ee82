/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load a milter as an MTA does and print what it took, one line of JSON for
 * each event: negotiated, idle, result.  Exit status 0: no error, 1: some,
 * 2: usage.
 */
#include <err.h>
#include <getopt.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "client.h"
#include "dial.h"
#include "negotiate.h"
#include "stats.h"

struct options {
	struct client_options client;
	const char *address;
	unsigned idle, probes;
	bool negotiate, pause;
};

static const char usage[] =
    "usage: load --address unix:PATH|inet:PORT@HOST|inet6:PORT@HOST\n"
    "  --connections N   sessions at one time (1)\n"
    "  --messages N      so many in all, or\n"
    "  --seconds S       as many as go into that time (2)\n"
    "  --per-session N   messages of one session (10)\n"
    "  --body BYTES      (4096)\n"
    "  --letters FOLDER  send the messages of its files in turn\n"
    "  --client ADDRESS, --sender ADDRESS, --recipient ADDRESS\n"
    "  --accounts N      log in as one of so many users, at random\n"
    "  --idle N          sessions held open besides, idle after HELO (0)\n"
    "  --slow-every K    each K-th connection sends as <slow@example.com>\n"
    "                    and is timed apart (0: none)\n"
    "  --probe N         instead of messages: time N new sessions\n"
    "  --quit-nc         next session on the same connection\n"
    "  --sendmail        macros and command in two writes, no ABORT after EOM\n"
    "  --timeout S       for one answer (30)\n"
    "  --negotiate       report what the filter negotiates, no more\n"
    "  --pause           wait for a line of input when the idle sessions are\n"
    "                    open, and before they are closed\n";

static _Noreturn void
usage_error(void)
{
	fputs(usage, stderr);
	exit(2);
}

static unsigned
number(const char *text, unsigned min)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || v < (long)min || v > 1 << 30)
		usage_error();
	return (unsigned)v;
}

static double
duration(const char *text)
{
	char *end;
	double v = strtod(text, &end);

	if (*text == '\0' || *end != '\0' || !(v > 0 && v < 86400))
		usage_error();
	return v;
}

enum { TEXT, NUMBER, DURATION, FLAG };

#define OF(member) offsetof(struct options, member)
static const struct row {
	const char *name;
	int kind;
	size_t at;
	unsigned min;
} rows[] = {
	{ "address", TEXT, OF(address), 0 },
	{ "connections", NUMBER, OF(client.connections), 1 },
	{ "messages", NUMBER, OF(client.messages), 1 },
	{ "seconds", DURATION, OF(client.seconds), 0 },
	{ "per-session", NUMBER, OF(client.per_session), 1 },
	{ "body", NUMBER, OF(client.body), 0 },
	{ "letters", TEXT, OF(client.letters), 0 },
	{ "client", TEXT, OF(client.client), 0 },
	{ "sender", TEXT, OF(client.sender), 0 },
	{ "recipient", TEXT, OF(client.recipient), 0 },
	{ "accounts", NUMBER, OF(client.accounts), 1 },
	{ "idle", NUMBER, OF(idle), 0 },
	{ "slow-every", NUMBER, OF(client.slow_every), 0 },
	{ "probe", NUMBER, OF(probes), 1 },
	{ "quit-nc", FLAG, OF(client.quit_nc), 0 },
	{ "sendmail", FLAG, OF(client.sendmail), 0 },
	{ "timeout", NUMBER, OF(client.timeout), 1 },
	{ "negotiate", FLAG, OF(negotiate), 0 },
	{ "pause", FLAG, OF(pause), 0 },
};
enum { NROWS = sizeof(rows) / sizeof(rows[0]) };

static void
take_option(struct options *o, const struct row *row, const char *value)
{
	void *to = (char *)o + row->at;

	if (row->kind == TEXT)
		*(const char **)to = value;
	else if (row->kind == NUMBER)
		*(unsigned *)to = number(value, row->min);
	else if (row->kind == DURATION)
		*(double *)to = duration(value);
	else
		*(bool *)to = true;
}

static void
parse_options(struct options *o, int argc, char **argv)
{
	struct option known[NROWS + 1] = { 0 };
	int i;

	for (i = 0; i < NROWS; i++) {
		known[i].name = rows[i].name;
		known[i].has_arg = rows[i].kind != FLAG;
		known[i].val = i;
	}
	while ((i = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (i >= NROWS)
			usage_error(); /* '?' */
		take_option(o, &rows[i], optarg);
	}
	if (o->address == NULL || optind != argc)
		usage_error();
}

/* A descriptor for each session, as far as the hard limit allows. */
static void
raise_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == -1)
		err(1, "getrlimit");
	l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l) == -1)
		err(1, "setrlimit");
}

static void
pause_for_line(const struct options *o)
{
	int c;

	if (!o->pause)
		return;
	while ((c = getchar()) != EOF && c != '\n')
		;
}

static void
print_result(struct results *r)
{
	struct samples all = { 0 };

	samples_add_all(&all, &r->marked);
	samples_add_all(&all, &r->unmarked);
	printf("{\"event\":\"result\",\"messages\":%llu,\"seconds\":%.3f,",
	    (unsigned long long)r->messages, r->seconds);
	printf("\"rate\":%.1f,\"latency\":",
	    r->seconds > 0 ? (double)r->messages / r->seconds : 0.0);
	samples_print(&all, stdout);
	fputs(",\"marked\":", stdout);
	samples_print(&r->marked, stdout);
	fputs(",\"unmarked\":", stdout);
	samples_print(&r->unmarked, stdout);
	fputs(",\"session\":", stdout);
	samples_print(&r->session, stdout);
	printf(",\"edits\":%llu,\"progress\":%llu,\"verdicts\":",
	    (unsigned long long)r->edits, (unsigned long long)r->progress);
	tally_print(&r->verdicts, stdout);
	printf(",\"errors\":%llu,\"error_list\":",
	    (unsigned long long)r->errors.total);
	tally_print(&r->errors, stdout);
	puts("}");
	fflush(stdout);
	samples_finish(&all);
}

static void
measure(const struct options *o, struct client *c, struct results *r)
{
	bool held = client_hold(c, o->idle);

	printf("{\"event\":\"idle\",\"sessions\":%u,\"complete\":%s}\n",
	    o->idle, held ? "true" : "false");
	fflush(stdout);
	pause_for_line(o);
	if (!held)
		; /* the errors say why */
	else if (o->probes > 0)
		client_probe(c, o->probes);
	else
		client_load(c);
	print_result(r);
	pause_for_line(o);
}

int
main(int argc, char **argv)
{
	struct options o = { .client = { .connections = 1,
				 .seconds = 2,
				 .per_session = 10,
				 .body = 4096,
				 .timeout = 30 } };
	static struct results r;
	struct negotiated agreed;
	struct dial dial;
	struct client *c;

	parse_options(&o, argc, argv);
	if (!dial_parse(&dial, o.address))
		errx(2, "%s: not an address", o.address);
	signal(SIGPIPE, SIG_IGN);
	raise_descriptors();
	if (!negotiate_ask(&dial, o.client.timeout, &agreed))
		errx(1, "%s: no filter negotiates there", o.address);
	negotiate_print(&agreed, stdout);
	if (!o.negotiate) {
		c = client_create(&o.client, &dial, &agreed, &r);
		measure(&o, c, &r);
		client_destroy(&c);
	}
	buffer_finish(&agreed.raw);
	samples_finish(&r.marked);
	samples_finish(&r.unmarked);
	samples_finish(&r.session);
	tally_finish(&r.verdicts);
	tally_finish(&r.errors);
	return r.errors.total > 0;
}
