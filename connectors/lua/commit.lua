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
-- The names of the reads are deleted from the group, which acknowledges what is pending for them. The first command that
-- writes is XACK, which Redis allows even when maxmemory is reached: a full Redis cannot stop the counting.
--
-- KEYS  every key that is touched: streams, leases, targets of effects. ARGV names a key by its position in KEYS.
-- ARGV  deliveries: count, then for each   stream-key, group, lease-key, token, counters-key, generation, read-count,
--                                          then for each read   name, how many entries it brought, the newest ID of them
--                   (in the hash counters-key, last_id is raised to the newest ID; it is empty where neither that nor
--                   generations of the group are kept; see create_group.lua)
--       parts:      count, then for each   delivery, effect-count, effect ...
--       an effect is one of
--         C key ttl field-count limit overflow-key overflow-field mirror-key mirror-ttl folds,
--             then for each field   name increment
--             then, where folds is 1, for each field   first-fallback second-fallback       (both empty: never folded)
--             (limit is empty: no cap. The mirror gets the same. What is folded is counted in overflow-field, if any)
--         R key ttl limit dropped-key dropped-field field-count, then   name value        raise to a maximum
--             (with a limit: fields beyond it that have the lowest values are dropped, and counted in dropped-field)
--         I key field stream-id                                raise to the newest stream ID
--         P key ttl field-count, then   name value              set fields
--         N key field stream-id ttl field-count, then   name value
--             set fields, unless field holds a newer stream ID; it then holds this one
--         A key max-length field-count, then   name value       append to a stream
--         M key ttl json field-count beside-count, then   name value member
--             set fields of a record, a hash or a JSON object; a member is `"name":value` as it is in JSON. A record that
--             is missing is made (an object when json is 1), with the fields beside, too, and the ttl
--       and last: 1 when an earlier attempt may have applied the parts, else 0
--       a ttl is in seconds; an empty ttl, limit, max-length or key number means none.
--
-- Reply  {'OK', verdict ..., overflow, mended, unmerged, dropped}: one verdict a part, in order
--            A, D, F and P are those of its delivery:
--            A applied
--            D none of its entries is pending any more: an earlier attempt applied it, or they were taken from us
--            F refused: the lease is lost, or the group is gone and was not the last of its name
--            P refused: some of its entries, not all, were taken from us, or others put beside them; the lease is revoked,
--              so that the consumer registers anew and reads again what is left
--          overflow: how much was folded; mended: fields that held no number and were replaced; unmerged: keys that
--          are no records, and were left as they are; dropped: key, count, ... of the fields that a limit left no room for
--        {'FULL', key ...}: these hashes may have no room, and it was not said how to fold; nothing was applied
--        {'WRONGTYPE', key, found, wanted}: a target has the wrong type; nothing was applied
--        an error: nothing was applied

local cursor = 0
local function take()
  cursor = cursor + 1
  return ARGV[cursor]
end
local function take_number() return tonumber(take()) end
local function take_key() return KEYS[tonumber(take())] end
local function take_optional_key()
  local position = take()
  if position == '' then return nil end
  return KEYS[tonumber(position)]
end

-- 1. Read the request.

local READERS = {}
function READERS.C()
  local e = {key = take_key(), wanted = 'hash', ttl = take(), n = take_number(), limit = tonumber(take()),
             overflow_key = take_optional_key(), overflow_field = take(),
             mirror = take_optional_key(), mirror_ttl = take()}
  local folds = take() == '1'
  e.first = cursor + 1
  cursor = cursor + e.n * 2
  if folds then
    e.folds = cursor + 1
    cursor = cursor + e.n * 2
  end
  return e
end
function READERS.R()
  local e = {key = take_key(), wanted = 'hash', ttl = take(), limit = tonumber(take()),
             overflow_key = take_optional_key(), overflow_field = take(), n = take_number(), first = cursor + 1}
  cursor = cursor + e.n * 2
  return e
end
function READERS.I()
  return {key = take_key(), wanted = 'hash', field = take(), id = take()}
end
function READERS.P()
  local e = {key = take_key(), wanted = 'hash', ttl = take(), n = take_number(), first = cursor + 1}
  cursor = cursor + e.n * 2
  return e
end
function READERS.N()
  local e = {key = take_key(), wanted = 'hash', field = take(), id = take(), ttl = take(), n = take_number(), first = cursor + 1}
  cursor = cursor + e.n * 2
  return e
end
function READERS.A()
  local e = {key = take_key(), wanted = 'stream', max_length = take(), n = take_number(), first = cursor + 1}
  cursor = cursor + e.n * 2
  return e
end

function READERS.M()
  local e = {key = take_key(), ttl = take(), json = take() == '1', n = take_number(), beside = take_number(), first = cursor + 1}
  cursor = cursor + (e.n + e.beside) * 3
  return e
end

local READ = 3 -- arguments of a read
local deliveries = {}
for i = 1, take_number() do
  local one = {stream = take_key(), group = take(), lease = take_key(), token = take(), counters = take_optional_key(),
               generation = take(), reads = take_number(), first = cursor + 1}
  one.last = cursor + one.reads * READ
  cursor = one.last
  deliveries[i] = one
end
local parts = {}
for i = 1, take_number() do
  local part = {delivery = deliveries[take_number()], effects = {}}
  for j = 1, take_number() do
    local op = take()
    local effect = READERS[op]()
    effect.op = op
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

local seen = {}
local function wrong_type(key, wanted)
  if key == nil or wanted == nil or seen[key] == wanted then return nil end
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' and found ~= wanted then return {'WRONGTYPE', key, found, wanted} end
  seen[key] = wanted
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
      if problem then return problem end
    end
  end
end
-- Whether all fields would find room if all were new: how to fold them is long, and seldom needed.
local room, full = {}, {'FULL'}
for i, part in ipairs(parts) do
  for _, e in ipairs(part.effects) do
    if verdicts[i] == 'A' and e.op == 'C' and e.limit and not e.folds then
      local before = room[e.key] or e.limit - redis.call('HLEN', e.key)
      room[e.key] = before - e.n
      if before >= 0 and room[e.key] < 0 then full[#full + 1] = e.key end
    end
  end
end
if #full > 1 then return full end

-- 3. Ask for leave. Redis checks the rights of the user at each call, so every command of the next section is called on
-- every key it will be called on, in a form that changes nothing: by adding 0, by setting what is set already, by a field
-- that is missing. Where nothing is there to leave as it is, by arguments that the command itself refuses.

local function ask(...)
  local reply = redis.pcall(...)
  local problem = type(reply) == 'table' and reply.err
  if problem and not string.find(problem, 'not an integer', 1, true)
    and not string.find(problem, 'wrong number of arguments', 1, true)
    and not string.find(problem, 'syntax error', 1, true) then return reply end
  return nil
end
local asked_set, asked_count, asked_expire = {}, {}, {}
local function ask_hash(key, field, ttl, counted)
  if key == nil then return nil end
  local problem
  if not asked_set[key] or (counted and not asked_count[key]) then
    asked_set[key], asked_count[key] = true, asked_count[key] or counted
    redis.call('HLEN', key)
    local value = redis.call('HGET', key, field)
    if value then problem = ask('HSET', key, field, value) else problem = ask('HSET', key, field, 0, field) end
    if counted then problem = problem or ask('HINCRBY', key, field, value and 0 or 'x') end
  end
  -- (A key that is there will have this time to live in any case.)
  if ttl and ttl ~= '' and not asked_expire[key] then
    asked_expire[key] = true
    redis.call('EXPIRE', key, ttl)
  end
  return problem
end
-- Both commands that make room in a hash with a limit, which is seldom full: a right that is missing shows at once.
local asked_room = {}
local function ask_room(key)
  if asked_room[key] then return end
  asked_room[key] = true
  redis.call('HRANDFIELD', key)
  local missing = ''
  while redis.call('HGET', key, missing) do missing = missing .. '?' end
  redis.call('HDEL', key, missing)
end
local function ask_record(e)
  local found = redis.call('TYPE', e.key).ok
  if found == 'hash' then return ask_hash(e.key, ARGV[e.first], nil, false) end
  if found == 'none' and not e.json then return ask_hash(e.key, ARGV[e.first], e.ttl, false) end
  if found ~= 'none' and found ~= 'string' then return nil end
  redis.call('GET', e.key)
  return ask('SET', e.key, '', 'EX')
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
    local asked = redis.pcall('XGROUP', 'DELCONSUMER', delivery.stream, delivery.group .. '?', ARGV[delivery.first])
    if type(asked) == 'table' and asked.err and not string.find(asked.err, 'NOGROUP', 1, true) then return asked end
  end
  local problem = delivery.verdict == 'A' and ask_hash(delivery.counters, 'last_id', nil, false)
  if problem then return problem end
end
for i, part in ipairs(parts) do
  if verdicts[i] == 'A' then
    for _, e in ipairs(part.effects) do
      local problem
      if e.op == 'A' then
        problem = ask('XADD', e.key, 'NOMKSTREAM', '*', 'f')
      elseif e.op == 'M' then
        problem = ask_record(e)
      else
        local field = e.field or ARGV[e.first]
        problem = ask_hash(e.key, field, e.ttl, e.op == 'C') or ask_hash(e.mirror, field, e.mirror_ttl, true)
          or ask_hash(e.overflow_key, e.overflow_field, nil, true)
        if e.op == 'R' or e.limit then redis.call('HMGET', e.key, field) end
        if e.op == 'R' and e.limit then ask_room(e.key) end
      end
      if problem then return problem end
    end
  end
end
for _, delivery in ipairs(deliveries) do
  if delivery.verdict == 'P' then redis.call('DEL', delivery.lease) end
end

-- 4. Write. From here on nothing can be refused.

local overflow, mended, unmerged, dropped = 0, 0, {}, {}

local function increment(key, field, by)
  local reply = redis.pcall('HINCRBY', key, field, by)
  if type(reply) == 'table' and reply.err then
    redis.call('HSET', key, field, by)
    mended = mended + 1
  end
end
local function expire(key, ttl)
  if ttl ~= '' then redis.call('EXPIRE', key, ttl) end
end

-- The field that count `f` of a capped hash goes to, and whether that is a fold.
local function resolve(e, size, f)
  local name, first = ARGV[e.first + f * 2], ARGV[e.folds + f * 2]
  if size < e.limit or first == '' then return name, false end
  if size < 2 * e.limit or redis.call('HGET', e.key, first) then return first, first ~= name end
  return ARGV[e.folds + f * 2 + 1], true
end

local WRITERS = {}
-- Many arguments are given in pages: unpack fails beyond some 8,000 values.
local PAGE = 1000
local function in_pages(command, key, list)
  for from = 1, #list, PAGE do redis.call(command, key, unpack(list, from, math.min(from + PAGE - 1, #list))) end
end
-- Position of a field (from 0) -> its value, or false where the hash has none.
local function present(e)
  local values = {}
  for from = 0, e.n - 1, PAGE do
    local command = {'HMGET', e.key}
    for f = from, math.min(from + PAGE, e.n) - 1 do command[#command + 1] = ARGV[e.first + f * 2] end
    for i, value in ipairs(redis.call(unpack(command))) do values[from + i - 1] = value end
  end
  return values
end
function WRITERS.C(e)
  local size = e.folds and redis.call('HLEN', e.key)
  local tight = e.folds and size + e.n > e.limit
  local there = tight and present(e)
  local folded = 0
  for f = 0, e.n - 1 do
    local field, by = ARGV[e.first + f * 2], ARGV[e.first + f * 2 + 1]
    if tight and not there[f] then
      local fold
      field, fold = resolve(e, size, f)
      if fold then folded = folded + tonumber(by) end
      increment(e.key, field, by)
      size = redis.call('HLEN', e.key)
    else
      increment(e.key, field, by)
    end
    if e.mirror then increment(e.mirror, field, by) end
  end
  if e.n > 0 then expire(e.key, e.ttl) end
  if e.mirror then expire(e.mirror, e.mirror_ttl) end
  if folded > 0 and e.overflow_key then
    overflow = overflow + folded
    increment(e.overflow_key, e.overflow_field, folded)
  end
end

-- The number that a field holds; nil for what is none, or no finite one.
local function number_in(text)
  local number = tonumber(text)
  if number and number - number == 0 then return number end
  return nil
end

-- Drop `excess` fields, those with the lowest values among the `fresh` ones, which are not there yet, and some that are
-- there, taken at random: enough of them that only low ones go, and no more than in proportion to what is to go, since
-- to look through thousands of fields for each new one would take too long; of many, a smaller proportion.
local SAMPLE, SAMPLE_FOR_EACH, MANY, FOR_EACH_OF_MANY = 16, 8, 3200, 3
local function make_room(e, fresh, excess)
  local numbers = {}
  for i, one in ipairs(fresh) do numbers[i] = one.number end
  local size = math.max(math.min(SAMPLE + SAMPLE_FOR_EACH * excess, MANY), FOR_EACH_OF_MANY * excess)
  local sample = redis.call('HRANDFIELD', e.key, size, 'WITHVALUES')
  for i = 2, #sample, 2 do
    sample[i] = number_in(sample[i]) or -math.huge
    numbers[#numbers + 1] = sample[i]
  end
  table.sort(numbers)
  local last = math.min(excess, #numbers)
  local highest, equal = numbers[last], 0
  while numbers[last - equal] == highest do equal = equal + 1 end
  local function goes(number)
    if number == highest then equal = equal - 1 end
    return number < highest or (number == highest and equal >= 0)
  end
  for _, one in ipairs(fresh) do one.dropped = goes(one.number) end
  local gone = {}
  for i = 2, #sample, 2 do
    if goes(sample[i]) then gone[#gone + 1] = sample[i - 1] end
  end
  in_pages('HDEL', e.key, gone)
  dropped[e.key] = (dropped[e.key] or 0) + last
  if e.overflow_key then increment(e.overflow_key, e.overflow_field, last) end
end

function WRITERS.R(e)
  local there, fresh, raised = present(e), {}, {}
  for f = 0, e.n - 1 do
    local field, value, current = ARGV[e.first + f * 2], ARGV[e.first + f * 2 + 1], there[f]
    if current then
      local number = number_in(current)
      if number == nil then mended = mended + 1 end
      if number == nil or number < tonumber(value) then
        raised[#raised + 1] = field
        raised[#raised + 1] = value
      end
    else
      fresh[#fresh + 1] = {field = field, number = tonumber(value), value = value}
    end
  end
  in_pages('HSET', e.key, raised)
  if e.limit and #fresh > 0 then
    local excess = redis.call('HLEN', e.key) + #fresh - e.limit
    if excess > 0 then make_room(e, fresh, excess) end
  end
  local added = {}
  for _, one in ipairs(fresh) do
    if not one.dropped then
      added[#added + 1] = one.field
      added[#added + 1] = one.value
    end
  end
  in_pages('HSET', e.key, added)
  if e.n > 0 then expire(e.key, e.ttl) end
end
local function raise_id(key, field, id)
  local current = redis.call('HGET', key, field)
  if not current or id_less(current, id) then redis.call('HSET', key, field, id) end
end
function WRITERS.I(e) raise_id(e.key, e.field, e.id) end
function WRITERS.P(e)
  for f = 0, e.n - 1 do
    redis.call('HSET', e.key, ARGV[e.first + f * 2], ARGV[e.first + f * 2 + 1])
  end
  if e.n > 0 or e.op == 'N' then expire(e.key, e.ttl) end
end
function WRITERS.N(e)
  local current = redis.call('HGET', e.key, e.field)
  if current and id_less(e.id, current) then return end
  redis.call('HSET', e.key, e.field, e.id)
  WRITERS.P(e)
end
function WRITERS.A(e)
  local command = {'XADD', e.key}
  if e.max_length ~= '' then
    table.insert(command, 'MAXLEN')
    table.insert(command, '~')
    table.insert(command, e.max_length)
  end
  table.insert(command, '*')
  for a = e.first, e.first + e.n * 2 - 1 do table.insert(command, ARGV[a]) end
  redis.call(unpack(command))
end
function WRITERS.M(e)
  local found = redis.call('TYPE', e.key).ok
  local json = found == 'string' or (found == 'none' and e.json)
  local n = found == 'none' and e.n + e.beside or e.n
  if json then
    local replaced, added = {}, {}
    for a = e.first, e.first + (n - 1) * 3, 3 do
      replaced[ARGV[a]] = true
      added[#added + 1] = ARGV[a + 2]
    end
    if found == 'none' then
      redis.call('SET', e.key, '{' .. table.concat(added, ',') .. '}', 'EX', e.ttl)
      return
    end
    local fine, text = pcall(merged, redis.call('GET', e.key), replaced, added)
    if fine then redis.call('SET', e.key, text, 'KEEPTTL') else unmerged[#unmerged + 1] = e.key end
  elseif found == 'hash' or found == 'none' then
    local command = {'HSET', e.key}
    for a = e.first, e.first + (n - 1) * 3, 3 do
      command[#command + 1] = ARGV[a]
      command[#command + 1] = ARGV[a + 1]
    end
    redis.call(unpack(command))
    if found == 'none' then expire(e.key, e.ttl) end
  else
    unmerged[#unmerged + 1] = e.key
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
    for _, effect in ipairs(part.effects) do WRITERS[effect.op](effect) end
  end
end

local reply = {'OK'}
for i = 1, #parts do reply[i + 1] = verdicts[i] end
reply[#reply + 1] = overflow
reply[#reply + 1] = mended
reply[#reply + 1] = unmerged
reply[#reply + 1] = {}
for key, count in pairs(dropped) do
  table.insert(reply[#reply], key)
  table.insert(reply[#reply], count)
end
return reply
