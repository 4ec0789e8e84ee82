/* SPDX-License-Identifier: Apache-2.0 */
#include "service/dns_servers.h"

#include <stdlib.h>
#include <string.h>

static struct span
word_of(struct span *line)
{
	struct span word = { line->p, 0 };

	while (word.n < line->n && line->p[word.n] != ' ' &&
	       line->p[word.n] != '\t')
		word.n++;
	line->p += word.n;
	line->n -= word.n;
	*line = span_trim(*line);
	return word;
}

/* As resolv.conf writes it: a colon and a port are not known there. */
static bool
parse_server(struct span word, char out[CONFIG_DNS_SERVER])
{
	char text[CONFIG_DNS_SERVER], *why = NULL;
	bool ok;

	if (word.n == 0 || word.n >= sizeof(text) ||
	    memchr(word.p, '\0', word.n) != NULL)
		return false;
	memcpy(text, word.p, word.n);
	text[word.n] = '\0';
	ok = config_dns_server_parse(text, out, &why);
	free(why);
	return ok;
}

bool
dns_resolv_conf_next(struct span *text, char out[CONFIG_DNS_SERVER])
{
	while (text->n > 0) {
		struct span line = span_trim(span_cut(text, '\n'));

		if (span_equal(word_of(&line), span_of("nameserver")) &&
		    parse_server(word_of(&line), out))
			return true;
	}
	return false;
}
