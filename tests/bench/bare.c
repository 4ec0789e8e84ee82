/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least that a libmilter filter can be: every stage answers continue,
 * one header may be added at the end.  It negotiates what it is told to, so
 * that it is sent the same as the filter beside which it is measured.
 */
#include <err.h>
#include <getopt.h>
#include <libmilter/mfapi.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static struct {
	unsigned long actions, protocol;
	char *macros[SMFIM_LAST + 1]; /* NULL: the MTA's defaults */
	bool add_header;
	unsigned slow_ms; /* sleep for <slow@example.com> at MAIL */
} options = { .actions = SMFIF_ADDHDRS };

static const char usage[] =
    "usage: bare [-h] [-a ACTIONS] [-p PROTOCOL] [-m STAGE=MACROS]\n"
    "            [-s MILLISECONDS] SOCKET\n"
    "  -a, -p   masks to negotiate, in hex\n"
    "  -m       macros to ask for; stages are connect, helo, mail, rcpt,\n"
    "           data, eom, eoh\n"
    "  -h       add a header at eom\n"
    "  -s       sleep at MAIL when the sender is <slow@example.com>\n";

/* A stage that the MTA was told not to wait for must not be answered. */
static sfsistat
answer(unsigned long quiet)
{
	return options.protocol & quiet ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long protocol,
    unsigned long f2, unsigned long f3, unsigned long *want_actions,
    unsigned long *want_protocol, unsigned long *want_f2,
    unsigned long *want_f3)
{
	(void)f2;
	(void)f3;
	for (int i = 0; i <= SMFIM_LAST; i++)
		if (options.macros[i] != NULL)
			smfi_setsymlist(ctx, i, options.macros[i]);
	*want_actions = options.actions & actions;
	*want_protocol = options.protocol & protocol;
	*want_f2 = 0;
	*want_f3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat
on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	(void)ctx;
	(void)name;
	(void)address;
	return answer(SMFIP_NR_CONN);
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
	(void)ctx;
	(void)name;
	return answer(SMFIP_NR_HELO);
}

static sfsistat
on_mail(SMFICTX *ctx, char **args)
{
	struct timespec t = { options.slow_ms / 1000,
		options.slow_ms % 1000 * 1000000L };

	(void)ctx;
	if (options.slow_ms > 0 && strcmp(args[0], "<slow@example.com>") == 0)
		nanosleep(&t, NULL);
	return answer(SMFIP_NR_MAIL);
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **args)
{
	(void)ctx;
	(void)args;
	return answer(SMFIP_NR_RCPT);
}

static sfsistat
on_data(SMFICTX *ctx)
{
	(void)ctx;
	return answer(SMFIP_NR_DATA);
}

static sfsistat
on_unknown(SMFICTX *ctx, const char *line)
{
	(void)ctx;
	(void)line;
	return answer(SMFIP_NR_UNKN);
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return answer(SMFIP_NR_HDR);
}

static sfsistat
on_eoh(SMFICTX *ctx)
{
	(void)ctx;
	return answer(SMFIP_NR_EOH);
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *chunk, size_t n)
{
	(void)ctx;
	(void)chunk;
	(void)n;
	return answer(SMFIP_NR_BODY);
}

static sfsistat
on_eom(SMFICTX *ctx)
{
	static char name[] = "X-Bench", value[] = "yes";
	static char led_value[] = " yes";
	bool led = (options.protocol & SMFIP_HDR_LEADSPC) != 0;

	if (options.add_header &&
	    smfi_addheader(ctx, name, led ? led_value : value) != MI_SUCCESS)
		return SMFIS_TEMPFAIL;
	return SMFIS_CONTINUE;
}

/* A stage that is negotiated away has no callback. */
static struct smfiDesc
description(void)
{
	static char name[] = "bare";
	unsigned long p = options.protocol;

	return (struct smfiDesc){
		.xxfi_name = name,
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = options.actions,
		.xxfi_negotiate = on_negotiate,
		.xxfi_connect = p & SMFIP_NOCONNECT ? NULL : on_connect,
		.xxfi_helo = p & SMFIP_NOHELO ? NULL : on_helo,
		.xxfi_envfrom = p & SMFIP_NOMAIL ? NULL : on_mail,
		.xxfi_envrcpt = p & SMFIP_NORCPT ? NULL : on_rcpt,
		.xxfi_data = p & SMFIP_NODATA ? NULL : on_data,
		.xxfi_unknown = p & SMFIP_NOUNKNOWN ? NULL : on_unknown,
		.xxfi_header = p & SMFIP_NOHDRS ? NULL : on_header,
		.xxfi_eoh = p & SMFIP_NOEOH ? NULL : on_eoh,
		.xxfi_body = p & SMFIP_NOBODY ? NULL : on_body,
		.xxfi_eom = on_eom,
	};
}

static unsigned long
hex(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 16);

	if (*text == '\0' || *end != '\0' || v > UINT32_MAX)
		errx(2, "%s: not a mask in hex", text);
	return v;
}

static unsigned
milliseconds(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || v > 60000)
		errx(2, "%s: not milliseconds up to 60000", text);
	return (unsigned)v;
}

static void
take_macros(char *text)
{
	static const char *const stages[] = { [SMFIM_CONNECT] = "connect",
		[SMFIM_HELO] = "helo",
		[SMFIM_ENVFROM] = "mail",
		[SMFIM_ENVRCPT] = "rcpt",
		[SMFIM_DATA] = "data",
		[SMFIM_EOM] = "eom",
		[SMFIM_EOH] = "eoh" };
	char *list = strchr(text, '=');

	for (int i = 0; list != NULL && i <= SMFIM_LAST; i++) {
		size_t n = strlen(stages[i]);

		if ((size_t)(list - text) == n &&
		    strncmp(text, stages[i], n) == 0) {
			options.macros[i] = list + 1;
			return;
		}
	}
	errx(2, "%s: not STAGE=MACROS", text);
}

static const char *
parse_options(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "a:hm:p:s:")) != -1) {
		switch (opt) {
		case 'a':
			options.actions = hex(optarg);
			break;
		case 'h':
			options.add_header = true;
			break;
		case 'm':
			take_macros(optarg);
			break;
		case 'p':
			options.protocol = hex(optarg);
			break;
		case 's':
			options.slow_ms = milliseconds(optarg);
			break;
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind + 1 != argc) {
		fputs(usage, stderr);
		exit(2);
	}
	return argv[optind];
}

int
main(int argc, char **argv)
{
	const char *where = parse_options(argc, argv);
	char *address = strdup(where);
	struct rlimit l;

	if (address == NULL || getrlimit(RLIMIT_NOFILE, &l) == -1)
		err(1, "start");
	l.rlim_cur = l.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &l) == -1)
		err(1, "setrlimit");
	if (smfi_register(description()) != MI_SUCCESS ||
	    smfi_setconn(address) != MI_SUCCESS)
		errx(1, "%s: libmilter refuses", where);
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
