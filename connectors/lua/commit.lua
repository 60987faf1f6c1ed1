-- Commit what was read: acknowledge the entries of each delivery and carry out the effects of its parts, or leave it.
--
-- Nothing rolls back in a script, so everything that can be refused is looked at before the first write: the lease, the
-- pending list, the type of every key, the rights of the user. Each read has a name of its own in the group, which is
-- never used for another one. A delivery is applied only if for each of its reads as many entries are still pending as it
-- brought, under the lease that it was read with (or if the group is gone, and with it the pending list, and no other was
-- created since, and this is the first attempt: then it cannot have been counted, and a new group begins behind it). So
-- whatever was lost or repeated on the way, an entry is counted by the very step that takes it off the pending list, and
-- by no other. What it takes to fool that is to claim entries out of a read and as many others into it, by hand.
--
-- The names of the reads are deleted from the group, which acknowledges what is pending for them; but before that entries
-- that have failed are moved to a name where they wait for another attempt. The first command that writes is XACK, which Redis allows even when maxmemory is reached: a full Redis cannot stop the counting.
--
-- KEYS  every key that is touched: streams, leases, targets of effects. ARGV names a key by its position in KEYS.
-- ARGV  deliveries: count, then for each   stream-key, group, lease-key, token, counters-key, generation, waiting-name,
--                                          read-count, then for each read   name, how many entries it brought, the newest ID of them
--                   (in the hash counters-key, last_id is raised to the newest ID; it is empty where neither that nor
--                   generations of the group are kept; see create_group.lua. waiting-name is that of entries which have
--                   failed; empty where there are none)
--       parts:      count, then for each   delivery, failed-count, ID of an entry that has failed ..., effect-count, effect ...
--       an effect is a letter and what effects.lua, or windows.lua, says of it
--       and last: 1 when an earlier attempt may have applied the parts, else 0
--
-- Reply  {'OK', verdict ..., overflow, mended, unmerged, dropped, unmet, trimmed}: one verdict a part, in order
--            A, D, F and P are those of its delivery:
--            A applied
--            D none of its entries is pending any more: an earlier attempt applied it, or they were taken from us
--            F refused: the lease is lost, or the group is gone and was not the last of its name, or has to keep what failed
--            P refused: some of its entries, not all, were taken from us, or others put beside them; the lease is revoked,
--              so that the consumer registers again and reads again what is left
--          overflow: how much was folded; mended: fields that held no number and were replaced; unmerged: keys that
--          are no records, and were left as they are; dropped: key, count, ... of the fields that a limit left no room for;
--          unmet: conditions that did not hold; trimmed: entries that have failed and were found deleted from the stream
--        {'WRONGTYPE', key, found, wanted}: a target has the wrong type; nothing was applied
--        an error: nothing was applied

-- 1. Read the request.

local READ = 3 -- arguments of a read
local deliveries = {}
for i = 1, take_number() do
  local one = {stream = take_key(), group = take(), lease = take_key(), token = take(), counters = take_optional_key(),
               generation = take(), waiting = take(), reads = take_number(), first = cursor + 1}
  one.last = cursor + one.reads * READ
  cursor = one.last
  deliveries[i] = one
end
local parts = {}
for i = 1, take_number() do
  local part = {delivery = deliveries[take_number()], effects = {}}
  local failed = take_number()
  if failed > 0 then part.failed = skip({n = failed}, 1) end
  for j = 1, take_number() do
    local op = take()
    local effect = EFFECTS[op].read()
    effect.op, effect.lease = op, part.delivery.lease
    part.effects[j] = effect
  end
  parts[i] = part
end

-- 2. Look, and write nothing.

-- Name -> how many entries are pending for it, in the group of a delivery; false when that group is gone.
local known = {}
local function pending_in(stream, group)
  local place = stream .. '\0' .. group
  if known[place] ~= nil then return known[place] end
  local summary = redis.pcall('XPENDING', stream, group)
  if summary.err then
    if string.find(summary.err, 'NOGROUP', 1, true) then
      known[place] = false
      return false
    end
    local found = redis.call('TYPE', stream).ok
    if found ~= 'stream' then return nil, {'WRONGTYPE', stream, found, 'stream'} end
    return nil, summary
  end
  local counts = {}
  for _, row in ipairs(summary[4] or {}) do counts[row[1]] = row[2] end
  known[place] = counts
  return counts
end

local function verdict_on(delivery)
  if redis.call('GET', delivery.lease) ~= delivery.token then return 'F' end
  local counts, problem = pending_in(delivery.stream, delivery.group)
  if counts == nil then return nil, problem end
  if not counts then
    -- The group or the stream is gone. At the first attempt nobody can have counted the entries; at a later one we may
    -- have; and so may whoever was given them again by another group, that was created and is gone like ours.
    if delivery.counters and redis.pcall('HGET', delivery.counters, 'group_generation') ~= delivery.generation then return 'F' end
    -- (What is to come again has nowhere to wait.)
    if delivery.waiting ~= '' then return 'F' end
    delivery.orphaned = true
    return ARGV[#ARGV] == '1' and 'D' or 'A'
  end
  local whole, some = true, false
  for a = delivery.first, delivery.last, READ do
    local count = counts[ARGV[a]]
    if tostring(count) ~= ARGV[a + 1] then whole = false end
    if count then some = true end
  end
  return whole and 'A' or some and 'P' or 'D'
end

for _, delivery in ipairs(deliveries) do
  local found = redis.call('TYPE', delivery.lease).ok
  if found ~= 'string' and found ~= 'none' then return {'WRONGTYPE', delivery.lease, found, 'string'} end
  local verdict, problem = verdict_on(delivery)
  if verdict == nil then return problem end
  delivery.verdict = verdict
end

local verdicts = {}
for i, part in ipairs(parts) do verdicts[i] = part.delivery.verdict end

-- Key -> the type that it has, or will have once this is written: no two effects may make a missing key two things.
local types = {}
local function type_of(key)
  if not types[key] then types[key] = redis.call('TYPE', key).ok end
  return types[key]
end
local function wrong_type(key, wanted)
  if key == nil or types[key] == wanted then return nil end
  local found = type_of(key)
  if wanted == nil or found == wanted then return nil end
  if found ~= 'none' then return {'WRONGTYPE', key, found, wanted} end
  types[key] = wanted
  return nil
end
for _, delivery in ipairs(deliveries) do
  local problem = delivery.verdict == 'A' and wrong_type(delivery.counters, 'hash')
  if problem then return problem end
end
for i, part in ipairs(parts) do
  if verdicts[i] == 'A' then
    for _, effect in ipairs(part.effects) do
      local problem = wrong_type(effect.key, effect.wanted) or wrong_type(effect.mirror, 'hash')
        or wrong_type(effect.overflow_key, 'hash')
      for _, one in ipairs(effect.also or {}) do problem = problem or wrong_type(one.key, one.wanted) end
      if problem then return problem end
      if effect.makes and type_of(effect.key) == 'none' then types[effect.key] = effect.makes end
    end
  end
end

-- 3. Ask for leave. Redis checks the rights of the user at each call, so every command of the next section is called on
-- every key it will be called on, in a form that changes nothing: by adding 0, by setting what is set already, by a field
-- that is missing. Where nothing is there to leave as it is, by arguments that the command itself refuses.

local function ask_group(...)
  local asked = redis.pcall(...)
  if type(asked) == 'table' and asked.err and not string.find(asked.err, 'NOGROUP', 1, true) then return asked end
  return nil
end
for _, delivery in ipairs(deliveries) do
  if delivery.verdict == 'F' then
    -- (A replica knows of leases, too, but what it knows is not the last word: it answers READONLY.)
    local tried = redis.pcall('XACK', delivery.stream, delivery.group, '0-0')
    if type(tried) == 'table' and tried.err and string.find(tried.err, 'READONLY', 1, true) then return tried end
  else
    redis.call('XACK', delivery.stream, delivery.group, '0-0')
  end
  if delivery.verdict == 'A' and not delivery.orphaned then
    -- (There is no such group.)
    local stream, nowhere = delivery.stream, delivery.group .. '?'
    local problem = ask_group('XGROUP', 'DELCONSUMER', stream, nowhere, ARGV[delivery.first])
    if delivery.waiting ~= '' then
      problem = problem or ask_group('XCLAIM', stream, nowhere, delivery.waiting, 0, '0-0')
        or ask_hash(delivery.counters, 'trimmed_total', nil, true)
    end
    if problem then return problem end
  end
  local problem = delivery.verdict == 'A' and ask_hash(delivery.counters, 'last_id', nil, false)
  if problem then return problem end
end
for i, part in ipairs(parts) do
  if verdicts[i] == 'A' then
    for _, e in ipairs(part.effects) do
      local problem = EFFECTS[e.op].ask(e)
      if problem then return problem end
    end
  end
end
for _, delivery in ipairs(deliveries) do
  if delivery.verdict == 'P' then redis.call('DEL', delivery.lease) end
end

-- 4. Write. From here on nothing can be refused.

local trimmed = 0
for i, part in ipairs(parts) do
  if verdicts[i] == 'A' and part.failed then
    local delivery, failed = part.delivery, part.failed
    for from = failed.first, failed.first + failed.n - 1, PAGE do
      local claim = {'XCLAIM', delivery.stream, delivery.group, delivery.waiting, 0}
      for a = from, math.min(from + PAGE, failed.first + failed.n) - 1 do claim[#claim + 1] = ARGV[a] end
      claim[#claim + 1] = 'JUSTID'
      -- (Of what is gone from the stream, Redis 7 and later say nothing; before, it waits, and is found then.)
      local gone = #claim - 6 - #redis.call(unpack(claim))
      trimmed = trimmed + gone
      if gone > 0 and delivery.counters then redis.call('HINCRBY', delivery.counters, 'trimmed_total', gone) end
    end
  end
end
for _, delivery in ipairs(deliveries) do
  if delivery.verdict == 'A' then
    local newest = '0-0'
    for a = delivery.first, delivery.last, READ do
      if not delivery.orphaned then redis.call('XGROUP', 'DELCONSUMER', delivery.stream, delivery.group, ARGV[a]) end
      if id_less(newest, ARGV[a + 2]) then newest = ARGV[a + 2] end
    end
    if delivery.counters then raise_id(delivery.counters, 'last_id', newest) end
  end
end
for i, part in ipairs(parts) do
  if verdicts[i] == 'A' then
    for _, effect in ipairs(part.effects) do EFFECTS[effect.op].write(effect) end
  end
end

local reply = {'OK'}
for i = 1, #parts do reply[i + 1] = verdicts[i] end
local dropped = {}
for key, count in pairs(report.dropped) do
  table.insert(dropped, key)
  table.insert(dropped, count)
end
for _, value in ipairs({report.overflow, report.mended, report.unmerged, dropped, report.unmet, trimmed}) do
  reply[#reply + 1] = value
end
return reply
