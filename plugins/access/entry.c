/* SPDX-License-Identifier: Apache-2.0 */
#include "entry.h"

#include <ctype.h>
#include <string.h>

/* Cut the next word off; n is 0 at the end. */
static const char *
next_word(const char **at, size_t *n)
{
	const char *word = *at + strspn(*at, " \t");

	*n = strcspn(word, " \t");
	*at = word + *n;
	return word;
}

static bool
all_digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return n > 0;
}

/* Three numbers apart by dots; whether they are right is for later. */
static bool
looks_like_dsn(const char *s, size_t n)
{
	int dots = 0;

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '.')
			dots++;
		else if (s[i] < '0' || s[i] > '9')
			return false;
	}
	return dots == 2 && n > 2;
}

/* RFC 3463, section 2: class 1 digit, subject and detail 1 to 3. */
static bool
dsn_ok(const char *s, size_t n)
{
	static const size_t most[] = { 1, 3, 3 };

	for (int part = 0; part < 3; part++) {
		size_t len = 0;

		while (len < n && s[len] != '.')
			len++;
		if (len < 1 || len > most[part])
			return false;
		if (len > 1 && s[0] == '0')
			return false;
		s += len;
		n -= len;
		if (n > 0) {
			s++;
			n--;
		}
	}
	return n == 0;
}

static const char *
parse_code(const char **rest, struct entry_reply *r)
{
	const char *at = *rest, *word;
	size_t n;

	word = next_word(&at, &n);
	if (n != 3 || !all_digits(word, n)) {
		if (looks_like_dsn(word, n))
			return "a status such as 5.7.1 goes after a code, "
			       "as in \"550 5.7.1 No\"";
		return NULL;
	}
	if (word[0] != '4' && word[0] != '5')
		return "a reply code must be 400 to 599; "
		       "put the code first, as in \"550 5.7.1 No\"";
	r->code = (word[0] - '0') * 100 + (word[1] - '0') * 10 + word[2] - '0';
	*rest = at;
	word = next_word(&at, &n);
	if (!looks_like_dsn(word, n))
		return NULL;
	if (!dsn_ok(word, n))
		return "the status after the code must look like 5.7.1";
	if (word[0] - '0' != r->code / 100)
		return "the code and the status after it must begin with "
		       "the same digit";
	memcpy(r->dsn, word, n);
	r->dsn[n] = '\0';
	*rest = at;
	return NULL;
}

static const char *
check_text(const char *text)
{
	if (strlen(text) > ENTRY_TEXT_BYTES)
		return "the text is longer than 900 bytes; shorten it";
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			return "the text must be printable ASCII";
	return NULL;
}

const char *
entry_reply_parse(const char *value, struct entry_reply *reply)
{
	struct entry_reply r = { 0 };
	const char *rest = value, *why;

	if ((why = parse_code(&rest, &r)) != NULL)
		return why;
	r.text = rest + strspn(rest, " \t");
	if ((why = check_text(r.text)) != NULL)
		return why;
	*reply = r;
	return NULL;
}

/* By hand: strtod() knows hex, nan, inf and the locale's decimal point. */
bool
entry_score_parse(const char *value, double *score)
{
	const char *p = value;
	double number = 0, unit = 1;
	bool minus = *p == '-', any = false;

	if (*p == '-' || *p == '+')
		p++;
	for (; isdigit((unsigned char)*p); p++, any = true)
		number = number * 10 + (*p - '0');
	if (*p == '.')
		for (p++; isdigit((unsigned char)*p); p++, any = true)
			number += (*p - '0') * (unit /= 10);
	if (!any || *p != '\0' || number > 1000)
		return false;
	*score = minus ? -number : number;
	return true;
}
