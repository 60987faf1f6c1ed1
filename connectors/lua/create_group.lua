-- Create the consumer group, and the stream, where they are missing.
--
-- The group begins behind the last entry that was ever committed; a stream that ends before that entry is a new one and
-- is read from its beginning. From Redis 7.0 on, the group is also told how many entries were gone before it began, so
-- that what is trimmed from now on can be counted (see before_read.lua).
--
-- Each group that is created under this name is a generation of its own, counted in group_generation. Entries that one
-- generation delivered may be delivered once more by the next.
--
-- The hash of counters belongs to one group: what another has committed says nothing of where this one is to begin. It
-- names its owner in group_stream and group_name; where it names none (it is new, or older than these fields), we are.
--
-- group_start is where it began, 0 or an ID: noted with the first group, and with each until something was committed.
--
-- While held_until (epoch seconds, by the clock of Redis) lies ahead, nothing is done: a rebuild is about to take the group's
-- place, and whoever would register has to wait. One that is further ahead than a hold may last is nobody's.
--
-- KEYS  1 stream   2 hash of counters, with the newest committed ID in last_id
-- ARGV  1 group    2 where to begin when nothing was ever committed: 0 or $
-- Reply {the position that a new group was given, or nothing when the group existed; the generation}
--       {'OWNED', stream, group}   the hash belongs to that other group: nothing done
--       {'HELD'}                   nothing done

local owner = redis.call('HMGET', KEYS[2], 'group_stream', 'group_name')
if owner[1] and (owner[1] ~= KEYS[1] or owner[2] ~= ARGV[1]) then return {'OWNED', owner[1], owner[2] or ''} end
local LONGEST_HOLD = 60
local held = tonumber(redis.call('HGET', KEYS[2], 'held_until') or '')
local ahead = held and held - tonumber(redis.call('TIME')[1])
if ahead and 0 < ahead and ahead <= LONGEST_HOLD then return {'HELD'} end

local start, stream = ARGV[2], {}
if redis.call('EXISTS', KEYS[1]) == 1 then
  local list = redis.call('XINFO', 'STREAM', KEYS[1])
  for i = 1, #list, 2 do stream[list[i]] = list[i + 1] end
end
local committed = redis.call('HGET', KEYS[2], 'last_id')
if committed and string.match(committed, '^%d+-%d+$') then
  local last = stream['last-generated-id']
  start = last and not id_less(last, committed) and committed or '0'
end

-- (Fails before the group is created, or not at all.)
local generation = redis.call('HINCRBY', KEYS[2], 'group_generation', 0)
local asked = redis.pcall('HSET', KEYS[2], 'group_stream', 0, 'group_name')
if not string.find(asked.err, 'wrong number of arguments', 1, true) then return asked end
local function own()
  if not owner[1] then redis.call('HSET', KEYS[2], 'group_stream', KEYS[1], 'group_name', ARGV[1]) end
end

local added = stream['entries-added'] or 0
local read
if start == '0' then read = added - (stream['length'] or 0) elseif start == '$' then read = added end

local reply
if read then reply = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], start, 'MKSTREAM', 'ENTRIESREAD', read) end
if not read or (reply.err and not string.find(reply.err, 'BUSYGROUP', 1, true)) then
  -- Redis 6.2 does not know ENTRIESREAD.
  reply = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], start, 'MKSTREAM')
end
if reply.err then
  if not string.find(reply.err, 'BUSYGROUP', 1, true) then return reply end
  own()
  return {false, generation}
end
own()
if not committed then
  redis.call('HSET', KEYS[2], 'group_start', start == '$' and (stream['last-generated-id'] or '0-0') or start)
end
return {start, redis.call('HINCRBY', KEYS[2], 'group_generation', 1)}
