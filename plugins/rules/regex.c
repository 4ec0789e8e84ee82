/* SPDX-License-Identifier: Apache-2.0 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "regex.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * Places of a text that are tried before the clock is asked: a pattern may
 * stay just under its limit of steps at each of them.
 */
enum { WINDOW = 2048, STACK_FIRST = 64 * 1024, STACK_LAST = 512 * 1024 };
enum { DEPTH = 2000, HEAP_KB = 4096 };

struct regex {
	pcre2_code *code;
	struct regex_text text;
};

struct regex_run {
	struct regex_limits limits;
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
};

static const struct {
	char flag;
	uint32_t option;
} flags[] = {
	{ 'i', PCRE2_CASELESS },
	{ 'm', PCRE2_MULTILINE },
	{ 's', PCRE2_DOTALL },
	{ 'x', PCRE2_EXTENDED },
	{ 'u', PCRE2_UTF | PCRE2_UCP },
};

/* The next "/" that no backslash stands before. */
static const char *
closing_slash(const char *p)
{
	while (*p != '\0' && *p != '/')
		p += *p == '\\' && p[1] != '\0' ? 2 : 1;
	return *p == '/' ? p : NULL;
}

static bool
read_flags(const char **at, uint32_t *options)
{
	const char *p = *at;

	for (; *p >= 'a' && *p <= 'z'; p++) {
		size_t i = 0;

		while (
		    i < sizeof(flags) / sizeof(flags[0]) && flags[i].flag != *p)
			i++;
		if (i == sizeof(flags) / sizeof(flags[0]))
			return false;
		*options |= flags[i].option;
	}
	*at = p;
	return true;
}

static bool
is_ascii(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] >= 0x80)
			return false;
	return true;
}

static struct regex *
compile(struct pool *pool, const char *pattern, size_t n, uint32_t options,
    const char **why)
{
	struct regex *r = calloc(1, sizeof(*r));
	PCRE2_UCHAR text[200];
	size_t at;
	int error;

	if (r == NULL)
		abort();
	if (!is_ascii(pattern, n))
		options |= PCRE2_UTF | PCRE2_UCP;
	r->code = pcre2_compile((PCRE2_SPTR)pattern, n,
	    options | PCRE2_USE_OFFSET_LIMIT | PCRE2_NEVER_BACKSLASH_C, &error,
	    &at, NULL);
	if (r->code == NULL) {
		pcre2_get_error_message(error, text, sizeof(text));
		*why = pool_printf(pool,
		    "the pattern is wrong at \"%.30s\": %s",
		    at < n ? pool_copy(pool, pattern + at, n - at) : "its end",
		    (const char *)text);
		free(r);
		return NULL;
	}
	/* Without a compiler for this machine it is interpreted. */
	pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
	pcre2_pattern_info(r->code, PCRE2_INFO_ALLOPTIONS, &options);
	r->text = (struct regex_text){ .p = pool_copy(pool, pattern, n),
		.n = n,
		.caseless = options & PCRE2_CASELESS,
		.multiline = options & PCRE2_MULTILINE,
		.dotall = options & PCRE2_DOTALL,
		.extended = options & PCRE2_EXTENDED,
		.utf = options & PCRE2_UTF };
	return r;
}

struct regex *
regex_parse(
    struct pool *pool, const char *text, const char **end, const char **why)
{
	uint32_t options = 0;
	const char *close, *after;

	if (*text != '/') {
		*why = "a pattern must begin here, as in /free.{0,9}money/i";
		return NULL;
	}
	if ((close = closing_slash(text + 1)) == NULL) {
		*why = "the pattern has no \"/\" at its end; a \"/\" within "
		       "it is written as \"\\/\"";
		return NULL;
	}
	after = close + 1;
	if (!read_flags(&after, &options)) {
		*why = "flags after the pattern can be i, m, s, x and u";
		return NULL;
	}
	*end = after;
	return compile(
	    pool, text + 1, (size_t)(close - text - 1), options, why);
}

void
regex_destroy(struct regex **regex)
{
	if (*regex == NULL)
		return;
	pcre2_code_free((*regex)->code);
	free(*regex);
	*regex = NULL;
}

const struct regex_text *
regex_text(const struct regex *r)
{
	return &r->text;
}

bool
regex_literals(const struct regex *r, struct literals out[LITERAL_SETS])
{
	unsigned how = (r->text.utf ? LITERAL_UTF : 0) |
		       (r->text.caseless ? LITERAL_CASELESS : 0);

	return !r->text.extended &&
	       literal_extract(r->text.p, r->text.n, how, out);
}

struct regex_run *
regex_run_create(const struct regex_limits *limits)
{
	struct regex_run *r = calloc(1, sizeof(*r));

	if (r == NULL)
		abort();
	r->limits = *limits;
	r->data = pcre2_match_data_create(1, NULL);
	r->context = pcre2_match_context_create(NULL);
	if (r->data == NULL || r->context == NULL)
		abort();
	pcre2_set_match_limit(r->context, limits->match);
	pcre2_set_depth_limit(r->context, DEPTH);
	pcre2_set_heap_limit(r->context, HEAP_KB);
	return r;
}

/*
 * Without a stack of its own the code uses 32 KB of the thread's.  Hardly a
 * text needs more, and a mapping for each message is made and undone by all
 * processors.
 */
static bool
take_larger_stack(struct regex_run *r)
{
	if (r->stack != NULL)
		return false;
	r->stack = pcre2_jit_stack_create(STACK_FIRST, STACK_LAST, NULL);
	if (r->stack != NULL)
		pcre2_jit_stack_assign(r->context, NULL, r->stack);
	return r->stack != NULL;
}

void
regex_run_destroy(struct regex_run **run)
{
	struct regex_run *r = *run;

	if (r == NULL)
		return;
	pcre2_match_data_free(r->data);
	pcre2_match_context_free(r->context);
	if (r->stack != NULL)
		pcre2_jit_stack_free(r->stack);
	free(r);
	*run = NULL;
}

static bool
is_late(const struct regex_run *r)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 >
	       r->limits.until_us;
}

enum regex_result
regex_match(struct regex_run *r, const struct regex *regex, const char *text,
    size_t n, size_t *from, size_t *to)
{
	size_t at = 0;
	uint32_t checked = 0;
	int rc;

	/* From window to window, for the clock's sake. */
	for (;;) {
		if (is_late(r))
			return REGEX_LATE;
		pcre2_set_offset_limit(r->context, at + WINDOW);
		rc = pcre2_match(regex->code, (PCRE2_SPTR)text, n, at, checked,
		    r->data, r->context);
		if (rc == PCRE2_ERROR_JIT_STACKLIMIT && take_larger_stack(r))
			continue;
		if (rc != PCRE2_ERROR_NOMATCH)
			break;
		/* Into the next, but not into the middle of a character. */
		at += WINDOW + 1;
		while (regex->text.utf && at < n &&
		       ((unsigned char)text[at] & 0xc0) == 0x80)
			at++;
		checked = PCRE2_NO_UTF_CHECK;
		if (at > n)
			return REGEX_NO;
	}
	if (rc < 0)
		return rc <= PCRE2_ERROR_UTF8_ERR1 &&
			       rc >= PCRE2_ERROR_UTF8_ERR21
			   ? REGEX_NO
			   : REGEX_LIMIT;
	*from = pcre2_get_ovector_pointer(r->data)[0];
	*to = pcre2_get_ovector_pointer(r->data)[1];
	/* "\K" in a lookahead may turn them round. */
	if (*from > *to)
		*from = *to;
	return REGEX_YES;
}
