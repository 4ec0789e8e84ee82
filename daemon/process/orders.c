/* SPDX-License-Identifier: Apache-2.0 */
#include "process/orders.h"

#include "base/clock.h"
#include "link/channel.h"

bool
orders_send(int sock, enum order order, struct span body)
{
	struct buf b = { 0 };
	size_t at = wire_begin(&b, (uint8_t)order, 0, 0);
	bool ok;

	buf_put(&b, body.p, body.n);
	wire_end(&b, at);
	ok = channel_send(sock, (struct span){ b.p, b.n }, -1,
	    clock_steady_us() + 1000 * 1000);
	buf_finish(&b);
	return ok;
}

bool
orders_send_number(int sock, enum order order, uint32_t n)
{
	return orders_send(
	    sock, order, (struct span){ (const char *)&n, sizeof(n) });
}

bool
orders_get_number(struct span *body, uint32_t *n)
{
	struct wire w = { .in = *body };

	*n = wire_get_u32(&w);
	*body = w.in;
	return !w.bad;
}

bool
orders_read(int sock, struct buf *in,
    void (*take)(void *arg, enum order, struct span body), void *arg)
{
	enum channel_read r = channel_read(sock, in, NULL);
	struct span left = { in->p, in->n }, body;
	struct wire_frame f;
	int n;

	while ((n = wire_next(&left, &f, &body)) == 1)
		take(arg, (enum order)f.type, body);
	buf_drop(in, in->n - left.n);
	return r != CHANNEL_END && n == 0;
}
