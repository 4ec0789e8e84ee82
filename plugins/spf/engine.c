/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libspf2 walks through the records and decides; what it asks on the way is
 * answered from the evaluation.  It is handed rewritten records and tags only
 * (rewrite.h), and none of its own DNS layers, caches, limits, macros,
 * explanations and headers are used.
 */
#include "engine.h"

#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <spf2/spf.h>
#include <spf2/spf_dns_rr.h>

static struct eval *
eval_of(const SPF_dns_server_t *dns)
{
	return dns->hook;
}

static void
own_fault(struct eval *e, const char *how, const char *text)
{
	e->broken = true;
	eval_stop(e, RESULT_TEMPERROR, "%s: %.150s", how, text);
}

/* What libspf2 is told of a question.  It must never be NULL. */
static SPF_dns_rr_t *
answer(SPF_dns_server_t *dns, const char *name, ns_type type, int status)
{
	return SPF_dns_rr_new_init(dns, name, type, 0, status);
}

static void
put_address(SPF_dns_rr_t *rr, ns_type type, const struct mr_dns_record *record)
{
	size_t n = type == ns_t_a ? 4 : 16;
	int i = rr->num_rr;

	if (record->len != n || SPF_dns_rr_buf_realloc(rr, i, n) != 0)
		return;
	if (type == ns_t_a)
		memcpy(&rr->rr[i]->a, record->data, n);
	else
		memcpy(&rr->rr[i]->aaaa, record->data, n);
	rr->num_rr++;
}

static SPF_dns_rr_t *
look_addresses(SPF_dns_server_t *dns, const char *name, ns_type type,
    const struct tag *tag)
{
	const struct mr_dns_answer *found;
	SPF_dns_rr_t *rr;

	if (!eval_addresses(eval_of(dns), tag, &found))
		return answer(dns, name, type, TRY_AGAIN);
	rr = answer(dns, name, type, found != NULL ? NETDB_SUCCESS : NO_DATA);
	for (uint32_t i = 0; rr != NULL && found && i < found->count; i++)
		put_address(rr, type, &found->records[i]);
	return rr;
}

/* The hosts of an mx are tags too: their names mean nothing to libspf2. */
static SPF_dns_rr_t *
look_hosts(SPF_dns_server_t *dns, const char *name, const struct tag *tag)
{
	struct tag host = *tag;
	SPF_dns_rr_t *rr;
	uint32_t count;

	if (!eval_hosts(eval_of(dns), tag, &count))
		return answer(dns, name, ns_t_mx, TRY_AGAIN);
	rr = answer(dns, name, ns_t_mx, count > 0 ? NETDB_SUCCESS : NO_DATA);
	host.kind = TAG_HOST;
	for (; rr != NULL && host.host < count; host.host++) {
		char text[64];
		struct text t = TEXT(text);

		tag_print(&host, &t);
		if (SPF_dns_rr_buf_realloc(rr, rr->num_rr, t.n + 1) != 0)
			break;
		memcpy(rr->rr[rr->num_rr++]->mx, text, t.n + 1);
	}
	return rr;
}

/* An "exists" that matches is told of the address that all of them get. */
static SPF_dns_rr_t *
look_exists(SPF_dns_server_t *dns, const char *name, const struct tag *tag)
{
	static const struct mr_dns_record yes = { .data = "\x7f\0\0\2",
		.len = 4 };
	SPF_dns_rr_t *rr;
	bool found;

	if (!eval_exists(eval_of(dns), tag, &found))
		return answer(dns, name, ns_t_a, TRY_AGAIN);
	rr = answer(dns, name, ns_t_a, found ? NETDB_SUCCESS : NO_DATA);
	if (found && rr != NULL)
		put_address(rr, ns_t_a, &yes);
	return rr;
}

static SPF_dns_rr_t *
lookup(SPF_dns_server_t *dns, const char *name, ns_type type, int cached)
{
	struct tag tag;

	(void)cached;
	if (!tag_parse(name, &tag)) {
		own_fault(
		    eval_of(dns), "libspf2 asks for what is no tag", name);
		return answer(dns, name, type, TRY_AGAIN);
	}
	if (tag.kind == TAG_MX)
		return look_hosts(dns, name, &tag);
	if (tag.kind == TAG_ADDRESS || tag.kind == TAG_HOST)
		return look_addresses(dns, name, type, &tag);
	return look_exists(dns, name, &tag);
}

/* The one way to libspf2's compiler. */
static SPF_errcode_t
compile(SPF_server_t *server, SPF_response_t *response, uint32_t number,
    SPF_record_t **record)
{
	struct eval *e = eval_of(server->resolver);
	char buffer[REWRITE_TEXT];
	struct text text = TEXT(buffer);

	rewrite_record(e->records[number].text, number, &e->facts->client,
	    eval_asks_left(e), &text);
	if (!text.cut &&
	    SPF_record_compile(server, response, record, buffer) == 0)
		return SPF_E_SUCCESS;
	own_fault(e, "libspf2 does not take what is written", buffer);
	return SPF_E_DNS_ERROR;
}

/* Called for each include and redirect. */
static SPF_errcode_t
get_spf(SPF_server_t *server, SPF_request_t *request, SPF_response_t *response,
    SPF_record_t **record)
{
	struct tag tag;
	uint32_t number;

	*record = NULL;
	if (!tag_parse(request->cur_dom, &tag)) {
		own_fault(eval_of(server->resolver),
		    "libspf2 asks for what is no tag", request->cur_dom);
		return SPF_E_DNS_ERROR;
	}
	if (!eval_enter(eval_of(server->resolver), &tag, &number))
		return SPF_E_DNS_ERROR;
	return compile(server, response, number, record);
}

/* Where libspf2 gives up without a result, only the code tells why. */
static enum result
result_of(const SPF_response_t *response)
{
	static const enum result results[] = {
		[SPF_RESULT_NEUTRAL] = RESULT_NEUTRAL,
		[SPF_RESULT_PASS] = RESULT_PASS,
		[SPF_RESULT_FAIL] = RESULT_FAIL,
		[SPF_RESULT_SOFTFAIL] = RESULT_SOFTFAIL,
		[SPF_RESULT_NONE] = RESULT_NONE,
		[SPF_RESULT_TEMPERROR] = RESULT_TEMPERROR,
		[SPF_RESULT_PERMERROR] = RESULT_PERMERROR,
	};

	if (response->result != SPF_RESULT_INVALID)
		return results[response->result];
	return response->err == SPF_E_DNS_ERROR ||
		       response->err == SPF_E_NO_MEMORY
		   ? RESULT_TEMPERROR
		   : RESULT_PERMERROR;
}

/*
 * By SPF_record_interpret() and not SPF_request_query_mailfrom(), which lets
 * all of 127/8 and ::1 pass.
 */
static enum result
interpret(SPF_server_t *server, SPF_request_t *request, bool *matched)
{
	SPF_response_t *response = SPF_response_new(request);
	SPF_record_t *record = NULL;
	enum result result = RESULT_TEMPERROR;

	*matched = false;
	if (response == NULL)
		return result;
	if (compile(server, response, 0, &record) == SPF_E_SUCCESS) {
		response->spf_record_exp = record;
		SPF_record_interpret(record, request, response, 0);
		result = result_of(response);
		*matched = response->reason == SPF_REASON_MECH;
	}
	if (record != NULL)
		SPF_record_free(record);
	SPF_response_free(response);
	return result;
}

static SPF_request_t *
new_request(SPF_server_t *server, const struct address *client)
{
	SPF_request_t *request = SPF_request_new(server);
	struct in_addr four;
	struct in6_addr six;

	if (request == NULL)
		return NULL;
	memcpy(&four, client->bytes, sizeof(four));
	memcpy(&six, client->bytes, sizeof(six));
	if (client->bits == 32)
		SPF_request_set_ipv4(request, four);
	else
		SPF_request_set_ipv6(request, six);
	request->cur_dom = "0.0.0.t";
	return request;
}

enum result
engine_run(struct eval *e, bool *matched)
{
	char receiver[] = "localhost", name[] = "millrace";
	SPF_dns_server_t dns = {
		.lookup = lookup, .get_spf = get_spf, .name = name, .hook = e
	};
	/*
	 * Not by SPF_server_new(): that asks for the name of this machine,
	 * and abort()s if it is too long.  The limits are ours.
	 */
	SPF_server_t server = { .resolver = &dns,
		.rec_dom = receiver,
		.max_dns_mech = INT_MAX - 1,
		.max_dns_ptr = SPF_MAX_DNS_PTR,
		.max_dns_mx = INT_MAX - 1 };
	SPF_request_t *request = new_request(&server, &e->facts->client);
	enum result result = RESULT_TEMPERROR;

	*matched = false;
	if (request != NULL) {
		result = interpret(&server, request, matched);
		SPF_request_free(request);
	}
	if (e->stop != RESULT_NONE) {
		*matched = false;
		return e->stop;
	}
	return result;
}
