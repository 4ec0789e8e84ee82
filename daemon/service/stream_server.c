/* SPDX-License-Identifier: Apache-2.0 */
#include "service/stream_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "config/config.h"

/* The host is a numeric address: config_socket_parse() has made it one. */
static bool
fill(struct stream_server *s, const struct config_socket *from)
{
	struct sockaddr_un *un = (void *)&s->address;
	struct sockaddr_in *four = (void *)&s->address;
	struct sockaddr_in6 *six = (void *)&s->address;

	memset(&s->address, 0, sizeof(s->address));
	switch (from->kind) {
	case SOCKET_UNIX:
		un->sun_family = AF_UNIX;
		s->length = sizeof(*un);
		return (size_t)snprintf(un->sun_path, sizeof(un->sun_path),
			   "%s", from->host) < sizeof(un->sun_path);
	case SOCKET_INET:
		four->sin_family = AF_INET;
		four->sin_port = htons(from->port);
		s->length = sizeof(*four);
		return inet_pton(AF_INET, from->host, &four->sin_addr) == 1;
	case SOCKET_INET6:
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(from->port);
		s->length = sizeof(*six);
		return inet_pton(AF_INET6, from->host, &six->sin6_addr) == 1;
	case SOCKET_SYSTEMD:
		break;
	}
	return false;
}

bool
stream_server_parse(
    const char *text, struct stream_server *s, char why[MR_STREAM_WHY])
{
	struct config_socket parsed;
	char *fault = NULL;

	if (!config_socket_parse(text, &parsed, &fault)) {
		snprintf(why, MR_STREAM_WHY, "%s", fault);
		free(fault);
		return false;
	}
	if (!fill(s, &parsed)) {
		snprintf(why, MR_STREAM_WHY,
		    "\"%s\" cannot be connected to: write unix:/path, "
		    "inet:PORT@127.0.0.1 or inet6:PORT@::1",
		    text);
		return false;
	}
	s->name = text;
	s->off_until = 0;
	return true;
}

int
stream_server_next(struct mr_stream *s, uint32_t tried, int64_t now)
{
	int place = -1, soonest = -1;

	pthread_mutex_lock(&s->lock);
	for (uint32_t i = 0; i < s->count && place == -1; i++) {
		const struct stream_server *v = &s->servers[i];

		if ((tried >> i & 1) == 0 && v->off_until <= now)
			place = (int)i;
		if (soonest == -1 ||
		    v->off_until < s->servers[soonest].off_until)
			soonest = (int)i;
	}
	pthread_mutex_unlock(&s->lock);
	return place == -1 && tried == 0 ? soonest : place;
}

bool
stream_server_failed(struct mr_stream *s, int place, int64_t now)
{
	struct stream_server *v = &s->servers[place];
	bool news;

	pthread_mutex_lock(&s->lock);
	news = v->off_until == 0;
	v->off_until = now + s->retry_ms;
	pthread_mutex_unlock(&s->lock);
	return news;
}

bool
stream_server_worked(struct mr_stream *s, int place)
{
	struct stream_server *v = &s->servers[place];
	bool news;

	pthread_mutex_lock(&s->lock);
	news = v->off_until != 0;
	v->off_until = 0;
	pthread_mutex_unlock(&s->lock);
	return news;
}
