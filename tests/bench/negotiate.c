/* SPDX-License-Identifier: Apache-2.0 */
#include "negotiate.h"

#include <libmilter/mfapi.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "stats.h"

const char *const negotiate_stages[MACRO_STAGES] = {
	[SMFIM_CONNECT] = "connect",
	[SMFIM_HELO] = "helo",
	[SMFIM_ENVFROM] = "mail",
	[SMFIM_ENVRCPT] = "rcpt",
	[SMFIM_DATA] = "data",
	[SMFIM_EOM] = "eom",
	[SMFIM_EOH] = "eoh",
};

void
negotiate_offer(struct buffer *b)
{
	size_t begun = packet_begin(b, SMFIC_OPTNEG);

	buffer_put_u32(b, SMFI_PROT_VERSION);
	buffer_put_u32(b, SMFI_CURR_ACTS);
	buffer_put_u32(b, SMFI_CURR_PROT);
	packet_end(b, begun);
}

bool
negotiate_parse(struct negotiated *n, const char *data, size_t len)
{
	size_t at = MILTER_OPTLEN;

	if (len < MILTER_OPTLEN)
		return false;
	memset(n, 0, sizeof(*n));
	buffer_put(&n->raw, data, len);
	data = n->raw.p;
	n->version = packet_u32(data);
	n->actions = packet_u32(data + 4);
	n->protocol = packet_u32(data + 8);
	while (at < len) {
		const char *list = data + at + MILTER_LEN_BYTES;
		uint32_t stage;

		if (len - at <= MILTER_LEN_BYTES ||
		    memchr(list, '\0', len - at - MILTER_LEN_BYTES) == NULL)
			return false;
		if ((stage = packet_u32(data + at)) >= MACRO_STAGES)
			return false;
		n->macros[stage] = list;
		at += MILTER_LEN_BYTES + strlen(list) + 1;
	}
	return true;
}

static bool
wait_for(int fd, short event, unsigned timeout_s)
{
	struct pollfd p = { .fd = fd, .events = event };

	return poll(&p, 1, (int)timeout_s * 1000) == 1;
}

/* Read until the answer is whole. */
static bool
receive(int fd, unsigned timeout_s, struct negotiated *n)
{
	struct buffer in = { 0 };
	struct packet packet;
	enum packet_next got;
	bool ok = false;

	do {
		char bytes[4096];
		size_t at = 0;
		ssize_t r;

		if (!wait_for(fd, POLLIN, timeout_s) ||
		    (r = read(fd, bytes, sizeof(bytes))) <= 0)
			goto out;
		buffer_put(&in, bytes, (size_t)r);
		got = packet_next(&in, &at, &packet);
	} while (got == PACKET_NONE);
	ok = got == PACKET_READY && packet.command == SMFIC_OPTNEG &&
	     negotiate_parse(n, packet.data, packet.n);
out:
	buffer_finish(&in);
	return ok;
}

bool
negotiate_ask(const struct dial *d, unsigned timeout_s, struct negotiated *n)
{
	struct buffer out = { 0 };
	bool ok = false;
	int fd = dial_start(d);

	if (fd == -1)
		return false;
	negotiate_offer(&out);
	if (!wait_for(fd, POLLOUT, timeout_s) || dial_result(fd) != 0 ||
	    write(fd, out.p, out.n) != (ssize_t)out.n ||
	    !receive(fd, timeout_s, n))
		goto out;
	out.n = 0;
	packet_end(&out, packet_begin(&out, SMFIC_QUIT));
	ok = write(fd, out.p, out.n) == (ssize_t)out.n;
out:
	buffer_finish(&out);
	close(fd);
	return ok;
}

void
negotiate_print(const struct negotiated *n, FILE *f)
{
	const char *comma = "";

	fprintf(f, "{\"event\":\"negotiated\",\"version\":%u,", n->version);
	fprintf(f, "\"actions\":\"0x%x\",\"protocol\":\"0x%x\",\"macros\":{",
	    n->actions, n->protocol);
	for (int i = 0; i < MACRO_STAGES; i++) {
		if (n->macros[i] == NULL)
			continue;
		fprintf(f, "%s\"%s\":", comma, negotiate_stages[i]);
		stats_json_string(f, n->macros[i]);
		comma = ",";
	}
	fputs("}}\n", f);
	fflush(f);
}
