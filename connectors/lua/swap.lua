-- Put what a rebuild has computed in the place of what the running flow has, all of it in this one step; or throw it away.
--
-- Nothing rolls back in a script, so all that can be refused is looked at before the first write, as in commit.lua. What the
-- running group had in flight is fenced by the end of that group: no read of it has a name any more. What is pending for the
-- rebuild stays so, under the same names, for the group that takes its place; those names have no lease there, so it is
-- taken over as from a dead consumer.
--
-- The shadow group must have read all that the running group has committed. Else an entry behind it could be counted in a
-- key which the rebuild has not written, and would be counted there once more.
--
-- KEYS  1 the lock of the rebuild   2 ... for each group   stream, counters, shadow counters, notes (see shadow.py)
--       then for each stream of dead letters   it, its shadow        then for each key that is noted   it, its shadow
-- ARGV  1 our token   2 SWAP or DROP   3 how many notes there are, of all groups   4 groups, then for each   group, its shadow
--       5 ... streams of dead letters, and keys, then for each key   time to live in seconds, 0 for none
-- Reply {'OK', keys replaced, keys deleted (nothing was computed for them), entries that go on pending, dead letters
--       deleted (their entries were processed again), dead letters added}
--       {'LOST'}              the lock is not ours: nothing done, likewise for all that follow
--       {'CHANGED'}           there are other notes than these, or a shadow group is missing
--       {'BEHIND', stream}    see above
--       {'TRIMMED', stream, how many}   so many entries were gone before the rebuild read them
--       an error: nothing was done

local PAGE = 1000
local cursor, place = 4, 1
local function take()
  cursor = cursor + 1
  return ARGV[cursor]
end
local function take_key()
  place = place + 1
  return KEYS[place]
end
local swaps, groups, letters, keys = ARGV[2] == 'SWAP', {}, {}, {}
for i = 1, tonumber(ARGV[4]) do
  groups[i] = {stream = take_key(), counters = take_key(), shadow_counters = take_key(), notes = take_key(),
               name = take(), shadow = take()}
end
local letter_count, key_count = tonumber(take()), tonumber(take())
for i = 1, letter_count do letters[i] = {key = take_key(), shadow = take_key()} end
for i = 1, key_count do keys[i] = {key = take_key(), shadow = take_key(), ttl = take()} end

-- 1. Look.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {'LOST'} end
local noted = 0
for _, group in ipairs(groups) do
  noted = noted + redis.call('HLEN', group.notes)
  if redis.call('EXISTS', group.stream) == 1 then
    for _, row in ipairs(redis.call('XINFO', 'GROUPS', group.stream)) do
      local facts = {}
      for i = 1, #row, 2 do facts[row[i]] = row[i + 1] end
      if facts.name == group.shadow then group.position, group.read = facts['last-delivered-id'], facts['entries-read'] end
    end
  end
end
if noted ~= tonumber(ARGV[3]) then return {'CHANGED'} end
for _, group in ipairs(swaps and groups or {}) do
  if not group.position then return {'CHANGED'} end
  group.committed = redis.call('HGET', group.shadow_counters, 'last_id')
  group.start = redis.call('HGET', group.shadow_counters, 'group_start')
  local trimmed = redis.call('HGET', group.shadow_counters, 'trimmed_total')
  if trimmed and trimmed ~= '0' then return {'TRIMMED', group.stream, trimmed} end
  if id_less(group.position, redis.call('HGET', group.counters, 'last_id') or '') then return {'BEHIND', group.stream} end
  group.pending, group.waiting = {}, 0
  local from = '-'
  repeat
    local page = redis.call('XPENDING', group.stream, group.shadow, from, '+', PAGE)
    for _, row in ipairs(page) do
      local of = group.pending[row[2]] or {}
      group.pending[row[2]] = of
      of[#of + 1] = row[1]
      from = '(' .. row[1]
    end
  until #page < PAGE
end

-- Dead letters whose entries the rebuild has read: what became of those says the rebuild.
local own = {}
for _, group in ipairs(groups) do own[group.stream .. '\0' .. group.name] = group end
local function was_read(fields)
  local facts = {}
  for i = 1, #fields, 2 do facts[fields[i]] = fields[i + 1] end
  local group, id = own[(facts.stream or '') .. '\0' .. (facts.group or '')], facts.id or ''
  if not group or not string.match(id, '^%d+%-%d+$') then return false end
  if id_less(group.position, id) or (string.match(group.start or '', '%-') and not id_less(group.start, id)) then return false end
  -- (One that is gone from the stream may have been gone before.)
  return #redis.call('XRANGE', group.stream, id, id) == 1
end
-- Calls `work` with each entry of a stream, in pages.
local function each_entry(stream, work)
  local from, page = '-', nil
  repeat
    page = redis.call('XRANGE', stream, from, '+', 'COUNT', PAGE)
    for _, entry in ipairs(page) do
      work(entry)
      from = '(' .. entry[1]
    end
  until #page < PAGE
end
for _, one in ipairs(letters) do
  one.gone, one.new = {}, {}
  for _, key in ipairs(swaps and {one.key, one.shadow} or {}) do
    local found = redis.call('TYPE', key).ok
    if found ~= 'stream' and found ~= 'none' then
      return redis.error_reply('WRONGTYPE ' .. key .. ' is a ' .. found .. ' and must be a stream')
    end
  end
  if swaps then
    each_entry(one.key, function(entry) if was_read(entry[2]) then one.gone[#one.gone + 1] = entry[1] end end)
    each_entry(one.shadow, function(entry) one.new[#one.new + 1] = entry[2] end)
  end
end

-- 2. Ask for leave. From Redis 7 on, for each key; before, rules name no keys for a command, so one will do.

-- The reply of a command that changes nothing, if it is one that denies.
local function denied(...)
  local reply = redis.pcall(...)
  if type(reply) ~= 'table' or not reply.err then return nil end
  for _, words in ipairs({'NOPERM', 'run this command', 'access at least one', 'ACL failure', 'READONLY', 'OOM'}) do
    if string.find(reply.err, words, 1, true) then return reply end
  end
  return nil
end
local function may_not(...)
  if not redis.acl_check_cmd or redis.acl_check_cmd(...) then return nil end
  return redis.error_reply('NOPERM this user may not ' .. table.concat({...}, ' '))
end
local nothing = KEYS[1] .. ':none'
local problem = denied('UNLINK', nothing) or denied('RENAME', nothing, nothing) or denied('EXPIRE', nothing, 'x')
for _, group in ipairs(groups) do
  -- XACK first: Redis allows it even when maxmemory is reached, and then all else in the same script.
  problem = problem or denied('XACK', group.stream, group.name, '0-0')
    or denied('XGROUP', 'DESTROY', group.stream, group.shadow .. '?')
    or denied('XGROUP', 'CREATE', group.stream, group.shadow, 'x')
    or denied('XCLAIM', group.stream, group.shadow .. '?', 'x', 0, '0-0')
    or denied('HSET', group.counters, 'f', 'v', 'f') or denied('HINCRBY', group.counters, 'group_generation', 'x')
    or denied('HDEL', group.counters, '') or may_not('UNLINK', group.shadow_counters) or may_not('UNLINK', group.notes)
end
for _, one in ipairs(letters) do
  problem = problem or denied('XDEL', one.key, '0-0') or denied('XADD', one.key, 'NOMKSTREAM', '*', 'f')
    or may_not('UNLINK', one.shadow)
end
for _, one in ipairs(keys) do
  problem = problem or may_not('UNLINK', one.key) or may_not('RENAME', one.shadow, one.key) or may_not('EXPIRE', one.key, 1)
end
if problem then return problem end

-- 3. Write. From here on nothing can be refused.

local replaced, deleted, pending, gone, added = 0, 0, 0, 0, 0
for _, group in ipairs(groups) do
  if swaps then
    redis.call('XGROUP', 'DESTROY', group.stream, group.name)
    local made = group.read and redis.pcall('XGROUP', 'CREATE', group.stream, group.name, group.position, 'ENTRIESREAD', group.read)
    if not made or made.err then redis.call('XGROUP', 'CREATE', group.stream, group.name, group.position) end
    for name, ids in pairs(group.pending) do
      for from = 1, #ids, PAGE do
        local claim = {'XCLAIM', group.stream, group.name, name, 0}
        for i = from, math.min(from + PAGE - 1, #ids) do claim[#claim + 1] = ids[i] end
        local wanted = #claim - 5
        claim[#claim + 1], claim[#claim + 2] = 'FORCE', 'JUSTID'
        local kept = #redis.call(unpack(claim))
        pending = pending + kept
        -- (Those that were deleted from the stream meanwhile.)
        if kept < wanted then redis.call('HINCRBY', group.counters, 'trimmed_total', wanted - kept) end
      end
    end
    redis.call('HINCRBY', group.counters, 'group_generation', 1)
    if group.committed and id_less(redis.call('HGET', group.counters, 'last_id') or '', group.committed) then
      redis.call('HSET', group.counters, 'last_id', group.committed)
    end
    if group.start then redis.call('HSET', group.counters, 'group_start', group.start) end
  end
  redis.call('HDEL', group.counters, 'held_until')
  if group.position then redis.call('XGROUP', 'DESTROY', group.stream, group.shadow) end
  redis.call('UNLINK', group.shadow_counters, group.notes)
end
for _, one in ipairs(keys) do
  if swaps then
    redis.call('UNLINK', one.key) -- (RENAME would free a large value while all wait)
    if not redis.pcall('RENAME', one.shadow, one.key).err then
      if one.ttl ~= '0' then redis.call('EXPIRE', one.key, one.ttl) end
      replaced = replaced + 1
    else
      deleted = deleted + 1
    end
  else
    redis.call('UNLINK', one.shadow)
    deleted = deleted + 1
  end
end
for _, one in ipairs(letters) do
  for from = 1, #one.gone, PAGE do
    gone = gone + redis.call('XDEL', one.key, unpack(one.gone, from, math.min(from + PAGE - 1, #one.gone)))
  end
  for _, fields in ipairs(one.new) do redis.call('XADD', one.key, '*', unpack(fields)) end
  added = added + #one.new
  redis.call('UNLINK', one.shadow)
end
redis.call('UNLINK', KEYS[1])
return {'OK', replaced, deleted, pending, gone, added}
