/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/nearest.h"
#include "config/config.h"
#include "config/scan.h"
#include "config/value.h"

struct unit {
	const char *name;
	int64_t factor;
};

/* From the largest down: the first that divides a number writes it. */
static const struct unit duration_units[] = {
	{ "d", INT64_C(24) * 60 * 60 * 1000 },
	{ "h", INT64_C(60) * 60 * 1000 },
	{ "m", INT64_C(60) * 1000 },
	{ "s", 1000 },
	{ "ms", 1 },
	{ NULL, 0 },
};

static const struct unit size_units[] = {
	{ "T", INT64_C(1) << 40 },
	{ "G", INT64_C(1) << 30 },
	{ "M", INT64_C(1) << 20 },
	{ "K", INT64_C(1) << 10 },
	{ "", 1 },
	{ NULL, 0 },
};

static const struct {
	const char *name;
	bool value;
} bools[] = {
	{ "true", true },
	{ "yes", true },
	{ "on", true },
	{ "false", false },
	{ "no", false },
	{ "off", false },
};

bool
value_bool(const char *text, bool *out, char **why)
{
	for (size_t i = 0; i < sizeof(bools) / sizeof(bools[0]); i++) {
		if (strcasecmp(text, bools[i].name) != 0)
			continue;
		*out = bools[i].value;
		return true;
	}
	*why = memory_printf("\"%s\" is neither true nor false", text);
	return false;
}

bool
value_choice_next(struct span *choices, struct span *choice)
{
	if (choices->n == 0)
		return false;
	*choice = span_cut(choices, '|');
	return true;
}

static char *
bad_choice(const char *choices, const char *text)
{
	struct nearest near = { .wrong = text };
	struct span rest = span_of(choices), one;
	char *names[64], *why;
	struct buf list = { 0 };
	size_t n = 0;

	while (n < 64 && value_choice_next(&rest, &one)) {
		names[n] = memory_printf("%.*s", (int)one.n, one.p);
		buf_printf(&list, "%s%s", n > 0 ? ", " : "", names[n]);
		nearest_offer(&near, names[n++]);
	}
	why =
	    near.best != NULL
		? memory_printf("\"%s\" is not one of %s; did you mean \"%s\"?",
		      text, list.p, near.best)
		: memory_printf("\"%s\" is not one of %s", text, list.p);
	buf_finish(&list);
	while (n > 0)
		free(names[--n]);
	return why;
}

static bool
choice(const struct mr_option *o, const char *text, int64_t *out, char **why)
{
	struct span rest = span_of(o->choices), one;

	for (int64_t i = 0; value_choice_next(&rest, &one); i++)
		if (span_equal(one, span_of(text))) {
			*out = i;
			return true;
		}
	*why = bad_choice(o->choices, text);
	return false;
}

static bool
digits(const char *text, int base, const char **end, int64_t *out)
{
	char *stop;

	if (!isdigit((unsigned char)text[text[0] == '-']))
		return false;
	errno = 0;
	*out = strtoll(text, &stop, base);
	*end = stop;
	return errno == 0;
}

static bool
with_unit(const struct unit *units, const char *text, int64_t *out)
{
	const char *end;
	int64_t n;

	if (text[0] == '-' || !digits(text, 10, &end, &n))
		return false;
	if (n == 0 && *end == '\0') {
		*out = 0;
		return true;
	}
	for (; units->name != NULL; units++)
		if (strcasecmp(units->name, end) == 0)
			return !__builtin_mul_overflow(n, units->factor, out);
	return false;
}

static bool
parse_number(const struct mr_option *o, const char *text, int64_t *out)
{
	const char *end;

	switch (o->type) {
	case MR_DURATION:
		return with_unit(duration_units, text, out);
	case MR_SIZE:
		return with_unit(size_units, text, out);
	case CONFIG_OCTAL:
		return text[0] != '-' && digits(text, 8, &end, out) &&
		       *end == '\0';
	default:
		return digits(text, 10, &end, out) && *end == '\0';
	}
}

static const char *
cure(mr_type type)
{
	switch (type) {
	case MR_DURATION:
		return "a duration: write 300ms, 5s, 2m, 1h or 1d";
	case MR_SIZE:
		return "a size: write 100, 64K, 10M or 2G";
	case CONFIG_OCTAL:
		return "a file mode: write \"0660\"";
	case MR_REAL:
		return "a number: write 2 or 2.5";
	default:
		return "a whole number: write 20";
	}
}

static char *
out_of_range(const struct mr_option *o, const char *text)
{
	struct buf range = { 0 };
	char *why;

	if (o->max == INT64_MAX)
		buf_text(&range, "at least ");
	value_print_number(o, o->min, &range);
	if (o->max != INT64_MAX) {
		buf_text(&range, " to ");
		value_print_number(o, o->max, &range);
	}
	why = memory_printf("%s is out of range: %s", text, range.p);
	buf_finish(&range);
	return why;
}

static bool
bounded(const struct mr_option *o)
{
	return o->min != 0 || o->max != 0;
}

bool
value_number(
    const struct mr_option *o, const char *text, int64_t *out, char **why)
{
	int64_t n;

	if (o->type == MR_CHOICE)
		return choice(o, text, out, why);
	if (!parse_number(o, text, &n)) {
		*why = memory_printf("\"%s\" is not %s", text, cure(o->type));
		return false;
	}
	if (bounded(o) && (n < o->min || n > o->max)) {
		*why = out_of_range(o, text);
		return false;
	}
	*out = n;
	return true;
}

bool
value_real(const struct mr_option *o, const char *text, double *out, char **why)
{
	char *end;
	double d = strtod(text, &end);

	/* no hex, no "inf", no blanks: only what a person would write */
	if (text[0] == '\0' || text[strspn(text, "0123456789.eE+-")] != '\0' ||
	    *end != '\0' || !isfinite(d)) {
		*why = memory_printf("\"%s\" is not %s", text, cure(MR_REAL));
		return false;
	}
	if (bounded(o) && (d < (double)o->min || d > (double)o->max)) {
		*why = out_of_range(o, text);
		return false;
	}
	*out = d;
	return true;
}

void
value_print_bool(bool b, struct buf *out)
{
	buf_text(out, b ? "true" : "false");
}

static void
print_unit(const struct unit *units, int64_t n, struct buf *out)
{
	/* 0 is 0 of the smallest unit: "0ms" would do, "0d" would puzzle */
	while (units[1].name != NULL && (n == 0 || n % units->factor != 0))
		units++;
	buf_printf(out, "%" PRId64 "%s", n / units->factor, units->name);
}

static void
print_choice(const char *choices, int64_t n, struct buf *out)
{
	struct span rest = span_of(choices), one = { 0 };

	for (int64_t i = 0; i <= n; i++)
		if (!value_choice_next(&rest, &one))
			return;
	buf_put(out, one.p, one.n);
}

void
value_print_number(const struct mr_option *o, int64_t n, struct buf *out)
{
	switch (o->type) {
	case MR_DURATION:
		print_unit(duration_units, n, out);
		break;
	case MR_SIZE:
		print_unit(size_units, n, out);
		break;
	case MR_CHOICE:
		print_choice(o->choices, n, out);
		break;
	case CONFIG_OCTAL:
		buf_printf(out, "%04" PRIo64, (uint64_t)n);
		break;
	default:
		buf_printf(out, "%" PRId64, n);
	}
}

void
value_print_real(double d, struct buf *out)
{
	char *text = memory_printf("%.15g", d);

	if (strtod(text, NULL) != d) {
		free(text);
		text = memory_printf("%.17g", d);
	}
	/* "1e+20" would need quotes */
	if (strchr(text, '+') != NULL)
		scan_encode(text, out);
	else
		buf_text(out, text);
	free(text);
}
