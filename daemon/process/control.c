/* SPDX-License-Identifier: Apache-2.0 */
#include "process/control.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "link/channel.h"

enum { ANSWER_LIMIT_US = 500 * 1000 };

bool
control_open(
    struct control *c, const char *run_dir, const char *group, char **why)
{
	const struct group *gr = NULL;

	c->path = memory_printf("%s/control.sock", run_dir);
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		c->clients[i].sock = -1;
	if (group != NULL && (gr = getgrnam(group)) == NULL) {
		*why =
		    memory_printf("control-group \"%s\" does not exist", group);
		return false;
	}
	c->listening =
	    channel_listen(c->path, CONTROL_CLIENTS, gr != NULL ? 0660 : 0600);
	if (c->listening == -1 ||
	    (gr != NULL && chown(c->path, (uid_t)-1, gr->gr_gid) == -1)) {
		*why = memory_printf("%s: %s", c->path, strerror(errno));
		return false;
	}
	return true;
}

static void
hang_up(struct control_client *client)
{
	close(client->sock);
	buf_finish(&client->in);
	*client = (struct control_client){ .sock = -1 };
}

void
control_close(struct control *c)
{
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (c->clients[i].sock != -1)
			hang_up(&c->clients[i]);
	if (c->path != NULL) {
		close(c->listening);
		unlink(c->path);
	}
	free(c->path);
	c->path = NULL;
}

int
control_poll(const struct control *c, struct pollfd *p)
{
	int n = 0;

	p[n++] = (struct pollfd){ .fd = c->listening, .events = POLLIN };
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		p[n++] = (struct pollfd){
			.fd = c->clients[i].waits ? -1 : c->clients[i].sock,
			.events = POLLIN
		};
	return n;
}

static void
accept_client(struct control *c)
{
	int sock =
	    accept4(c->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (sock == -1)
		return;
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (c->clients[i].sock == -1) {
			c->clients[i].sock = sock;
			return;
		}
	/* Who asks nothing makes room. */
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (!c->clients[i].waits) {
			hang_up(&c->clients[i]);
			c->clients[i].sock = sock;
			return;
		}
	close(sock);
}

struct span
control_verb(struct span line)
{
	struct span verb = span_trim(line);

	for (size_t i = 0; i < verb.n; i++)
		if (verb.p[i] < 'a' || verb.p[i] > 'z')
			return (struct span){ "", 0 };
	return verb;
}

static void
read_client(struct control *c, struct control_client *client)
{
	enum channel_read r = channel_read(client->sock, &client->in, NULL);
	const char *end =
	    client->in.n > 0 ? memchr(client->in.p, '\n', client->in.n) : NULL;
	struct span line;

	if (end == NULL && (r == CHANNEL_END || client->in.n > CONTROL_LINE)) {
		hang_up(client);
		return;
	}
	if (end == NULL)
		return;
	line = (struct span){ client->in.p, (size_t)(end - client->in.p) };
	client->waits = true;
	c->take(c, client, control_verb(line), c->arg);
}

void
control_serve(struct control *c, const struct pollfd *p, int n)
{
	if (p[0].revents != 0)
		accept_client(c);
	for (int i = 1; i < n; i++)
		if (p[i].revents != 0 && c->clients[i - 1].sock == p[i].fd)
			read_client(c, &c->clients[i - 1]);
}

void
control_answer(struct control_client *client, struct span json)
{
	struct buf b = { 0 };

	buf_put(&b, json.p, json.n);
	buf_char(&b, '\n');
	channel_send(client->sock, (struct span){ b.p, b.n }, -1,
	    clock_steady_us() + ANSWER_LIMIT_US);
	buf_finish(&b);
	hang_up(client);
}

void
control_hand_over(struct control_client *client)
{
	hang_up(client);
}

void
control_answer_error(struct control_client *client, const char *why)
{
	struct buf b = { 0 };

	json_open(&b, NULL, '{');
	json_text(&b, "error", why);
	json_close(&b, '}');
	control_answer(client, (struct span){ b.p, b.n });
	buf_finish(&b);
}
