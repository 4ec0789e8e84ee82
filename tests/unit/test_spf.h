/* SPDX-License-Identifier: Apache-2.0 */
/* The whole plugin on the fake host, with a zone to ask: for test_spf*.c. */
#ifndef TEST_SPF_H
#define TEST_SPF_H

#include <millrace/fake.h>

#include "../../plugins/spf/act.c"
#include "../../plugins/spf/address.c"
#include "../../plugins/spf/check.c"
#include "../../plugins/spf/conf.c"
#include "../../plugins/spf/domain.c"
#include "../../plugins/spf/engine.c"
#include "../../plugins/spf/eval.c"
#include "../../plugins/spf/lookup.c"
#include "../../plugins/spf/macro.c"
#include "../../plugins/spf/names.c"
#include "../../plugins/spf/policy.c"
#include "../../plugins/spf/received.c"
#include "../../plugins/spf/record.c"
#include "../../plugins/spf/result.c"
#include "../../plugins/spf/rewrite.c"
#include "../../plugins/spf/spf.c"
#include "../../plugins/spf/text.c"
#include "../../plugins/spf/words.c"

enum { OPTIONS = 6 };

/* A domain for each result; the client 192.0.2.7 is h.example. */
MR_FAKE void
put_zone(struct fake *f)
{
	static const struct {
		const char *name;
		mr_dns_type type;
		const char *text;
	} rows[] = {
		{ "pass.example", MR_DNS_TXT, "v=spf1 ip4:192.0.2.0/24 -all" },
		{ "fail.example", MR_DNS_TXT, "v=spf1 -all" },
		{ "exp.example", MR_DNS_TXT,
		    "v=spf1 redirect=%{l}.exp.example" },
		{ "user.exp.example", MR_DNS_TXT,
		    "v=spf1 mx -all exp=why.exp.example" },
		{ "why.exp.example", MR_DNS_TXT, "%{i} is not %{o}'s, %{r}" },
		{ "softfail.example", MR_DNS_TXT, "v=spf1 ~all" },
		{ "neutral.example", MR_DNS_TXT,
		    "v=spf1 include:fail.example" },
		{ "none.example", MR_DNS_TXT, "other text" },
		{ "none.example", MR_DNS_A, "192.0.2.9" },
		{ "permerror.example", MR_DNS_TXT, "v=spf1 a:museum" },
		{ "h.example", MR_DNS_TXT, "v=spf1 a -all" },
		{ "h.example", MR_DNS_A, "192.0.2.7" },
		{ "forger.example", MR_DNS_TXT, "v=spf1 a -all" },
		{ "forger.example", MR_DNS_A, "198.51.100.9" },
		{ "forwarder.example", MR_DNS_TXT,
		    "v=spf1 ?include:none.example include:pass.example" },
		{ "forwarder.example", MR_DNS_TXT, "v=spf2.0/pra" },
		{ "net.example", MR_DNS_TXT, "v=spf1 include:pass.example" },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		fake_dns(f, rows[i].name, rows[i].type, rows[i].text);
	fake_dns_status(f, "temperror.example", MR_DNS_TXT, MR_DNS_TEMPFAIL);
}

struct story {
	const char *about;
	struct {
		const char *name, *text;
	} set[OPTIONS];
	const char *client; /* NULL: 192.0.2.7 */
	const char *helo;   /* NULL: none was said */
	const char *sender;
	mr_verdict want; /* at mail; MR_SKIP: it is done */
	const char *lines;
};

MR_FAKE void
start(struct fake *f, const struct story *s)
{
	fake_init(f, &mr_plugin_spf);
	fake_macro(f, "j", "mx.example.com");
	f->client.addr = s->client != NULL ? s->client : "192.0.2.7";
	for (size_t i = 0; i < OPTIONS && s->set[i].name != NULL; i++)
		fake_set(f, s->set[i].name, s->set[i].text);
	put_zone(f);
	if (!fake_open(f))
		fail_msg("%s: %s", s->about, fake_transcript(f));
	fake_forget(f);
}

#endif
