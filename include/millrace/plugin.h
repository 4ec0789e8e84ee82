/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole contract between the daemon and a plugin.
 *
 * A plugin is one shared object that exports one constant,
 * mr_plugin_<name>, and links against nothing of ours: all that it may
 * ask of the daemon is a function pointer in struct mr_host.
 *
 * Tags say who may call, and when:
 *   [main]     start, stop and reload; no session is inside the instance
 *   [session]  one call at a time per session, but each call may come on
 *              a different thread, and other sessions run beside it
 *   [any]      from any thread at any time
 *
 * Nobody frees what the other side allocated.  Text is UTF-8 or raw bytes
 * of the mail, NUL-terminated unless a length stands beside it.  Times are
 * milliseconds, sizes bytes, scores points.
 *
 * A plugin runs in a worker process that may die without harm to the mail
 * server: the message is then told again to another worker, under the same
 * message_id.  See millrace-plugin(3).
 *
 * History
 *   0.1  the host: stages, edits, symbols, notes, authentication results
 *   0.2  commands of plugins; listener in mr_ctx; symbol_at(), time_left()
 */
#ifndef MR_PLUGIN_H
#define MR_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MR_ABI_MAJOR 0u /* something moved, changed or went */
#define MR_ABI_MINOR 2u /* something was added at an end */
#define MR_ABI       (MR_ABI_MAJOR << 16 | MR_ABI_MINOR)

struct mr_host;

/* What a stage answers.  Fixed width: the size of an enum is not. */
typedef int32_t mr_verdict;
enum {
	MR_CONTINUE = 0,   /* no objection */
	MR_SKIP = 1,       /* no objection; not again for this message */
	MR_ACCEPT = 2,     /* ask no later instance; edits still happen */
	MR_REJECT = 3,     /* 5xx, see reply() */
	MR_TEMPFAIL = 4,   /* 4xx, see reply() */
	MR_DISCARD = 5,    /* accept and throw away; from mail on */
	MR_QUARANTINE = 6, /* accept and hold, see quarantine(); from mail on */
	MR_ERROR = 7,      /* I broke: the daemon applies on-error */
};

/* How a message ended, as far as this daemon knows. */
typedef int32_t mr_outcome;
enum {
	MR_OUTCOME_ACCEPTED = 0,
	MR_OUTCOME_REJECTED = 1,
	MR_OUTCOME_TEMPFAILED = 2,
	MR_OUTCOME_DISCARDED = 3,
	MR_OUTCOME_QUARANTINED = 4,
	MR_OUTCOME_ABORTED = 5, /* RSET, a lost client, a new session */
	MR_OUTCOME_MOVED = 6,   /* told again to another worker: undo nothing */
};

/* Stages, as bits of mr_plan.stages. */
enum {
	MR_STAGE_CONNECT = 1 << 0,
	MR_STAGE_HELO = 1 << 1,
	MR_STAGE_MAIL = 1 << 2,
	MR_STAGE_RCPT = 1 << 3,
	MR_STAGE_DATA = 1 << 4,
	MR_STAGE_UNKNOWN = 1 << 5,
	MR_STAGE_HEADER = 1 << 6,
	MR_STAGE_EOH = 1 << 7,
	MR_STAGE_BODY = 1 << 8,
	MR_STAGE_EOM = 1 << 9,
};

/* What a plugin may do to a message: bits of mr_plan.actions. */
enum {
	MR_ACTION_ADD_HEADER = 1 << 0,
	MR_ACTION_CHANGE_HEADER = 1 << 1, /* change and delete */
	MR_ACTION_CHANGE_SENDER = 1 << 2,
	MR_ACTION_ADD_RECIPIENT = 1 << 3,
	MR_ACTION_DELETE_RECIPIENT = 1 << 4,
	MR_ACTION_REPLACE_BODY = 1 << 5,
	MR_ACTION_QUARANTINE = 1 << 6,
};

/* What a plugin wants to be given: bits of mr_plan.wants. */
enum {
	MR_WANT_HEADERS = 1 << 0,       /* header(), header_at() */
	MR_WANT_BODY = 1 << 1,          /* body() at eom */
	MR_WANT_REJECTED_RCPT = 1 << 2, /* on_rcpt for those the MTA refuses */
	MR_WANT_AUTH_RESULTS = 1 << 3,  /* auth_result() will be called */
};

/*
 * What one configured instance needs.  The daemon negotiates the union of
 * all with the MTA, so less is cheaper: a chain in which nobody wants the
 * body never receives it.  Before plan() is called the daemon fills it from
 * the descriptor: a stage for each callback, its actions, its wants.
 */
struct mr_plan {
	uint32_t stages;  /* MR_STAGE_*: only bits with a callback count */
	uint32_t actions; /* MR_ACTION_* */
	uint32_t wants;   /* MR_WANT_* */
	/*
	 * Ask the MTA for macros at a stage (one MR_STAGE_* bit of connect,
	 * helo, mail, rcpt, data, eoh, eom), as "{name} {name}" or "i".
	 */
	void (*macros)(struct mr_plan *, uint32_t stage, const char *names);
	/*
	 * The first stage at which the daemon asks this instance at all
	 * (one MR_STAGE_* bit): connect, or what its selectors (senders,
	 * authenticated: mail; recipients: rcpt) make of it.
	 */
	uint32_t first;
};

/* What an option holds; the daemon parses it and checks its range. */
typedef int32_t mr_type;
enum {
	MR_BOOL = 1, /* bool */
	MR_INT = 2,  /* int64_t */
	MR_DURATION =
	    3,         /* int64_t, milliseconds: "300ms" "5s" "2m" "1h" "1d" */
	MR_SIZE = 4,   /* int64_t, bytes: "100" "64K" "10M" "2G" */
	MR_REAL = 5,   /* double */
	MR_STRING = 6, /* const char *, NULL if unset */
	MR_CHOICE = 7, /* int64_t, place in .choices: 0, 1, ... */
	MR_LIST = 8,   /* const struct mr_list *, never NULL */
	MR_MAP = 9,    /* const struct mr_map *, NULL if unset; see map.h */
};

struct mr_list {
	uint32_t count;
	const char *const *items;
};

struct mr_map; /* a set of patterns or keys with values: map.h */

struct mr_option {
	const char *name; /* as written in the config file; NULL ends */
	mr_type type;
	uint32_t offset;      /* into the plugin's config struct */
	const char *fallback; /* default in config syntax; NULL: unset */
	int64_t min, max;     /* of the stored number; both 0: unbounded */
	const char *choices;  /* "reject|tempfail", for MR_CHOICE */
	const char *text;     /* one sentence for `millrace config` */
};

/* The member's C type must be the one that the option type stores. */
#ifndef __cplusplus
/* clang-format off */
#define MR_FITS(s, m, t)                                                       \
	_Generic(((s *)0)->m,                                                  \
	    bool: (t) == MR_BOOL,                                              \
	    double: (t) == MR_REAL,                                            \
	    const char *: (t) == MR_STRING,                                    \
	    const struct mr_list *: (t) == MR_LIST,                            \
	    const struct mr_map *: (t) == MR_MAP,                              \
	    int64_t: (t) == MR_INT || (t) == MR_DURATION ||                    \
	        (t) == MR_SIZE || (t) == MR_CHOICE)
/* clang-format on */
#define MR_OPTION(s, m, t)                                                     \
	.type = (t),                                                           \
	.offset = offsetof(s, m) + 0 * sizeof(char[MR_FITS(s, m, t) ? 1 : -1])
#endif

/* Facts of the connection.  Strings live as long as the session. */
struct mr_client {
	const char *name;  /* reverse name, "[192.0.2.1]" or "localhost" */
	const char *addr;  /* "192.0.2.1", "2001:db8::1"; "unknown"; "local" */
	const char *helo;  /* NULL before helo */
	const char *login; /* {auth_authen}; NULL: not authenticated */
	const char *tls;   /* {tls_version}; NULL: no TLS */
	uint16_t port;     /* 0 if unknown */
};

/* What each stage is handed.  The daemon owns all of it, for this call. */
struct mr_ctx {
	const struct mr_host *host;
	const struct mr_client *client;
	void *self;    /* from open(); shared by all sessions */
	void *session; /* session_size zeroed bytes */
	void *message; /* message_size zeroed bytes; NULL outside a message */
	const char *message_id; /* ours, same if told again; NULL outside */
	const char *queue_id;   /* the MTA's, as soon as it is known, or NULL */
	const char *sender;     /* no brackets, "" for <>; NULL before mail */
	const char *const *recipients; /* accepted so far, NULL at the end */
	bool dry_run; /* `millrace check`: leave no trace in any store */
	const char *listener; /* its name; NULL in a command */
};

/* A property of an authentication result (RFC 8601, section 2.2). */
struct mr_auth_property {
	const char *name;  /* "smtp.mailfrom", "header.d" */
	const char *value; /* raw; the daemon quotes.  NULL: leave it out */
};

/* One finding of symbol(), as symbol_at() shows it. */
struct mr_symbol {
	const char *name, *detail; /* detail may be NULL */
	const char *by;            /* instance */
	double score;
	bool observed; /* by an instance in observe mode: not in score() */
};

/*
 * What a command of a plugin is handed.  It runs in the process of the
 * command millrace, as the user who called it, with the services started and
 * no session anywhere; it may print, block and ask services with ctx.
 */
struct mr_tool {
	uint32_t size; /* of this struct, as built */
	bool json;     /* --json was given: print JSON and nothing else */
	struct mr_ctx *ctx;
	/* The instances of this plugin in the configuration. */
	uint32_t count;
	const char *const *names;
	const void *const *confs;
	/*
	 * Show the journal's records from since to until (Unix time in
	 * milliseconds; 0: no limit), newest first, until seen() says false.
	 * json is one object, as "millrace explain --json" prints it.  False
	 * after a message on stderr if there is no journal to read.
	 */
	bool (*history)(const struct mr_tool *, int64_t since, int64_t until,
	    bool (*seen)(void *arg, const char *json), void *arg);
	/*
	 * Take a message file (RFC 5322; a "From " line before it is skipped)
	 * apart as "millrace check" does, and call use() with a context in
	 * which headers, body and services are as at eom.  No instance is
	 * asked; nothing of it stays.
	 */
	void (*message)(const struct mr_tool *, const void *text, size_t len,
	    void (*use)(void *arg, struct mr_ctx *), void *arg);
};

/* "millrace limits show ...": the group's name is mr_plugin.command. */
struct mr_command {
	const char *name;    /* "show"; "": the group itself; NULL ends */
	const char *usage;   /* its operands and options: "KEY" */
	const char *summary; /* one line */
	/*
	 * [main] argv[0] is the name.  --json, --conf and --help are taken
	 * off.  Returns an exit status of millrace(1): 0 done, 1 refused or
	 * nothing there, 2 usage, 75 try again later.
	 */
	int32_t (*run)(const struct mr_tool *, int32_t argc, char **argv);
};

struct mr_plugin {
	/* These guard the rest: first, and never moved. */
	uint32_t abi;
	uint32_t size;        /* of this struct, as built */
	uint32_t option_size; /* stride of options[] */
	uint32_t flags;       /* 0 in 0.x */

	const char *name; /* same as the file's: access.so is "access" */
	const char *version;
	const char *summary; /* one line for `millrace plugins` */
	const char *needs;   /* plugins that must run before: "a b|c" */

	const struct mr_option *options; /* ends with a NULL name; or NULL */
	size_t conf_size;
	size_t session_size;
	size_t message_size;

	uint32_t actions; /* MR_ACTION_* that it may ask for */
	uint32_t wants;   /* MR_WANT_* */

	/*
	 * [main] Narrow or widen what this instance needs.  Pure: reads
	 * conf, touches nothing else.  May be NULL.
	 */
	void (*plan)(const void *conf, struct mr_plan *);

	/*
	 * [main] conf lives until close(); *self is handed to each stage.
	 * It is conf until open() says otherwise.  False fails the start
	 * or the reload: say why with host->config_error() first.
	 */
	bool (*open)(const struct mr_host *, const void *conf, void **self);
	void (*close)(void *self); /* [main] */

	/*
	 * Stages, all [session].  NULL: not interested.  A stage with a
	 * callback costs the MTA a wait; on_header one for every field, so
	 * read header() in on_eoh or on_eom instead where that will do.
	 */
	mr_verdict (*on_connect)(struct mr_ctx *);
	mr_verdict (*on_helo)(struct mr_ctx *, const char *name);
	/* from: no brackets, "" for <>.  args: ESMTP, NULL at the end. */
	mr_verdict (*on_mail)(
	    struct mr_ctx *, const char *from, const char *const *args);
	mr_verdict (*on_rcpt)(
	    struct mr_ctx *, const char *to, const char *const *args);
	mr_verdict (*on_data)(struct mr_ctx *);
	mr_verdict (*on_unknown)(struct mr_ctx *, const char *command);
	/* value: as sent, blanks after the colon kept, folds as LF. */
	mr_verdict (*on_header)(
	    struct mr_ctx *, const char *name, const char *value);
	mr_verdict (*on_eoh)(struct mr_ctx *);
	mr_verdict (*on_body)(struct mr_ctx *, const void *chunk, size_t len);
	mr_verdict (*on_eom)(struct mr_ctx *);

	/*
	 * Exactly once for each message and each session in which this
	 * worker asked the instance anything, however it ended.  Free only
	 * what the plugin acquired.
	 */
	void (*message_end)(struct mr_ctx *, mr_outcome);
	void (*session_end)(struct mr_ctx *);

	/* 0.1 ends here. */

	/* Sub-commands of millrace(1), "millrace <command> <name>". */
	const char *command;               /* "limits"; NULL: none */
	const struct mr_command *commands; /* ends with a NULL name */

	/* 0.2 ends here.  New members go below, with the minor raised. */
};

/* Levels of log(). */
enum { MR_LOG_ERROR = 0, MR_LOG_WARN = 1, MR_LOG_INFO = 2, MR_LOG_DEBUG = 3 };

struct mr_host {
	uint32_t abi;
	uint32_t size;       /* of this struct, as built */
	const char *product; /* "millrace 0.1" */

	/* [any] Ask by name and revision: "map/1".  NULL: not here. */
	const void *(*service)(const struct mr_host *, const char *id);

	/* [any] One line, no newline.  c may be NULL.  Bytes are escaped. */
	void (*log)(const struct mr_host *, const struct mr_ctx *c,
	    int32_t level, const char *line);

	/*
	 * [main] In open(): what is wrong with which option (NULL: with the
	 * instance).  Shown as "file:line: plugin "instance": option: text".
	 */
	void (*config_error)(
	    const struct mr_host *, const char *option, const char *text);

	/* [session] The rest may be called from any stage of a session. */

	/*
	 * The reply that goes with the REJECT or TEMPFAIL this callback is
	 * about to return.  code: 400..599; dsn: "5.7.1" of the same class,
	 * or NULL; text: lines apart by \n, each at most 980 printable ASCII
	 * bytes, at most 32.  False, and logged, if it breaks these rules;
	 * the default reply is used then.
	 */
	bool (*reply)(
	    struct mr_ctx *, int32_t code, const char *dsn, const char *text);

	/*
	 * A named finding.  detail may be NULL.  Sum of scores: score().
	 * One of connect or helo is one of each message of the session.
	 */
	bool (*symbol)(struct mr_ctx *, const char *name, double score,
	    const char *detail);
	double (*score)(struct mr_ctx *);

	/*
	 * Edits: queued at any stage of a message, sent at eom in the order
	 * of the chain.  False, and logged: no message open, action not
	 * declared, bad name, or a value that holds NUL, CR or an LF that is
	 * not followed by a blank.  Values go without the blank after the
	 * colon.  nth counts the fields of that name from 1 at the top, as
	 * header() shows them: edits of earlier instances included.
	 */
	bool (*add_header)(
	    struct mr_ctx *, const char *name, const char *value);
	/* at the very top: above the MTA's own Received field */
	bool (*insert_header)(
	    struct mr_ctx *, const char *name, const char *value);
	bool (*change_header)(
	    struct mr_ctx *, const char *name, uint32_t nth, const char *value);
	bool (*delete_header)(struct mr_ctx *, const char *name, uint32_t nth);
	/* args: ESMTP parameters in one string, or NULL */
	bool (*change_sender)(
	    struct mr_ctx *, const char *from, const char *args);
	bool (*add_recipient)(
	    struct mr_ctx *, const char *to, const char *args);
	bool (*delete_recipient)(struct mr_ctx *, const char *to);
	/* The bytes are copied.  The last instance that replaces it wins. */
	bool (*replace_body)(struct mr_ctx *, const void *bytes, size_t len);
	bool (*quarantine)(struct mr_ctx *, const char *reason);

	/*
	 * A result for the one Authentication-Results field that the daemon
	 * writes (RFC 8601).  method "spf", result "pass"; reason may be
	 * NULL; props may be NULL if count is 0.  Values are quoted by the
	 * daemon.
	 */
	bool (*auth_result)(struct mr_ctx *, const char *method,
	    const char *result, const char *reason,
	    const struct mr_auth_property *props, uint32_t count);

	/*
	 * The nth field of that name (from 1, any case), or NULL.  Without
	 * the blank after the colon, folds as LF.  Lives as long as the
	 * message.  Complete from eoh on; needs MR_WANT_HEADERS.
	 */
	const char *(*header)(struct mr_ctx *, const char *name, uint32_t nth);
	/*
	 * The index-th field of all, from 0 at the top, as it came: raw
	 * value with its blanks.  False past the last.
	 */
	bool (*header_at)(struct mr_ctx *, uint32_t index, const char **name,
	    const char **value);
	/* The whole body at eom; needs MR_WANT_BODY.  NULL if not given. */
	const void *(*body)(struct mr_ctx *, size_t *len);

	/* "{auth_authen}", "i" or "j"; NULL if the MTA did not send it. */
	const char *(*macro)(struct mr_ctx *, const char *name);

	/* Results passed between plugins as text: "spf.result". */
	bool (*note_set)(struct mr_ctx *, const char *key, const char *value);
	const char *(*note)(struct mr_ctx *, const char *key);

	/*
	 * Zeroed memory that dies with the message, or with the session
	 * outside one.  Never NULL: a worker that runs out of memory ends,
	 * and its messages are told again to another.
	 */
	void *(*alloc)(struct mr_ctx *, size_t);

	/* 0.1 ends here. */

	/*
	 * The index-th finding of all instances so far, from 0.  False past
	 * the last, *out untouched.
	 */
	bool (*symbol_at)(
	    struct mr_ctx *, uint32_t index, struct mr_symbol *out);

	/*
	 * Milliseconds until the deadline of the call that is running; 0 if
	 * it has passed.  What waits for the network waits no longer.
	 */
	int64_t (*time_left)(struct mr_ctx *);

	/* 0.2 ends here. */
};

#if defined(__GNUC__)
#define MR_EXPORT __attribute__((visibility("default")))
#else
#define MR_EXPORT
#endif

#define MR_PLUGIN(id)                                                          \
	extern MR_EXPORT const struct mr_plugin mr_plugin_##id;                \
	MR_EXPORT const struct mr_plugin mr_plugin_##id

#define MR_PLUGIN_HEAD                                                         \
	.abi = MR_ABI, .size = sizeof(struct mr_plugin),                       \
	.option_size = sizeof(struct mr_option)

#endif
