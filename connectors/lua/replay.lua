-- Put a dead letter back: append its entry to the stream that it came from, and delete it, or do neither.
--
-- KEYS  1 stream of dead letters   2 stream that the entry came from
-- ARGV  1 ID of the dead letter    2 ... name, value, name, value ... of the entry
-- Reply {the entry's new ID}; {} there is no such dead letter: nothing done
--       {'WRONGTYPE', found, 'stream'}   the entry's stream is none: nothing done
--       an error: nothing done
local found = redis.call('TYPE', KEYS[2]).ok
if found ~= 'stream' and found ~= 'none' then return {'WRONGTYPE', found, 'stream'} end
-- Redis rolls nothing back, and the append is what can be refused (the highest ID is used up; who asks lacks the right): so it
-- comes first, and what can still be refused is the first of all, changing nothing. (That is XDEL, which Redis allows even
-- when maxmemory is reached, and then all else in the same script.)
redis.call('XDEL', KEYS[1], '0-0')
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then return {} end
local entry = {'XADD', KEYS[2], '*'}
for i = 2, #ARGV do entry[#entry + 1] = ARGV[i] end
local new = redis.pcall(unpack(entry))
if type(new) == 'table' then return new end
redis.call('XDEL', KEYS[1], ARGV[1])
return {new}
