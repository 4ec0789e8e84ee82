-- SPDX-License-Identifier: Apache-2.0
-- Take of all limits or of none.
-- KEYS: each limit's, then that of a name if there is one.
-- ARGV: how many limits, "1" to change nothing, how long a name is known, and
-- for each limit: kind, period, amount, burst, cost.
-- Returns: 0 taken, 1 refused, 2 taken before; which refused (from 0); the
-- time; the tokens of a name; and the records as they are now.
local n, dry = tonumber(ARGV[1]), ARGV[2] == '1'
local now = now_us()
local limits, records = {}, {}
local reply = { 0, 0, now, '' }
local once = KEYS[n + 1]

if once then
	local known = redis.call('GET', once)
	if known then
		reply[1], reply[4] = 2, known
	end
end
for i = 1, n do
	limits[i] = limit_at(5 * i - 1)
	records[i] = decode(redis.call('GET', KEYS[i]))
	advance(records[i], limits[i], now)
end
for i = n, 1, -1 do
	if reply[1] ~= 2 and not allows(records[i], limits[i]) then
		reply[1], reply[2] = 1, i - 1
	end
end
for i = 1, n do
	local r, q = records[i], limits[i]
	if reply[1] == 0 then
		take(r, q)
		reply[4] = reply[4] .. struct.pack('<I4I8', r.gen, token_of(r))
	end
	if reply[1] == 0 and q.cost > 0 and not dry then
		reply[4 + i] = write(KEYS[i], r, q)
	else
		reply[4 + i] = encode(r)
	end
end
if reply[1] == 0 and once and not dry then
	redis.call('SET', once, reply[4], 'PX', ARGV[3])
end
return reply
