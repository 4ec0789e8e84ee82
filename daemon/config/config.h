/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One configuration: what a file, its includes and the defaults say.
 *
 * Every option, the daemon's own and each plugin's, stands in one table of
 * struct mr_option; parsing, ranges, defaults, `millrace config` and the
 * manuals' lint all read it.  Knows libconfuse and nobody else does; knows
 * nothing of what the options mean to a message.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"
#include "millrace/plugin.h"

/* Where something was said: "file:line". */
struct config_place {
	const char *file; /* "built-in" for the embedded defaults */
	unsigned line;
};

/* The options outside every section. */
struct config_globals {
	const char *user, *group;
	const char *run_dir;   /* control socket, worker sockets */
	const char *spool_dir; /* bodies too large for memory */
	const char *pid_file;  /* NULL: none */
	const char *plugin_dir;
	const char *control_group; /* who may use the control socket */
	int64_t workers, threads;  /* workers 0: one a processor, at least 2 */
	int64_t worker_memory;     /* bytes; a worker above it is replaced */
	int64_t crash_limit, crash_within; /* instance off after N in ms */
	int64_t stop_limit;  /* ms for what is in flight at a stop */
	int64_t spool_above; /* bytes of a body that stay in memory */
	const char *journal; /* SQLite file; NULL: no journal */
	int64_t journal_days;
	const char *store; /* see config/database.h */
	int64_t store_size;
	int64_t store_timeout; /* ms */
	const char *store_password_file;
	const char *store_mirror; /* folder */
	const char *store_tls_ca; /* NULL: the system's */
	int64_t store_replicas;
	int64_t log_level, log_target, log_format; /* enums of base/log.h */
	const struct mr_list *dns_servers; /* empty: of /etc/resolv.conf */
	int64_t dns_timeout;               /* ms, one look-up */
	int64_t dns_session_time;          /* ms, all waiting for a message */
	int64_t dns_session_queries;       /* look-ups for a message */
	int64_t dns_cache_size, dns_answer_max; /* bytes */
	bool dns_validate;
	const char *dns_trust_anchor; /* a file */
	/* The service content/1. */
	int64_t content_depth, content_parts, content_urls;
	int64_t content_size, content_text, content_keep, content_header;
	int64_t content_ratio;
	int64_t content_time; /* ms */
};

enum config_auth_results {
	AUTH_RESULTS_AUTO,
	AUTH_RESULTS_ON,
	AUTH_RESULTS_OFF
};

struct config_listener {
	const char *name;
	struct config_place place;
	const char
	    *socket;  /* unix:/path inet:port@host inet6:... systemd:name */
	int64_t mode; /* of a unix socket, as octal text in the file */
	const char *owner, *group;
	const struct mr_list *chain;
	const char *authserv_id; /* NULL: the MTA's {j} macro */
	int64_t auth_results;    /* enum config_auth_results */
};

enum config_mode { MODE_ENFORCE, MODE_OBSERVE, MODE_OFF };
enum config_on_error { ON_ERROR_CONTINUE, ON_ERROR_TEMPFAIL, ON_ERROR_REJECT };
enum config_authenticated {
	AUTHENTICATED_ANY,
	AUTHENTICATED_YES,
	AUTHENTICATED_NO
};

/* What the daemon keeps of every instance, whatever its plugin. */
struct config_common {
	int64_t mode, on_error, authenticated; /* enums above */
	int64_t deadline;     /* ms for one callback before eom */
	int64_t eom_deadline; /* ms for on_eom */
	const struct mr_map *clients, *except_clients;
	const struct mr_map *senders, *except_senders;
	const struct mr_map *recipients, *except_recipients;
};

struct config_instance {
	const char *plugin, *name; /* spf "spf-in" { ... } */
	struct config_place place;
	struct config_common common;
	void *conf; /* the plugin's own struct */
	const struct config_plugin *schema;
};

/* What the parser must know of an installed plugin. */
struct config_plugin {
	const char *name;
	const char *needs; /* as struct mr_plugin has it */
	const struct mr_option *options;
	size_t option_size; /* stride */
	size_t conf_size;
};

struct config {
	struct config_globals globals;
	struct config_listener *listeners;
	size_t nlisteners;
	struct config_instance *instances;
	size_t ninstances; /* at most CONFIG_INSTANCES */
	/* What store-password-file holds; NULL: none, or not for us. */
	const char *store_password;
	struct config_private *private;
};

enum { CONFIG_INSTANCES = 64 };

/*
 * Read only plugin-dir from the file, before any plugin is known.  path NULL:
 * the embedded defaults.  The caller frees the result; NULL and *why on a
 * file that cannot be read.
 */
char *config_plugin_dir(const char *path, char **why);

/*
 * Read and check everything.  path NULL: the embedded defaults.  On failure
 * NULL and *why: one line or more, each "file:line: what: cure", newlines
 * between; the caller frees it.  plugins must outlive the result.
 */
struct config *config_load(const char *path,
    const struct config_plugin *plugins, size_t nplugins, char **why);
void config_destroy(struct config **);

/* "file:line" of an option of an instance; of the instance if not set. */
struct config_place config_option_place(
    const struct config *, const struct config_instance *, const char *option);

/* Read changed list files of every map again (see base/map.h). */
void config_refresh_maps(const struct config *);

/* The whole effective configuration, in the file's own syntax. */
void config_print(const struct config *, struct buf *, bool help);
/* The same as JSON. */
void config_print_json(const struct config *, struct buf *);

/* The tables, for lints and `millrace plugins`. */
const struct mr_option *config_global_options(void);
const struct mr_option *config_listener_options(void);
const struct mr_option *config_common_options(void);

/* "inet:8891@127.0.0.1" and the like, parsed. */
struct config_socket {
	enum { SOCKET_UNIX, SOCKET_INET, SOCKET_INET6, SOCKET_SYSTEMD } kind;
	char host[256]; /* path, address, or systemd's name */
	uint16_t port;
};
bool config_socket_parse(const char *text, struct config_socket *, char **why);

/*
 * A name server as dns-servers takes it, "192.0.2.1" or "[2001:db8::1]@5353";
 * out: its address, "@" and its port.  False and *why, which the caller frees.
 */
enum { CONFIG_DNS_SERVER = 96 };
bool config_dns_server_parse(
    const char *text, char out[CONFIG_DNS_SERVER], char **why);

/*
 * One more type of option, for the daemon's own tables: int64_t, written as
 * octal digits ("0660").
 */
enum { CONFIG_OCTAL = 64 };

/* Like config_load, of a text; name stands for its file in errors. */
struct config *config_load_text(const char *name, struct span text,
    const struct config_plugin *plugins, size_t nplugins, char **why);

#endif
