-- SPDX-License-Identifier: Apache-2.0
-- How limits count: limit.c over again, with the same records, byte for
-- byte.  What it promises is said in limit.h.  Stands in front of the scripts
-- that need it.  Every number stays below 2^53, where doubles are exact.
local SLOTS, RING, MOST, GENS = 60, 61, 2 ^ 52, 2 ^ 22
local WINDOW, RATE = 1, 2
local floor = math.floor
local FORMATS = {
	[1] = '<' .. string.rep('B', RING),
	[2] = '<' .. string.rep('H', RING),
	[4] = '<' .. string.rep('I4', RING),
	[8] = '<' .. string.rep('I8', RING),
}

local function now_us()
	local t = redis.call('TIME')
	return tonumber(t[1]) * 1000000 + tonumber(t[2])
end

local function whole(n)
	return string.format('%.0f', n)
end

local function width_for(most)
	return most <= 255 and 1 or most <= 65535 and 2 or
	    most <= 4294967295 and 4 or 8
end

local function decode(s)
	if not s or #s < 24 or s:byte(1) ~= 1 or s:byte(4) ~= 0 then
		return { last = 0 }
	end
	local r = { kind = s:byte(2) }
	local width, most = s:byte(3), 0
	r.gen, r.period, r.last = struct.unpack('<I4I8I8', s, 5)
	if r.gen >= GENS or r.last > MOST or r.period < 1000 or
	    r.period > 400 * 86400000 then
		return { last = 0 }
	end
	if r.kind == RATE and width == 8 and #s == 32 then
		r.level = struct.unpack('<I8', s, 25)
		return r.level <= MOST and r or { last = 0 }
	end
	if r.kind ~= WINDOW or not FORMATS[width] or
	    #s ~= 24 + RING * width then
		return { last = 0 }
	end
	r.counts = { struct.unpack(FORMATS[width], s, 25) }
	r.counts[RING + 1] = nil
	for i = 1, RING do
		most = math.max(most, r.counts[i])
	end
	if most > MOST or width_for(most) ~= width then
		return { last = 0 }
	end
	return r
end

local function encode(r)
	if r.kind == RATE then
		return struct.pack('<BBBBI4I8I8I8', 1, RATE, 8, 0, r.gen,
		    r.period, r.last, r.level)
	end
	local width = width_for(math.max(unpack(r.counts)))
	return struct.pack('<BBBBI4I8I8', 1, WINDOW, width, 0, r.gen, r.period,
	    r.last) .. struct.pack(FORMATS[width], unpack(r.counts))
end

local function slot_us(period)
	return floor((period * 1000 + SLOTS - 1) / SLOTS)
end

local function slot_at(r, us)
	return floor(us / slot_us(r.period))
end

local function sum(r)
	local total = 0
	for i = 1, RING do
		total = total + r.counts[i]
	end
	return total
end

local function clear(r)
	r.counts = {}
	for i = 1, RING do
		r.counts[i] = 0
	end
end

local function begin(r, q, now)
	r.gen = (r.kind and r.gen + 1 or floor(now / 1000)) % GENS
	r.kind, r.period, r.level = q.kind, q.period, 0
	r.last = math.max(now, r.last)
	clear(r)
end

local function leaked(level, ms, amount)
	return ms > floor(level / amount) and level or ms * amount
end

local function advance(r, q, now)
	if r.kind ~= q.kind or r.period ~= q.period then
		return begin(r, q, now)
	end
	if r.kind == RATE then
		local ms = floor(now / 1000) - floor(r.last / 1000)
		if -ms > r.period then
			r.last = now
			return
		end
		if ms > 0 then
			r.level = r.level - leaked(r.level, ms, q.amount)
		end
		r.last = math.max(now, r.last)
		return
	end
	local slot, last = slot_at(r, now), slot_at(r, r.last)
	if last - slot > SLOTS then
		local total = math.min(sum(r), MOST)
		clear(r)
		r.counts[slot % RING + 1] = total
		r.last = now
		r.gen = (r.gen + 1) % GENS
		return
	end
	if slot - last > SLOTS then
		clear(r)
	else
		for i = last + 1, slot do
			r.counts[i % RING + 1] = 0
		end
	end
	r.last = math.max(now, r.last)
end

local function allows(r, q)
	if q.cost == 0 or q.amount < 0 then
		return true
	end
	if r.kind == WINDOW then
		return sum(r) + q.cost <= q.amount
	end
	return q.cost <= q.burst and
	    r.level + q.cost * q.period <= q.burst * q.period
end

local function take(r, q)
	if r.kind == RATE then
		r.level = r.level + q.cost * q.period
		return
	end
	local i = slot_at(r, r.last) % RING + 1
	r.counts[i] = math.min(r.counts[i] + q.cost, MOST)
end

-- What a token says: the slot, or the ms, of the taking.
local function token_of(r)
	return r.kind == WINDOW and slot_at(r, r.last) or floor(r.last / 1000)
end

local function refund(r, q, gen, when)
	if gen ~= r.gen or q.cost == 0 then
		return false
	end
	if r.kind == WINDOW then
		local slot, i = slot_at(r, r.last), when % RING + 1
		if when > slot or slot - when > SLOTS or r.counts[i] == 0 then
			return false
		end
		r.counts[i] = r.counts[i] - math.min(q.cost, r.counts[i])
		return true
	end
	local ms = floor(r.last / 1000) - when
	if ms < 0 or q.cost > q.burst then
		return false
	end
	local back = q.cost * q.period
	back = math.min(back - leaked(back, ms, q.amount), r.level)
	r.level = r.level - back
	return back > 0
end

local function life_ms(r, q)
	if r.kind == WINDOW then
		return floor((RING * slot_us(r.period) + 999) / 1000)
	end
	return floor(r.level / q.amount) + 1
end

-- The limit that five arguments from the index on describe.
local function limit_at(i)
	return {
		kind = tonumber(ARGV[i]), period = tonumber(ARGV[i + 1]),
		amount = tonumber(ARGV[i + 2]), burst = tonumber(ARGV[i + 3]),
		cost = tonumber(ARGV[i + 4]),
	}
end

local function write(key, r, q)
	local bytes = encode(r)
	redis.call('SET', key, bytes, 'PX', whole(life_ms(r, q)))
	return bytes
end
