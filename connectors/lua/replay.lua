-- Put a dead letter back: append its entry to the stream that it came from, and delete it, or do neither.
--
-- KEYS  1 stream of dead letters   2 stream that the entry came from
-- ARGV  1 ID of the dead letter    2 ... name, value, name, value ... of the entry
-- Reply {the entry's new ID}; {} there is no such dead letter: nothing done
--       {'WRONGTYPE', found, 'stream'}   the entry's stream is none: nothing done
local found = redis.call('TYPE', KEYS[2]).ok
if found ~= 'stream' and found ~= 'none' then return {'WRONGTYPE', found, 'stream'} end
-- Both commands that write are called once before, changing nothing: a user who lacks one of them does nothing by halves.
-- (XDEL first: Redis allows it even when maxmemory is reached, and then all else in the same script. XADD refuses a name
-- without a value.)
redis.call('XDEL', KEYS[1], '0-0')
local asked = redis.pcall('XADD', KEYS[2], 'NOMKSTREAM', '*', 'f')
if asked.err and not string.find(asked.err, 'wrong number of arguments', 1, true) then return asked end
if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then return {} end
local entry = {'XADD', KEYS[2], '*'}
for i = 2, #ARGV do entry[#entry + 1] = ARGV[i] end
return {redis.call(unpack(entry))}
