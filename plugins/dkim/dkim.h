/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the plugin share: options, services, an instance. */
#ifndef DKIM_DKIM_H
#define DKIM_DKIM_H

#include <millrace/address.h>
#include <millrace/dns.h>
#include <millrace/map.h>
#include <millrace/plugin.h>
#include <millrace/store.h>

#include "keyring.h"
#include "sign.h"
#include "verify.h"

/* What a message comes to: one of verify_result, or unsigned. */
enum { OUTCOME_NONE = VERIFY_RESULTS, OUTCOMES };

enum action {
	ACTION_ACCEPT,
	ACTION_SCORE,
	ACTION_QUARANTINE,
	ACTION_TEMPFAIL,
	ACTION_REJECT
};

enum { DKIM_MS_PER_S = 1000 };

enum select_by { SELECT_FROM, SELECT_SENDER, SELECT_LOGIN };

struct dkim_conf {
	bool sign;
	/* verify */
	int64_t actions[OUTCOMES]; /* enum action; that of pass is not used */
	double scores[OUTCOMES];
	const struct mr_map *required;
	int64_t required_action;
	double required_score;
	int64_t min_key_bits, max_signatures, max_signature_size;
	bool allow_appended;
	/* sign */
	const char *keys;
	int64_t select; /* enum { DKIM_MS_PER_S = 1000 };

enum select_by */
	const struct mr_map *sign_clients;
	int64_t canonicalization;
	const struct mr_list *sign_headers, *oversign;
	int64_t expire, publish_wait, retire_after; /* milliseconds */
};

struct dkim {
	const struct dkim_conf *conf;
	const struct mr_host *host;
	const struct mr_map_service *map;
	const struct mr_dns_service *dns;
	const struct mr_address_service *address;
	const struct mr_store_service *store; /* NULL: there is none */
	struct verifier *verifier;            /* if it verifies */
	struct keyring ring;                  /* if it signs */
	struct sign_rules rules;
	_Atomic int64_t *seen; /* for each key of ring; see publish.h */
};

struct dkim_message {
	struct verify_field *fields; /* as the mail came */
	uint32_t nfields;
	struct verify_signature *signatures;
	uint32_t count;
	uint32_t over; /* signatures that are passed over */
	bool read;
};

/* The header as it is now; memory of the message. */
struct verify_field *dkim_fields(struct mr_ctx *, uint32_t *count);

/* [session] The stages of one that verifies, and of one that signs. */
mr_verdict check_on_eoh(struct mr_ctx *);
mr_verdict check_on_eom(struct mr_ctx *);
mr_verdict signer_on_eoh(struct mr_ctx *);
mr_verdict signer_on_eom(struct mr_ctx *);

/* [main] Read and check what signing needs; faults are told to the host. */
bool signer_open(struct dkim *);

extern const struct mr_command dkim_commands[];

#endif
