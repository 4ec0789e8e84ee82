/* SPDX-License-Identifier: Apache-2.0 */
#include "service/dns_resolver.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unbound.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "millrace/thread.h"
#include "service/dns_servers.h"

#define RESOLV_CONF "/etc/resolv.conf"

enum {
	CLASS_IN = 1,
	RCODE_NXDOMAIN = 3,
	TTL_MAX = 86400,
	RESOLV_CONF_BYTES = 1 << 20,
};

struct dns_resolver {
	struct ub_ctx *ctx;
	size_t answer_max;
	pthread_mutex_t lock; /* guards state */
	pthread_cond_t begun; /* state */
	enum { NOT_BEGUN, BEGINS, RUNS, BROKEN } state;
	pthread_t thread;
	int stop; /* eventfd: the thread is to end */
};

/*
 * A forwarder and nothing else: it asks no root server, trusts no other
 * data, and what a resolver of the operator's says of private names counts.
 *
 * infra-host-ttl: what is known of a server's state must not live long.  Else
 * some names that never get an answer (a sender's choice) are enough for
 * libunbound to think the server dead and to fail every question at once, and
 * one that was dead comes back only after minutes.  It thinks so after
 * timeouts of 12 s together; with several servers it may remember for less
 * than that which of them does not answer.
 */
enum { REMEMBER_ONE_S = 1, REMEMBER_SEVERAL_S = 8 };

static const char settings[] = "server:\n"
			       "  use-syslog: no\n"
			       "  verbosity: 0\n"
			       "  module-config: \"%s\"\n"
			       "  do-not-query-localhost: no\n"
			       "  qname-minimisation: no\n"
			       "  use-caps-for-id: no\n"
			       "  target-fetch-policy: \"0 0 0 0 0\"\n"
			       "  unblock-lan-zones: yes\n"
			       "  insecure-lan-zones: yes\n"
			       "  local-zone: \"test.\" nodefault\n"
			       "  local-zone: \"invalid.\" nodefault\n"
			       "  local-zone: \"onion.\" nodefault\n"
			       "  local-zone: \"home.arpa.\" nodefault\n"
			       "  infra-host-ttl: %d\n"
			       "  serve-expired: no\n"
			       "  prefetch: no\n"
			       "  rrset-roundrobin: no\n"
			       "  minimal-responses: yes\n"
			       "  edns-buffer-size: 1232\n"
			       "  outgoing-range: 1024\n"
			       "  outgoing-num-tcp: 64\n"
			       "  tcp-auth-query-timeout: 3000\n"
			       "  msg-cache-size: 2m\n"
			       "  rrset-cache-size: 4m\n"
			       "  key-cache-size: 1m\n"
			       "  neg-cache-size: 1m\n"
			       "  cache-max-ttl: 86400\n"
			       "  cache-max-negative-ttl: 3600\n"
			       "forward-zone:\n"
			       "  name: \".\"\n"
			       "  forward-first: no\n";

/* Those that resolv.conf(5) names; without any it is this machine. */
static void
put_system_servers(struct buf *out)
{
	size_t n = 0;
	char *why = NULL;
	char *text = file_read(RESOLV_CONF, RESOLV_CONF_BYTES, &n, &why);
	struct span left = { text, n };
	char server[CONFIG_DNS_SERVER];
	bool any = false;

	if (text == NULL)
		log_warn("%s: %s", RESOLV_CONF, why);
	for (; dns_resolv_conf_next(&left, server); any = true)
		buf_printf(out, "  forward-addr: %s\n", server);
	if (!any)
		buf_text(out, "  forward-addr: 127.0.0.1@53\n");
	free(text);
	free(why);
}

static void
put_settings(struct buf *out, const struct config_globals *g)
{
	struct buf servers = { 0 };
	bool several;

	for (uint32_t i = 0; i < g->dns_servers->count; i++) {
		char server[CONFIG_DNS_SERVER], *why = NULL;

		/* The configuration was checked. */
		if (config_dns_server_parse(
			g->dns_servers->items[i], server, &why))
			buf_printf(&servers, "  forward-addr: %s\n", server);
		free(why);
	}
	if (g->dns_servers->count == 0)
		put_system_servers(&servers);
	several = strchr(servers.p, '\n') != servers.p + servers.n - 1;
	buf_printf(out, settings,
	    g->dns_validate ? "validator iterator" : "iterator",
	    several ? REMEMBER_SEVERAL_S : REMEMBER_ONE_S);
	buf_put(out, servers.p, servers.n);
	buf_finish(&servers);
}

/* libunbound reads only files: one that has no name. */
static int
load_settings(struct ub_ctx *ctx, const struct buf *text)
{
	int fd = memfd_create("dns", MFD_CLOEXEC), err = UB_READFILE;
	char path[32];

	if (fd == -1)
		return err;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, text->p, text->n) == (ssize_t)text->n)
		err = ub_ctx_config(ctx, path);
	close(fd);
	return err;
}

static int
prepare(struct ub_ctx *ctx, const struct config_globals *g)
{
	struct buf text = { 0 };
	int err;

	/* What it says goes to stderr and quotes names from outside. */
	ub_ctx_debugout(ctx, NULL);
	put_settings(&text, g);
	err = load_settings(ctx, &text);
	buf_finish(&text);
	if (err == 0 && g->dns_validate)
		err = ub_ctx_add_ta_file(ctx, g->dns_trust_anchor);
	if (err == 0)
		err = ub_ctx_async(ctx, 1);
	/* Any of these calls makes it read what it was given. */
	if (err == 0)
		err = ub_ctx_zone_remove(ctx, "test.");
	return err;
}

/* What a thread of its own does with it: libunbound needs much stack. */
struct preparation {
	struct ub_ctx *ctx;
	const struct config_globals *globals;
	int err;
};

static void *
prepare_here(void *arg)
{
	struct preparation *p = arg;

	if ((p->ctx = ub_ctx_create()) == NULL)
		p->err = UB_NOMEM;
	else
		p->err = prepare(p->ctx, p->globals);
	return NULL;
}

static struct ub_ctx *
make_context(const struct config_globals *g, char **why)
{
	struct preparation p = { .globals = g, .err = UB_NOMEM };
	pthread_t t;

	if (mr_thread_start(&t, prepare_here, &p))
		pthread_join(t, NULL);
	if (p.err == 0)
		return p.ctx;
	*why = memory_printf("the resolver cannot be set up: %s%s%s",
	    ub_strerror(p.err),
	    g->dns_validate ? "; is this a file of DS or DNSKEY records that "
			      "its user may read: "
			    : "",
	    g->dns_validate ? g->dns_trust_anchor : "");
	if (p.ctx != NULL)
		ub_ctx_delete(p.ctx);
	return NULL;
}

struct dns_resolver *
dns_resolver_create(const struct config_globals *g, char **why)
{
	struct ub_ctx *ctx = make_context(g, why);
	struct dns_resolver *r;

	if (ctx == NULL)
		return NULL;
	r = memory_zalloc(sizeof(*r));
	r->ctx = ctx;
	r->answer_max = (size_t)g->dns_answer_max;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->begun, NULL);
	if ((r->stop = eventfd(0, EFD_CLOEXEC)) == -1) {
		*why = memory_printf(
		    "the resolver cannot be made: %s", strerror(errno));
		dns_resolver_destroy(&r);
	}
	return r;
}

void
dns_resolver_destroy(struct dns_resolver **resolver)
{
	struct dns_resolver *r = *resolver;
	uint64_t one = 1;

	if (r == NULL)
		return;
	if (r->state == RUNS &&
	    write(r->stop, &one, sizeof(one)) == sizeof(one))
		pthread_join(r->thread, NULL);
	ub_ctx_delete(r->ctx);
	if (r->stop != -1)
		close(r->stop);
	pthread_cond_destroy(&r->begun);
	pthread_mutex_destroy(&r->lock);
	free(r);
	*resolver = NULL;
}

static struct dns_answer *
fail_rcode(int rcode)
{
	static const char *const words[] = { [1] = "FORMERR",
		[2] = "SERVFAIL",
		[4] = "NOTIMP",
		[5] = "REFUSED" };
	char why[96];

	if (rcode == 2)
		return dns_answer_empty(MR_DNS_TEMPFAIL,
		    "SERVFAIL: no name server has a usable answer");
	if (rcode >= 0 && rcode < 6 && words[rcode] != NULL)
		snprintf(
		    why, sizeof(why), "the name server says %s", words[rcode]);
	else
		snprintf(
		    why, sizeof(why), "the name server says rcode %d", rcode);
	return dns_answer_empty(MR_DNS_TEMPFAIL, why);
}

static struct dns_answer *
decode_records(
    const struct dns_resolver *r, mr_dns_type type, const struct ub_result *in)
{
	struct dns_answer *a;
	struct span *rdata;
	uint32_t n = 0;

	while (in->data[n] != NULL)
		n++;
	rdata = memory_zalloc((n + 1) * sizeof(*rdata));
	for (uint32_t i = 0; i < n; i++)
		rdata[i] = (struct span){ in->data[i], (size_t)in->len[i] };
	a = dns_answer_decode(type, rdata, n, r->answer_max);
	free(rdata);
	return a;
}

static struct dns_answer *
understand(const struct dns_question *q, int err, const struct ub_result *in)
{
	struct dns_answer *a;

	if (err != 0 || in == NULL)
		return dns_answer_empty(MR_DNS_TEMPFAIL, ub_strerror(err));
	if (in->bogus)
		return dns_answer_empty(
		    MR_DNS_TEMPFAIL, "the answer fails DNSSEC validation");
	if (in->nxdomain)
		a = dns_answer_empty(MR_DNS_NXDOMAIN, NULL);
	else if (in->rcode != 0)
		return fail_rcode(in->rcode);
	else if (!in->havedata)
		a = dns_answer_empty(MR_DNS_NODATA, NULL);
	else
		a = decode_records(q->resolver, q->type, in);
	if (a->answer.status == MR_DNS_TEMPFAIL)
		return a;
	a->answer.secure = in->secure;
	a->answer.ttl = in->ttl < 0         ? 0
			: in->ttl > TTL_MAX ? TTL_MAX
					    : (uint32_t)in->ttl;
	return a;
}

static void
answered(void *question, int err, struct ub_result *result)
{
	struct dns_question *q = question;

	q->answered(q, understand(q, err, result));
	ub_resolve_free(result);
}

static void
ignore(void *arg, int err, struct ub_result *result)
{
	(void)arg;
	(void)err;
	ub_resolve_free(result);
}

static void
set_state(struct dns_resolver *r, int state)
{
	pthread_mutex_lock(&r->lock);
	r->state = state;
	pthread_cond_broadcast(&r->begun);
	pthread_mutex_unlock(&r->lock);
}

/* Its first question makes libunbound begin; this one asks no server. */
static bool
begin(struct dns_resolver *r)
{
	int err = ub_resolve_async(
	    r->ctx, "localhost", MR_DNS_A, CLASS_IN, NULL, ignore, NULL);

	if (err != 0)
		log_error("resolver: %s", ub_strerror(err));
	set_state(r, err == 0 ? RUNS : BROKEN);
	return err == 0;
}

static void *
run(void *resolver)
{
	struct dns_resolver *r = resolver;
	struct pollfd fds[2] = { { .fd = ub_fd(r->ctx), .events = POLLIN },
		{ .fd = r->stop, .events = POLLIN } };
	int err;

	if (!begin(r)) {
		pthread_detach(r->thread);
		return NULL;
	}
	while (poll(fds, 2, -1) != -1 || errno == EINTR) {
		if (fds[1].revents != 0)
			break;
		if (fds[0].revents != 0 && (err = ub_process(r->ctx)) != 0) {
			log_error("resolver: %s", ub_strerror(err));
			break;
		}
	}
	return NULL;
}

static bool
is_running(struct dns_resolver *r)
{
	bool ok;

	pthread_mutex_lock(&r->lock);
	if (r->state == NOT_BEGUN)
		r->state =
		    mr_thread_start(&r->thread, run, r) ? BEGINS : BROKEN;
	while (r->state == BEGINS)
		pthread_cond_wait(&r->begun, &r->lock);
	ok = r->state == RUNS;
	pthread_mutex_unlock(&r->lock);
	return ok;
}

bool
dns_resolver_ask(
    struct dns_resolver *r, const char *name, struct dns_question *q)
{
	q->resolver = r;
	return is_running(r) && ub_resolve_async(r->ctx, name, q->type,
				    CLASS_IN, q, answered, NULL) == 0;
}
