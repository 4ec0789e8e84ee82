-- SPDX-License-Identifier: Apache-2.0
-- Once a second from each worker: I am here; who else is; is this still the
-- same data; which limits are half used.
-- KEYS: hosts (sorted set, by when they were heard), epoch, hot (sorted set of
-- limits, by when they were told), used (hash: limit to "units period").
-- ARGV: host, a new epoch's name, the time since which to show what is hot
-- (negative: do not), and threes of what is hot here: limit, units, period.
-- Returns: the time, how many hosts, epoch "name time", and of what is hot:
-- limit, time, "units period", each in turn.
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000000 + tonumber(t[2])
local stamp = string.format('%.0f', now)
local floor = math.floor
local HEARD, LOOK, SHOW = 15 * 1000000, 20, 500

redis.call('ZADD', KEYS[1], stamp, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf',
    string.format('%.0f', now - HEARD))
local epoch = redis.call('GET', KEYS[2])
if not epoch then
	epoch = ARGV[2] .. ' ' .. stamp
	redis.call('SET', KEYS[2], epoch)
end
for i = 4, #ARGV, 3 do
	redis.call('ZADD', KEYS[3], stamp, ARGV[i])
	redis.call('HSET', KEYS[4], ARGV[i], ARGV[i + 1] .. ' ' .. ARGV[i + 2])
end
-- Forget those of a few that have cooled down: not told for their period.
local from = floor(now / 1000000) * LOOK % (redis.call('ZCARD', KEYS[3]) + 1)
local oldest = redis.call('ZRANGE', KEYS[3], from, from + LOOK - 1,
    'WITHSCORES')
for i = 1, #oldest, 2 do
	local used = redis.call('HGET', KEYS[4], oldest[i])
	local period = used and tonumber(used:match(' (%d+)$')) or 0
	if tonumber(oldest[i + 1]) + period * 1020 < now then
		redis.call('ZREM', KEYS[3], oldest[i])
		redis.call('HDEL', KEYS[4], oldest[i])
	end
end
local reply = { now, redis.call('ZCARD', KEYS[1]), epoch }
if tonumber(ARGV[3]) >= 0 then
	local hot = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. ARGV[3], '+inf',
	    'WITHSCORES', 'LIMIT', 0, SHOW)
	for i = 1, #hot, 2 do
		reply[#reply + 1] = hot[i]
		reply[#reply + 1] = hot[i + 1]
		reply[#reply + 1] = redis.call('HGET', KEYS[4], hot[i]) or ''
	end
end
return reply
