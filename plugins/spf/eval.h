/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one evaluation of check_host() (RFC 7208, 4) knows and has asked: its
 * records, its limits, and the answers to the tags of rewrite.h.
 *
 * All limits hold for the evaluation as a whole.  The first thing that ends
 * it early (an error, a limit) is kept in .stop, and every question that
 * comes after it fails, so that whoever asks comes to an end.
 */
#ifndef SPF_EVAL_H
#define SPF_EVAL_H

#include <millrace/dns.h>
#include <millrace/map.h>
#include <millrace/plugin.h>

#include "address.h"
#include "macro.h"
#include "result.h"
#include "rewrite.h"

struct eval_limits {
	uint32_t terms; /* that ask the DNS; less than REWRITE_ASKS */
	uint32_t voids; /* of those, answered with nothing */
	uint32_t mx;    /* hosts of one mx */
	uint32_t ptr;   /* names of the client that are looked at */
	int64_t time;   /* milliseconds */
};

/* What is to be found out, by whom.  Lives longer than the evaluation. */
struct eval_facts {
	const struct mr_dns_service *dns;
	const struct mr_map_service *map;
	const struct mr_map *records; /* in place of published ones; or NULL */
	struct eval_limits limits;
	struct address client;
	struct span sender; /* "local@domain" */
	struct span local;
	struct span domain; /* of the sender: %{o}, and where to begin */
	struct span helo;
	struct span receiver;
};

struct eval_record {
	struct span text;
	struct span domain; /* %{d} */
	struct tag from;    /* the term that led here */
	bool local;         /* not from the DNS */
	bool included;      /* by a term of its own or of a record above */
};

struct eval {
	struct mr_ctx *ctx;
	const struct eval_facts *facts;
	struct eval_record records[REWRITE_ASKS + 1];
	uint32_t nrecords;
	uint32_t terms, voids;
	struct tag at;      /* the term that was reached last */
	uint32_t explained; /* the record whose exp= counts */
	enum result stop;   /* RESULT_TEMPERROR, RESULT_PERMERROR or NONE */
	const char *why;    /* of stop, in words; or NULL */
	bool late;          /* its time was up */
	bool broken;        /* libspf2 did what it must not: a fault of ours */
	int64_t began;      /* what time_left() said then */
	struct macro_values values;
	char addresses[2][ADDRESS_TEXT]; /* %{i}, %{c} */
	char now[24];                    /* %{t} */
	const struct mr_dns_answer *mx;  /* of the mx at hand */
	const char *names[32];           /* validated ones of the client */
	uint32_t nnames;
	bool named; /* names[] is known */
};

void eval_begin(struct eval *, struct mr_ctx *, const struct eval_facts *);

/* The record of a domain is number records[0]; text: that one instead. */
enum eval_found { EVAL_FOUND, EVAL_NONE, EVAL_STOPPED };
enum eval_found eval_top(struct eval *, struct span text);

/* A record that an include or redirect leads to: its number in *number. */
bool eval_enter(struct eval *, const struct tag *, uint32_t *number);

/*
 * Questions that libspf2 asks of a tag.  False if the evaluation ends here;
 * what is found may be nothing.
 */
bool eval_addresses(
    struct eval *, const struct tag *, const struct mr_dns_answer **);
bool eval_hosts(struct eval *, const struct tag *, uint32_t *count);
bool eval_exists(struct eval *, const struct tag *, bool *found);

/* How many more terms may ask. */
uint32_t eval_asks_left(const struct eval *);

/* Keep the first reason to end early.  Returns false. */
bool eval_stop(struct eval *, enum result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The text of exp=, if there is one to show; or NULL.  After a fail. */
const char *eval_explain(struct eval *);

/*
 * The term that was reached last, with those that led there:
 * "include:a.example > ip4:192.0.2.0/24".  NULL: none was.
 */
const char *eval_path(struct eval *);

#endif
