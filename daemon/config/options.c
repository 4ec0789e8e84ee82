/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's own options: their names, ranges, defaults and help. */
#include "config/config.h"

#define SECONDS(n) (INT64_C(1000) * (n))
#define DAYS(n)    (SECONDS(86400) * (n))
#define MIB(n)     (INT64_C(1048576) * (n))

#define G(member, type) MR_OPTION(struct config_globals, member, type)
#define L(member, type) MR_OPTION(struct config_listener, member, type)
#define C(member, type) MR_OPTION(struct config_common, member, type)

static const struct mr_option global_options[] = {
	{ .name = "user",
	    G(user, MR_STRING),
	    .fallback = "millrace",
	    .text = "The user that fronts and workers run as." },
	{ .name = "group",
	    G(group, MR_STRING),
	    .text = "The group that fronts and workers run as; unset, the "
		    "user's own." },
	{ .name = "run-dir",
	    G(run_dir, MR_STRING),
	    .fallback = "/run/millrace",
	    .text = "Where the control socket and the workers' sockets "
		    "lie." },
	{ .name = "spool-dir",
	    G(spool_dir, MR_STRING),
	    .fallback = "/var/spool/millrace",
	    .text = "Where message bodies that are too large for memory are "
		    "kept while they are looked at." },
	{ .name = "pid-file",
	    G(pid_file, MR_STRING),
	    .text = "A file to write the daemon's process id to; unset, "
		    "none." },
	{ .name = "plugin-dir",
	    G(plugin_dir, MR_STRING),
	    .fallback = MR_PLUGINDIR,
	    .text = "Where the plugins are installed." },
	{ .name = "control-group",
	    G(control_group, MR_STRING),
	    .text = "The group whose members may use the command millrace "
		    "against the running daemon; unset, root and the "
		    "daemon's user only." },
	{ .name = "workers",
	    G(workers, MR_INT),
	    .fallback = "0",
	    .max = 64,
	    .text = "How many processes run plugins; 0 is one for each "
		    "processor, but at least 2." },
	{ .name = "threads",
	    G(threads, MR_INT),
	    .fallback = "64",
	    .min = 1,
	    .max = 512,
	    .text = "How many sessions one worker serves at the same "
		    "moment." },
	{ .name = "worker-memory",
	    G(worker_memory, MR_SIZE),
	    .fallback = "512M",
	    .min = MIB(32),
	    .max = MIB(1048576),
	    .text = "A worker that grows above this is replaced when its "
		    "last message has ended." },
	{ .name = "crash-limit",
	    G(crash_limit, MR_INT),
	    .fallback = "3",
	    .min = 1,
	    .max = 1000,
	    .text = "An instance that brings down this many workers within "
		    "crash-within is switched off, as its on-error says." },
	{ .name = "crash-within",
	    G(crash_within, MR_DURATION),
	    .fallback = "60s",
	    .min = SECONDS(1),
	    .max = DAYS(1),
	    .text = "The time over which crash-limit counts." },
	{ .name = "stop-limit",
	    G(stop_limit, MR_DURATION),
	    .fallback = "30s",
	    .max = SECONDS(3600),
	    .text = "How long messages in flight may take to end when the "
		    "daemon is stopped." },
	{ .name = "spool-above",
	    G(spool_above, MR_SIZE),
	    .fallback = "4M",
	    .min = INT64_C(65536),
	    .max = MIB(4096),
	    .text = "How much of a message's body is kept in memory; what is "
		    "larger goes to spool-dir." },
	{ .name = "journal",
	    G(journal, MR_STRING),
	    .fallback = "/var/lib/millrace/journal.db",
	    .text = "The database that millrace explain and millrace history "
		    "read; \"\" keeps none." },
	{ .name = "journal-days",
	    G(journal_days, MR_INT),
	    .fallback = "30",
	    .min = 1,
	    .max = 3650,
	    .text = "How many days the journal goes back." },
	{ .name = "store",
	    G(store, MR_STRING),
	    .fallback = "lmdb:/var/lib/millrace/store",
	    .text = "Where limits, counters and lists of plugins are kept: "
		    "lmdb:/folder of this machine, or redis://host:port/db of "
		    "a fleet." },
	{ .name = "store-size",
	    G(store_size, MR_SIZE),
	    .fallback = "1G",
	    .min = MIB(16),
	    .max = MIB(1048576),
	    .text = "How large the store's file on this machine may grow." },
	{ .name = "store-timeout",
	    G(store_timeout, MR_DURATION),
	    .fallback = "500ms",
	    .min = 10,
	    .max = SECONDS(5),
	    .text = "How long one question to the store may take." },
	{ .name = "store-password-file",
	    G(store_password_file, MR_STRING),
	    .text = "A file whose first line is the password for Redis; "
		    "unset, none is sent." },
	{ .name = "store-mirror",
	    G(store_mirror, MR_STRING),
	    .fallback = "/var/lib/millrace/mirror",
	    .text = "With Redis, a folder for what this machine itself has "
		    "counted." },
	{ .name = "store-tls-ca",
	    G(store_tls_ca, MR_STRING),
	    .text = "The certificates that the server of a rediss:// store "
		    "is checked with; unset, the system's." },
	{ .name = "store-replicas",
	    G(store_replicas, MR_INT),
	    .fallback = "0",
	    .max = 16,
	    .text = "How many replicas of Redis must have what was counted "
		    "before it counts." },
	{ .name = "log-level",
	    G(log_level, MR_CHOICE),
	    .fallback = "info",
	    .choices = "error|warn|info|debug",
	    .text = "How much is logged; info is one line for each "
		    "message." },
	{ .name = "log-target",
	    G(log_target, MR_CHOICE),
	    .fallback = "stderr",
	    .choices = "stderr|syslog",
	    .text = "Where the log goes; under systemd stderr is the "
		    "system's journal." },
	{ .name = "log-format",
	    G(log_format, MR_CHOICE),
	    .fallback = "text",
	    .choices = "text|json",
	    .text = "How a log line looks: key=value text or JSON." },
	{ .name = "dns-servers",
	    G(dns_servers, MR_LIST),
	    .text = "The name servers that look-ups go to, \"192.0.2.1\" or "
		    "\"[2001:db8::1]@5353\"; unset, those of "
		    "/etc/resolv.conf." },
	{ .name = "dns-timeout",
	    G(dns_timeout, MR_DURATION),
	    .fallback = "3s",
	    .min = 50,
	    .max = SECONDS(60),
	    .text = "How long one look-up may take." },
	{ .name = "dns-session-time",
	    G(dns_session_time, MR_DURATION),
	    .fallback = "20s",
	    .min = 50,
	    .max = SECONDS(600),
	    .text = "How long a session waits for the DNS in all; begins "
		    "anew with each message." },
	{ .name = "dns-session-queries",
	    G(dns_session_queries, MR_INT),
	    .fallback = "200",
	    .min = 1,
	    .max = 100000,
	    .text = "How many look-ups that the cache does not answer a "
		    "session may cause; begins anew with each message." },
	{ .name = "dns-cache-size",
	    G(dns_cache_size, MR_SIZE),
	    .fallback = "16M",
	    .min = INT64_C(65536),
	    .max = MIB(4096),
	    .text = "How much memory each worker keeps answers in." },
	{ .name = "dns-answer-max",
	    G(dns_answer_max, MR_SIZE),
	    .fallback = "32K",
	    .min = 512,
	    .max = 65536,
	    .text = "An answer of more bytes than this is a temporary "
		    "failure." },
	{ .name = "dns-validate",
	    G(dns_validate, MR_BOOL),
	    .fallback = "no",
	    .text = "Whether answers are validated by DNSSEC here." },
	{ .name = "dns-trust-anchor",
	    G(dns_trust_anchor, MR_STRING),
	    .fallback = "/usr/share/dns/root.key",
	    .text = "A file of DS or DNSKEY records that dns-validate "
		    "trusts." },
	{ .name = "content-depth",
	    G(content_depth, MR_INT),
	    .fallback = "32",
	    .min = 1,
	    .max = 100,
	    .text = "How deep parts of a message may lie in one another to "
		    "be looked at." },
	{ .name = "content-parts",
	    G(content_parts, MR_INT),
	    .fallback = "1000",
	    .min = 1,
	    .max = 10000,
	    .text = "How many parts of a message are looked at." },
	{ .name = "content-urls",
	    G(content_urls, MR_INT),
	    .fallback = "500",
	    .min = 1,
	    .max = 2000,
	    .text = "How many different links of a message are looked at." },
	{ .name = "content-size",
	    G(content_size, MR_SIZE),
	    .fallback = "64M",
	    .min = MIB(1),
	    .max = MIB(1024),
	    .text = "How much of a message's parts is decoded." },
	{ .name = "content-text",
	    G(content_text, MR_SIZE),
	    .fallback = "1M",
	    .min = 4096,
	    .max = MIB(64),
	    .text = "How much text of a message is looked at." },
	{ .name = "content-keep",
	    G(content_keep, MR_SIZE),
	    .fallback = "64K",
	    .min = 4096,
	    .max = MIB(16),
	    .text = "How much of each part plugins may look at." },
	{ .name = "content-header",
	    G(content_header, MR_SIZE),
	    .fallback = "256K",
	    .min = 4096,
	    .max = MIB(16),
	    .text = "A header larger than this is a finding, and what is "
		    "beyond is not asked for the parts." },
	{ .name = "content-ratio",
	    G(content_ratio, MR_INT),
	    .fallback = "100",
	    .min = 2,
	    .max = 100000,
	    .text = "An archive that says it unpacks to more times its size "
		    "is a finding." },
	{ .name = "content-time",
	    G(content_time, MR_DURATION),
	    .fallback = "5s",
	    .min = 10,
	    .max = SECONDS(60),
	    .text = "How long it may take to take a message apart." },
	{ .name = NULL },
};

static const struct mr_option listener_options[] = {
	{ .name = "socket",
	    L(socket, MR_STRING),
	    .text = "Where the mail server connects: "
		    "inet:8891@127.0.0.1, inet6:8891@::1, unix:/path or "
		    "systemd:name." },
	{ .name = "mode",
	    .type = CONFIG_OCTAL,
	    .offset = offsetof(struct config_listener, mode),
	    .fallback = "0660",
	    .min = 0,
	    .max = 0777,
	    .text = "The file mode of a unix socket." },
	{ .name = "owner",
	    L(owner, MR_STRING),
	    .text = "The user who owns a unix socket; unset, who started "
		    "the daemon." },
	{ .name = "group",
	    L(group, MR_STRING),
	    .text = "The group of a unix socket: name the mail server's here, "
		    "so that it may connect." },
	{ .name = "chain",
	    L(chain, MR_LIST),
	    .text = "The instances that look at each message, in this "
		    "order." },
	{ .name = "authserv-id",
	    L(authserv_id, MR_STRING),
	    .text = "Our name in Authentication-Results; unset, the mail "
		    "server's own host name." },
	{ .name = "authentication-results",
	    L(auth_results, MR_CHOICE),
	    .fallback = "auto",
	    .choices = "auto|on|off",
	    .text = "Whether Authentication-Results is written and forged "
		    "ones are removed; auto does so if an instance of the "
		    "chain has results to hand in." },
	{ .name = NULL },
};

static const struct mr_option common_options[] = {
	{ .name = "mode",
	    C(mode, MR_CHOICE),
	    .fallback = "enforce",
	    .choices = "enforce|observe|off",
	    .text = "enforce: what it decides happens; observe: it is asked "
		    "and recorded, but changes nothing; off: it is not "
		    "asked." },
	{ .name = "on-error",
	    C(on_error, MR_CHOICE),
	    .fallback = "tempfail",
	    .choices = "continue|tempfail|reject",
	    .text = "What happens to a message when this instance fails, "
		    "crashes or takes too long." },
	{ .name = "authenticated",
	    C(authenticated, MR_CHOICE),
	    .fallback = "any",
	    .choices = "any|yes|no",
	    .text = "yes: asked only for clients that logged in; no: only "
		    "for those that did not." },
	{ .name = "deadline",
	    C(deadline, MR_DURATION),
	    .fallback = "3s",
	    .min = 10,
	    .max = SECONDS(5),
	    .text = "How long it may take for one answer before the end of "
		    "the message." },
	{ .name = "eom-deadline",
	    C(eom_deadline, MR_DURATION),
	    .fallback = "60s",
	    .min = 10,
	    .max = SECONDS(240),
	    .text = "How long it may take for its answer at the end of the "
		    "message." },
	{ .name = "clients",
	    C(clients, MR_MAP),
	    .text = "Asked only for these clients: networks or host names, "
		    "or map:file:/path." },
	{ .name = "except-clients",
	    C(except_clients, MR_MAP),
	    .text = "Not asked for these clients: networks or host names, "
		    "or map:file:/path." },
	{ .name = "senders",
	    C(senders, MR_MAP),
	    .text = "Asked only for these senders: addresses or domains, "
		    "or map:file:/path." },
	{ .name = "except-senders",
	    C(except_senders, MR_MAP),
	    .text = "Not asked for these senders: addresses or domains, "
		    "or map:file:/path." },
	{ .name = "recipients",
	    C(recipients, MR_MAP),
	    .text = "Asked only for these recipients: addresses or domains, "
		    "or map:file:/path." },
	{ .name = "except-recipients",
	    C(except_recipients, MR_MAP),
	    .text = "Not asked for these recipients: addresses or domains, "
		    "or map:file:/path." },
	{ .name = NULL },
};

const struct mr_option *
config_global_options(void)
{
	return global_options;
}

const struct mr_option *
config_listener_options(void)
{
	return listener_options;
}

const struct mr_option *
config_common_options(void)
{
	return common_options;
}
