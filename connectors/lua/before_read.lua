-- Sent ahead of every XREADGROUP in the same packet: are we still the owner, and is there a hole in front of us?
--
-- A hole is what was trimmed or deleted from the head of the stream before the group read it. From Redis 7.0 on, the
-- stream counts what was ever added and the group what it was ever given, so the size of the hole is exact:
--     (added - length) - read
-- The group's position is moved behind the hole in the same step, so that no other instance counts it again.
-- Redis 6.2 keeps no such counts: there the answer is always 0, and loss before reading stays unseen.
--
-- KEYS  1 stream   2 lease   3 hash of counters
-- ARGV  1 group    2 our token
-- Reply {1 if the lease is ours else 0, the group's generation, entries found lost by this call, its position or nothing}
local held = redis.call('GET', KEYS[2]) == ARGV[2] and 1 or 0
local generation = redis.pcall('HGET', KEYS[3], 'group_generation') -- (see create_group.lua)
generation = type(generation) == 'string' and tonumber(generation) or 0

-- A positive number less one, as text: it may have 64 bits, which do not fit a Lua number.
local function one_less(text)
  local digits = {string.byte(text, 1, -1)}
  local i = #digits
  while digits[i] == 48 do digits[i] = 57; i = i - 1 end
  digits[i] = digits[i] - 1
  local less = string.gsub(string.char(unpack(digits)), '^0+', '')
  return less == '' and '0' or less
end

local function as_map(list)
  local map = {}
  for i = 1, #list, 2 do map[list[i]] = list[i + 1] end
  return map
end

local groups = redis.pcall('XINFO', 'GROUPS', KEYS[1])
if groups.err then
  if not string.find(groups.err, 'no such key', 1, true) then return groups end
  return {held, generation, 0} -- the read that follows will say so
end
local group
for i = 1, #groups do
  local candidate = as_map(groups[i])
  if candidate.name == ARGV[1] then group = candidate end
end
if not group then return {held, generation, 0} end
local position = group['last-delivered-id']
local read = group['entries-read']
if not read then return {held, generation, 0, position} end
-- Common case, told cheaply: less is unread than is there, so what we were given last is still there, and no hole.
-- (XINFO STREAM copies the first and the last entry whole, which may be large.)
local length = redis.call('XLEN', KEYS[1])
local lag = group['lag']
if lag and lag < length then return {held, generation, 0, position} end

local stream = as_map(redis.call('XINFO', 'STREAM', KEYS[1]))
local lost = stream['entries-added'] - length - read
if lost <= 0 then return {held, generation, 0, position} end
-- The hole must lie in front of us. One further on, or behind us, is no business of ours: moving the position back
-- would deliver again what was counted.
local front = length == 0 and stream['last-generated-id'] or stream['recorded-first-entry-id']
if not id_less(group['last-delivered-id'], front) then return {held, generation, 0, position} end

local behind
if length == 0 then
  behind = stream['last-generated-id']
else
  -- The ID just below the first entry.
  local ms, seq = string.match(stream['recorded-first-entry-id'], '^(%d+)-(%d+)$')
  if string.match(seq, '^0+$') then
    behind = one_less(ms) .. '-18446744073709551615'
  else
    behind = ms .. '-' .. one_less(seq)
  end
end
redis.call('XACK', KEYS[1], ARGV[1], '0-0') -- (allowed even when maxmemory is reached, and then so is the rest)
redis.call('HINCRBY', KEYS[3], 'trimmed_total', 0) -- (fails before the group is moved, or not at all)
redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], behind, 'ENTRIESREAD', read + lost)
redis.call('HINCRBY', KEYS[3], 'trimmed_total', lost)
return {held, generation, lost, behind}
