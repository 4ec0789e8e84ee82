-- SPDX-License-Identifier: Apache-2.0
-- Put a member into a set of the most recent ones.  KEYS: the set.
-- ARGV: member, bound, ms that a member lives (0: for good), "1" to change
-- nothing.  Returns how many there are then, and 1 if it was not there.
local bound, ttl = tonumber(ARGV[2]), tonumber(ARGV[3])
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000000 + tonumber(t[2])
local old = ttl > 0 and string.format('%.0f', now - ttl * 1000) or '-1'
local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
local fresh = (not at or tonumber(at) <= tonumber(old)) and 1 or 0

if ARGV[4] == '1' then
	local n = redis.call('ZCOUNT', KEYS[1], '(' .. old, '+inf')
	return { math.min(n + fresh, bound), fresh }
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', old)
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
local n = redis.call('ZCARD', KEYS[1])
if n > bound then
	redis.call('ZREMRANGEBYRANK', KEYS[1], 0, n - bound - 1)
end
if ttl > 0 then
	redis.call('PEXPIRE', KEYS[1], ARGV[3])
else
	redis.call('PERSIST', KEYS[1])
end
return { math.min(n, bound), fresh }
