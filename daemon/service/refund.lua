-- SPDX-License-Identifier: Apache-2.0
-- Give back what was taken.
-- KEYS: each limit's, then that of a name if there is one.
-- ARGV: how many limits, "1" to change nothing, and for each limit: kind,
-- period, amount, burst, cost, and of its token generation and time.
-- Returns 1, or 0 if the name is not known.
local n, dry = tonumber(ARGV[1]), ARGV[2] == '1'
local now = now_us()
local once = KEYS[n + 1]

if once then
	local known = redis.call(dry and 'EXISTS' or 'DEL', once)
	if known == 0 then
		return 0
	end
end
if dry then
	return 1
end
for i = 1, n do
	local at = 7 * i - 4
	local q, r = limit_at(at), decode(redis.call('GET', KEYS[i]))
	advance(r, q, now)
	if refund(r, q, tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6])) then
		write(KEYS[i], r, q)
	end
end
return 1
