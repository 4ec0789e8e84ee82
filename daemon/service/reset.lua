-- SPDX-License-Identifier: Apache-2.0
-- Forget what limits have counted.
-- KEYS: each limit's.  ARGV: for each limit kind, period, amount, burst, cost.
local now = now_us()

for i = 1, #KEYS do
	local q, r = limit_at(5 * i - 4), decode(redis.call('GET', KEYS[i]))
	advance(r, q, now)
	begin(r, q, now)
	write(KEYS[i], r, q)
end
return 1
