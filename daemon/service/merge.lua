-- SPDX-License-Identifier: Apache-2.0
-- Add what a host has taken alone to a window, slot by slot.  Slots are sums,
-- so that it does not matter who adds first.
-- KEYS: the limit's, and one that says that this was added before.
-- ARGV: period, how long that is known, and pairs of slot and units.
-- Returns 1, or 0 if it was added before.
local q = { kind = WINDOW, period = tonumber(ARGV[1]), amount = -1, cost = 0 }
local now = now_us()

if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[2]) then
	return 0
end
local r = decode(redis.call('GET', KEYS[1]))
advance(r, q, now)
local slot = slot_at(r, r.last)
for i = 3, #ARGV, 2 do
	-- A host's idea of the time may be a little ahead.
	local at = math.min(tonumber(ARGV[i]), slot)
	if slot - at <= SLOTS then
		local c = at % RING + 1
		r.counts[c] = math.min(r.counts[c] + tonumber(ARGV[i + 1]), MOST)
	end
end
write(KEYS[1], r, q)
return 1
