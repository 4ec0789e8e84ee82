-- SPDX-License-Identifier: Apache-2.0
-- Add to a number.  KEYS: it.  ARGV: what to add, ms that it lives from now if
-- it is not there (0: for good).  Returns the sum, or nothing if there is none.
local there = redis.call('EXISTS', KEYS[1]) == 1
local sum = redis.pcall('INCRBY', KEYS[1], ARGV[1])

if type(sum) == 'table' and sum.err then
	return false
end
if not there and ARGV[2] ~= '0' then
	redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
-- As text: a double does not hold every sum.
return redis.call('GET', KEYS[1])
