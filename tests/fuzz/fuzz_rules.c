/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: a rule file, a line "%%", and a text.  It is read as one of ours and
 * as one of SpamAssassin's, and the prefilter must let each pattern pass that
 * matches the text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../plugins/rules/date.h"
#include "../../plugins/rules/fold.h"
#include "../../plugins/rules/rules.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_rule(const struct rule *r, const char *text)
{
	const struct regex_limits limits = { 1000, INT64_MAX };
	struct prefilter_entry e = { 0, r->regex, false };
	struct prefilter *f = r->regex != NULL ? prefilter_create(&e, 1) : NULL;
	struct regex_run *run = regex_run_create(&limits);
	bool seen = false;
	size_t from, to;

	if (f != NULL) {
		prefilter_scan(f, text, strlen(text), &seen);
		if (regex_match(run, r->regex, text, strlen(text), &from,
			&to) == REGEX_YES &&
		    !seen)
			abort();
	}
	regex_run_destroy(&run);
	prefilter_destroy(&f);
}

static void
check_rules(const char *file, const char *text)
{
	struct rules rules = { .count = 0 };

	rules_parse(&rules, "f", file);
	rules_finish_loading(&rules);
	for (size_t i = 0; i < rules.count && i < 20; i++)
		check_rule(&rules.items[i], text);
	rules_finish(&rules);
}

/* What is made of their rules must be rules of ours. */
static void
check_import(const char *file)
{
	struct rules rules = { .count = 0 };
	struct import in;

	import_rules(&in, "f", file);
	rules_parse(&rules, "f", in.rules);
	if (rules.nerrors > 0)
		abort();
	rules_finish(&rules);
	free(in.rules);
	free(in.report);
}

static void
check_text(const char *text)
{
	char out[64];
	time_t when;

	date_parse(text, &when);
	if (fold_text(out, sizeof(out), text, strlen(text)) >= sizeof(out))
		abort();
	if (fold_label(out, sizeof(out), text) >= sizeof(out))
		abort();
	fold_mixed_words(text, strlen(text));
	fold_distance(text, out, 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *file = malloc(size + 1), *text;

	memcpy(file, data, size);
	file[size] = '\0';
	text = strstr(file, "%%\n");
	if (text != NULL) {
		*text = '\0';
		text += 3;
	} else {
		text = file + strlen(file);
	}
	check_rules(file, text);
	check_import(file);
	check_text(text);
	free(file);
	return 0;
}
