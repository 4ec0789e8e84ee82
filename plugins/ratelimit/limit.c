/* SPDX-License-Identifier: Apache-2.0 */
#include "limit.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const unit_names[LIMIT_UNITS] = {
	[LIMIT_MESSAGES] = "messages",
	[LIMIT_RECIPIENTS] = "recipients",
	[LIMIT_BYTES] = "bytes",
	[LIMIT_DISTINCT] = "distinct recipients",
	[LIMIT_FAILED] = "failed recipients",
};

/* As written, singular too. */
static const struct {
	const char *word;
	enum limit_unit unit;
	int64_t factor;
} units[] = {
	{ "messages", LIMIT_MESSAGES, 1 },
	{ "message", LIMIT_MESSAGES, 1 },
	{ "recipients", LIMIT_RECIPIENTS, 1 },
	{ "recipient", LIMIT_RECIPIENTS, 1 },
	{ "distinct recipients", LIMIT_DISTINCT, 1 },
	{ "distinct recipient", LIMIT_DISTINCT, 1 },
	{ "failed recipients", LIMIT_FAILED, 1 },
	{ "failed recipient", LIMIT_FAILED, 1 },
	{ "bytes", LIMIT_BYTES, 1 },
	{ "B", LIMIT_BYTES, 1 },
	{ "KB", LIMIT_BYTES, 1 << 10 },
	{ "MB", LIMIT_BYTES, 1 << 20 },
	{ "GB", LIMIT_BYTES, 1 << 30 },
	{ "TB", LIMIT_BYTES, INT64_C(1) << 40 },
};

static const struct {
	char letter;
	int64_t seconds;
} periods[] = {
	{ 'd', 86400 },
	{ 'h', 3600 },
	{ 'm', 60 },
	{ 's', 1 },
};

enum { UNIT_ROWS = sizeof(units) / sizeof(units[0]) };
enum { PERIOD_ROWS = sizeof(periods) / sizeof(periods[0]) };

static const char form[] =
    "write it like \"100 messages / 1h\", \"2 GB / 1d\" or \"rate 2 messages "
    "/ 1s burst 10\"";

static void
skip_blanks(const char **at)
{
	*at += strspn(*at, " \t");
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* A whole word, in any case; blanks after it are skipped. */
static bool
take_word(const char **at, const char *word)
{
	size_t n = strlen(word);

	if (strncasecmp(*at, word, n) != 0 || is_letter((*at)[n]))
		return false;
	*at += n;
	skip_blanks(at);
	return true;
}

/* Digits; false if there are none or it is more than most. */
static bool
take_number(const char **at, int64_t most, int64_t *number)
{
	const char *p = *at;
	int64_t n = 0;

	if (*p < '0' || *p > '9')
		return false;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (n > (most - (*p - '0')) / 10)
			return false;
		n = n * 10 + (*p - '0');
	}
	*number = n;
	*at = p;
	return true;
}

/* Two words may have any blanks between them. */
static bool
take_unit_word(const char **at, const char *words)
{
	const char *from = *at, *second = strchr(words, ' ');
	char first[16];

	if (second == NULL)
		return take_word(at, words);
	snprintf(first, sizeof(first), "%.*s", (int)(second - words), words);
	if (take_word(at, first) && take_word(at, second + 1))
		return true;
	*at = from;
	return false;
}

static bool
take_unit(const char **at, enum limit_unit *unit, int64_t *factor)
{
	for (int i = 0; i < UNIT_ROWS; i++)
		if (take_unit_word(at, units[i].word)) {
			*unit = units[i].unit;
			*factor = units[i].factor;
			return true;
		}
	return false;
}

static const char *
take_period(const char **at, struct limit *l)
{
	int64_t number = 1, seconds = 0;

	if (**at != '/')
		return form;
	++*at;
	skip_blanks(at);
	if (**at >= '0' && **at <= '9' &&
	    !take_number(at, LIMIT_SECONDS_MOST, &number))
		return "the period is longer than 400d";
	for (int i = 0; i < PERIOD_ROWS; i++)
		if (**at == periods[i].letter && !is_letter((*at)[1]))
			seconds = periods[i].seconds;
	if (seconds == 0)
		return "the period needs a unit; write it like 30s, 10m, 1h "
		       "or 7d";
	++*at;
	skip_blanks(at);
	if (number < 1 || number > LIMIT_SECONDS_MOST / seconds)
		return "the period must be 1s to 400d";
	l->period_ms = number * seconds * 1000;
	return NULL;
}

static const char *
take_amount(const char **at, struct limit *l)
{
	int64_t factor;

	if (!take_number(at, LIMIT_AMOUNT_MOST, &l->amount))
		return **at >= '0' && **at <= '9'
			   ? "the amount is too large; the most is 2^40, 1 TB"
			   : form;
	skip_blanks(at);
	if (!take_unit(at, &l->unit, &factor))
		return "the unit must be messages, recipients, distinct "
		       "recipients, failed recipients, bytes, KB, MB or GB";
	if (l->amount > LIMIT_AMOUNT_MOST / factor)
		return "the amount is too large; the most is 2^40, 1 TB";
	l->amount *= factor;
	return NULL;
}

static const char *
take_rate(const char **at, struct limit *l)
{
	if (l->amount == 0)
		return "a rate of 0 never lets anything through; write \"0 "
		       "messages / 1h\"";
	if (l->unit == LIMIT_DISTINCT)
		return "distinct recipients have no rate; write \"100 distinct "
		       "recipients / 1d\"";
	l->burst = l->amount;
	if (take_word(at, "burst")) {
		if (!take_number(at, LIMIT_AMOUNT_MOST, &l->burst) ||
		    l->burst == 0)
			return "after burst comes a number from 1";
		skip_blanks(at);
	}
	/* The store counts in units times milliseconds. */
	if (l->burst > LIMIT_RATE_MOST / l->period_ms)
		return "the burst is too large for so long a period";
	return NULL;
}

static const char *
take_unlimited(const char **at, struct limit *l)
{
	int64_t factor;

	l->what = LIMIT_UNLIMITED;
	l->amount = -1;
	if (**at == ',' || **at == '\0')
		return NULL;
	if (!take_unit(at, &l->unit, &factor) || factor != 1)
		return "write \"unlimited\", or what, as in \"unlimited "
		       "messages / 1h\"";
	return take_period(at, l);
}

/* Its text takes all that is left, commas and all. */
static const char *
take_blocked(const char **at, struct limit *l)
{
	l->what = LIMIT_BLOCKED;
	l->text = *at;
	l->text_bytes = strlen(*at);
	*at += l->text_bytes;
	while (l->text_bytes > 0 && (l->text[l->text_bytes - 1] == ' ' ||
					l->text[l->text_bytes - 1] == '\t'))
		l->text_bytes--;
	if (l->text_bytes > 400)
		return "the text is longer than 400 bytes";
	for (size_t i = 0; i < l->text_bytes; i++)
		if (l->text[i] < ' ' || l->text[i] > '~')
			return "the text must be printable ASCII";
	return NULL;
}

/* "domain:" in front says which key's limit it is. */
static void
take_key(const char **at, struct limit *l)
{
	const char *p = *at;
	size_t n = 0;

	while (is_letter(p[n]) || (n > 0 && ((p[n] >= '0' && p[n] <= '9') ||
						p[n] == '-' || p[n] == '_')))
		n++;
	if (n == 0 || p[n] != ':')
		return;
	l->key = p;
	l->key_bytes = n;
	*at += n + 1;
	skip_blanks(at);
}

static const char *
take_item(const char **at, struct limit *l)
{
	const char *why;
	bool rate;

	take_key(at, l);
	if (take_word(at, "unlimited"))
		return take_unlimited(at, l);
	if (take_word(at, "blocked"))
		return take_blocked(at, l);
	rate = take_word(at, "rate");
	l->what = rate ? LIMIT_RATE : LIMIT_WINDOW;
	if ((why = take_amount(at, l)) != NULL ||
	    (why = take_period(at, l)) != NULL)
		return why;
	return rate ? take_rate(at, l) : NULL;
}

const char *
limit_next(const char **at, struct limit *out)
{
	struct limit l = { .key = "", .text = "" };
	const char *why;

	skip_blanks(at);
	if (**at == '\0') {
		l.what = LIMIT_END;
		*out = l;
		return NULL;
	}
	if ((why = take_item(at, &l)) != NULL)
		return why;
	if (**at != '\0' && **at != ',')
		return form;
	if (**at == ',') {
		++*at;
		skip_blanks(at);
		if (**at == '\0')
			return "there is nothing after the last comma";
	}
	*out = l;
	return NULL;
}

const char *
limit_fault(const char *text)
{
	struct limit l;
	const char *why;

	if (text[strspn(text, " \t")] == '\0')
		return form;
	do {
		if ((why = limit_next(&text, &l)) != NULL)
			return why;
	} while (l.what != LIMIT_END);
	return NULL;
}

const char *
limit_unit_name(enum limit_unit unit)
{
	return unit_names[unit];
}

void
limit_print_period(char out[LIMIT_PRINT_BYTES], int64_t period_ms)
{
	int64_t seconds = period_ms / 1000;

	for (int i = 0; i < PERIOD_ROWS; i++)
		if (seconds % periods[i].seconds == 0) {
			snprintf(out, LIMIT_PRINT_BYTES, "%lld%c",
			    (long long)(seconds / periods[i].seconds),
			    periods[i].letter);
			return;
		}
}

/* The largest unit that says it exactly. */
void
limit_print_amount(
    char out[LIMIT_PRINT_BYTES], enum limit_unit unit, int64_t amount)
{
	const char *word = unit_names[unit];
	int64_t factor = 1;
	bool one = amount == 1 && unit != LIMIT_BYTES;

	for (int i = 0; i < UNIT_ROWS; i++)
		if (unit == LIMIT_BYTES && units[i].unit == unit &&
		    units[i].factor > factor && amount > 0 &&
		    amount % units[i].factor == 0) {
			word = units[i].word;
			factor = units[i].factor;
		}
	snprintf(out, LIMIT_PRINT_BYTES, "%lld %.*s",
	    (long long)(amount / factor), (int)(strlen(word) - one), word);
}

void
limit_print(char out[LIMIT_PRINT_BYTES], const struct limit *l)
{
	char amount[LIMIT_PRINT_BYTES], period[LIMIT_PRINT_BYTES];
	char burst[40] = "";

	if (l->what == LIMIT_UNLIMITED && l->period_ms == 0) {
		snprintf(out, LIMIT_PRINT_BYTES, "unlimited");
		return;
	}
	limit_print_period(period, l->period_ms);
	if (l->amount < 0)
		snprintf(amount, sizeof(amount), "unlimited %s",
		    unit_names[l->unit]);
	else
		limit_print_amount(amount, l->unit, l->amount);
	if (l->what == LIMIT_RATE)
		snprintf(
		    burst, sizeof(burst), " burst %lld", (long long)l->burst);
	snprintf(out, LIMIT_PRINT_BYTES, "%s%.40s / %.20s%s",
	    l->what == LIMIT_RATE ? "rate " : "", amount, period, burst);
}
