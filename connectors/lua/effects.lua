-- The effects of a commit: for each letter how it is read from ARGV, what it asks leave for, and what it writes.
--
--   read()   -> effect, with its key and the type that this must have (wanted), or what it makes of one that is missing
--            (makes) where it copes with others. Two hashes may be named beside it (mirror, overflow_key), and any keys with
--            the types that they must have (also).
--   ask(e)   -> nothing, or the reply that refuses the commit. Writes nothing; see commit.lua.
--   write(e) cannot be refused any more.
--
-- A ttl is in seconds; an empty ttl, limit, max-length or key number means none.

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

-- What a commit reports: how much was folded, fields that held no number and were replaced, keys that are no records,
-- conditions that did not hold; key -> how many fields or members a limit left no room for.
local report = {overflow = 0, mended = 0, unmerged = {}, unmet = 0, dropped = {}}

-- 1. Asking for leave.

local asked_set, asked_count, asked_expire = {}, {}, {}
local function ask_expire(key, ttl)
  if not ttl or ttl == '' or asked_expire[key] then return nil end
  asked_expire[key] = true
  return ask('EXPIRE', key, 'x')
end
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
  return problem or ask_expire(key, ttl)
end
-- Leave for a command that has no form which changes nothing. Before Redis 7, where rules name no keys for a command, a
-- user has it for all keys or for none (and the type of this key was asked for already): so it is tried on the lease, a
-- string that it cannot be used on.
local function ask_on(lease, command, key, ...)
  if redis.acl_check_cmd then
    if redis.acl_check_cmd(command, key, ...) then return nil end
    return redis.error_reply('NOPERM this user may not ' .. command .. ' ' .. key)
  end
  local problem = redis.pcall(command, lease, ...)
  if type(problem) == 'table' and problem.err and not string.find(problem.err, 'WRONGTYPE', 1, true) then return problem end
  return nil
end

-- 2. What several effects share.

local function increment(key, field, by)
  local reply = redis.pcall('HINCRBY', key, field, by)
  if type(reply) == 'table' and reply.err then
    redis.call('HSET', key, field, by)
    report.mended = report.mended + 1
  end
end
local function expire(key, ttl)
  if ttl ~= '' then redis.call('EXPIRE', key, ttl) end
end
-- Many arguments are given in pages: unpack fails beyond some 8,000 values.
local PAGE = 1000
local function in_pages(command, key, list)
  for from = 1, #list, PAGE do redis.call(command, key, unpack(list, from, math.min(from + PAGE - 1, #list))) end
end
-- Position of a field of `names` -> its value, or false where the hash has none.
local function values_of(key, names)
  local values = {}
  for from = 1, #names, PAGE do
    local page = redis.call('HMGET', key, unpack(names, from, math.min(from + PAGE - 1, #names)))
    for i = 1, #page do values[from + i - 1] = page[i] end
  end
  return values
end
-- The same of the fields of an effect.
local function present(e)
  local names = {}
  for f = 1, e.n do names[f] = ARGV[e.first + f * 2 - 2] end
  return values_of(e.key, names)
end
-- Hash -> what is known of the sessions in it, see windows.lua.
local sessions_in = {}
local function skip(e, width)
  e.first = cursor + 1
  cursor = cursor + e.n * width
  return e
end

-- 3. The effects.

local EFFECTS = {}

-- C key ttl field-count limit overflow-key overflow-field mirror-key mirror-ttl,
--     then fold-count, then for each fold   prefix first second
--     then for each field   name increment
--   adds to integers (limit is empty: no cap); the mirror gets the same; what is folded is counted in overflow-field

-- Template of a fold -> a function of a name, and of where in it the rest behind the prefix begins, that fills it. (Thousands
-- of names may be folded in a commit: none of them costs a pattern where it can be helped.)
local PIECES = {
  name = function(name) return name end,
  head = function(name, from) return string.sub(name, from, (string.find(name, ':', from, true) or 0) - 1) end,
  tail = function(name, from) return string.match(name, '^.*:(.*)$', from) or string.sub(name, from) end,
}
local function ready(template)
  local before, piece, behind = string.match(template, '^(.-){(%a+)}(.*)$')
  if not piece then return function() return template end end
  local piece_of = PIECES[piece]
  if not string.find(behind, '{', 1, true) then
    return function(name, from) return before .. piece_of(name, from) .. behind end
  end
  local rest = ready(behind)
  return function(name, from) return before .. piece_of(name, from) .. rest(name, from) end
end
-- The first of the folds for a field of that name.
local function fold_for(e, name)
  for _, fold in ipairs(e.folds) do
    if string.sub(name, 1, fold.length) == fold.prefix then return fold end
  end
  return nil
end

local function add(e, field, by)
  increment(e.key, field, by)
  if e.mirror then increment(e.mirror, field, by) end
end

-- Count fields that the hash does not have, of `names`, in one that has `size`; how much of it was folded.
local function count_new(e, names, amounts, size)
  local known, made = {}, {}
  local function make(field, amount)
    made[#made + 1] = field
    made[#made + 1] = amount
    if e.mirror then increment(e.mirror, field, amount) end
  end
  local room = math.min(math.max(e.limit - size, 0), #names)
  for i = 1, room do
    known[names[i]] = true
    make(names[i], amounts[i])
  end
  in_pages('HSET', e.key, made)
  if room == #names then return 0 end

  local folds, firsts, asked = {}, {}, {}
  for i = room + 1, #names do
    local name = names[i]
    local fold = fold_for(e, name)
    if known[name] == nil then known[name] = false end
    if fold then
      local first = fold.first(name, fold.length + 1)
      folds[i], firsts[i] = fold, first
      if known[first] == nil then
        known[first] = false
        asked[#asked + 1] = first
      end
    end
  end
  for i, value in pairs(values_of(e.key, asked)) do known[asked[i]] = value ~= false end

  local sums, fresh, folded = {}, {}, 0
  size, made = size + room, {}
  for i = room + 1, #names do
    local name, amount, fold = names[i], tonumber(amounts[i]), folds[i]
    local field = name
    if fold and not known[name] then -- (or another was folded into it)
      field = firsts[i]
      if size >= 2 * e.limit and not known[field] then
        field = fold.second(name, fold.length + 1)
        if known[field] == nil then known[field] = redis.call('HGET', e.key, field) ~= false end
      end
      if field ~= name then folded = folded + amount end
    end
    if not known[field] then known[field], fresh[field], size = true, true, size + 1 end
    -- (Sums of those that are no longer than this are exact.)
    if #amounts[i] < 10 then
      sums[field] = (sums[field] or 0) + amount
    else
      add(e, field, amounts[i])
      fresh[field] = nil
    end
  end
  for field, sum in pairs(sums) do
    local amount = string.format('%.0f', sum)
    if fresh[field] then make(field, amount) else add(e, field, amount) end
  end
  in_pages('HSET', e.key, made)
  return folded
end

EFFECTS.C = {
  read = function()
    local e = {key = take_key(), wanted = 'hash', ttl = take(), n = take_number(), limit = tonumber(take()),
               overflow_key = take_optional_key(), overflow_field = take(),
               mirror = take_optional_key(), mirror_ttl = take(), folds = {}}
    for i = 1, take_number() do
      local prefix = take()
      e.folds[i] = {prefix = prefix, length = #prefix, first = ready(take()), second = ready(take())}
    end
    return skip(e, 2)
  end,
  ask = function(e)
    local field = ARGV[e.first]
    local problem = ask_hash(e.key, field, e.ttl, true) or ask_hash(e.mirror, field, e.mirror_ttl, true)
      or ask_hash(e.overflow_key, e.overflow_field, nil, true)
    if e.limit then redis.call('HMGET', e.key, field) end
    return problem
  end,
  write = function(e)
    -- (Where most of the fields are new it pays, too, to know which: those are made by few commands.)
    local size = e.limit and redis.call('HLEN', e.key)
    local there = size and (size + e.n > e.limit or size < e.n) and present(e)
    local names, amounts, new = {}, {}, 0
    for f = 0, e.n - 1 do
      local field, by = ARGV[e.first + f * 2], ARGV[e.first + f * 2 + 1]
      if there and not there[f + 1] then
        new = new + 1
        names[new], amounts[new] = field, by
      else
        add(e, field, by)
      end
    end
    local folded = new > 0 and count_new(e, names, amounts, size) or 0
    if folded > 0 and e.overflow_key then
      report.overflow = report.overflow + folded
      increment(e.overflow_key, e.overflow_field, string.format('%.0f', folded))
    end
    if e.n > 0 then
      expire(e.key, e.ttl)
      if e.mirror then expire(e.mirror, e.mirror_ttl) end
    end
  end,
}

-- S key ttl field-count, then   name value              adds decimal numbers

EFFECTS.S = {
  read = function() return skip({key = take_key(), wanted = 'hash', ttl = take(), n = take_number()}, 2) end,
  ask = function(e)
    redis.call('HMGET', e.key, ARGV[e.first])
    return ask_hash(e.key, ARGV[e.first], e.ttl, false)
  end,
  write = function(e)
    local there, sums = present(e), {}
    for f = 0, e.n - 1 do
      local value = ARGV[e.first + f * 2 + 1]
      local current = there[f + 1]
      local sum = current and decimal_sum(current, value)
      if current and not sum then report.mended = report.mended + 1 end
      sums[#sums + 1] = ARGV[e.first + f * 2]
      sums[#sums + 1] = sum or value
    end
    in_pages('HSET', e.key, sums)
    if e.n > 0 then expire(e.key, e.ttl) end
  end,
}

-- R key ttl limit dropped-key dropped-field field-count, then   name value        raises to a maximum
--   with a limit: fields beyond it that have the lowest values are dropped, and counted in dropped-field

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
  report.dropped[e.key] = (report.dropped[e.key] or 0) + last
  if e.overflow_key then increment(e.overflow_key, e.overflow_field, last) end
end

EFFECTS.R = {
  read = function()
    return skip({key = take_key(), wanted = 'hash', ttl = take(), limit = tonumber(take()),
                 overflow_key = take_optional_key(), overflow_field = take(), n = take_number()}, 2)
  end,
  ask = function(e)
    local field = ARGV[e.first]
    local problem = ask_hash(e.key, field, e.ttl, false) or ask_hash(e.overflow_key, e.overflow_field, nil, true)
    redis.call('HMGET', e.key, field)
    if e.limit then ask_room(e.key) end
    return problem
  end,
  write = function(e)
    local there, fresh, raised = present(e), {}, {}
    for f = 0, e.n - 1 do
      local field, value, current = ARGV[e.first + f * 2], ARGV[e.first + f * 2 + 1], there[f + 1]
      if current then
        local number = number_in(current)
        if number == nil then report.mended = report.mended + 1 end
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
  end,
}

-- I key field stream-id                                raises to the newest stream ID

local function raise_id(key, field, id)
  local current = redis.call('HGET', key, field)
  if not current or id_less(current, id) then redis.call('HSET', key, field, id) end
end
EFFECTS.I = {
  read = function() return {key = take_key(), wanted = 'hash', field = take(), id = take()} end,
  ask = function(e) return ask_hash(e.key, e.field, nil, false) end,
  write = function(e) raise_id(e.key, e.field, e.id) end,
}

-- P key ttl field-count, then   name value              sets fields

local function put(e)
  for f = 0, e.n - 1 do
    redis.call('HSET', e.key, ARGV[e.first + f * 2], ARGV[e.first + f * 2 + 1])
  end
  if e.n > 0 or e.op == 'N' then expire(e.key, e.ttl) end
end
EFFECTS.P = {
  read = function() return skip({key = take_key(), wanted = 'hash', ttl = take(), n = take_number()}, 2) end,
  ask = function(e) return ask_hash(e.key, ARGV[e.first], e.ttl, false) end,
  write = put,
}

-- N key field stream-id ttl field-count, then   name value
--   sets fields, unless field holds a newer stream ID; it then holds this one

EFFECTS.N = {
  read = function()
    return skip({key = take_key(), wanted = 'hash', field = take(), id = take(), ttl = take(), n = take_number()}, 2)
  end,
  ask = function(e) return ask_hash(e.key, e.field, e.ttl, false) end,
  write = function(e)
    local current = redis.call('HGET', e.key, e.field)
    if current and id_less(e.id, current) then return end
    redis.call('HSET', e.key, e.field, e.id)
    put(e)
  end,
}

-- X key field held expected value ttl missed-key missed-field
--   sets field if it holds expected (held is 1), or if there is none (held is 0); else counts that in missed-field

EFFECTS.X = {
  read = function()
    return {key = take_key(), wanted = 'hash', field = take(), held = take() == '1', expected = take(), value = take(),
            ttl = take(), overflow_key = take_optional_key(), overflow_field = take()}
  end,
  ask = function(e)
    return ask_hash(e.key, e.field, e.ttl, false) or ask_hash(e.overflow_key, e.overflow_field, nil, true)
  end,
  write = function(e)
    if redis.call('HGET', e.key, e.field) == (e.held and e.expected) then
      redis.call('HSET', e.key, e.field, e.value)
      expire(e.key, e.ttl)
    else
      report.unmet = report.unmet + 1
      if e.overflow_key then increment(e.overflow_key, e.overflow_field, 1) end
    end
  end,
}

-- A key max-length field-count, then   name value       appends to a stream

EFFECTS.A = {
  read = function() return skip({key = take_key(), wanted = 'stream', max_length = take(), n = take_number()}, 2) end,
  ask = function(e) return ask('XADD', e.key, 'NOMKSTREAM', '*', 'f') end,
  write = function(e)
    local command = {'XADD', e.key}
    if e.max_length ~= '' then
      table.insert(command, 'MAXLEN')
      table.insert(command, '~')
      table.insert(command, e.max_length)
    end
    table.insert(command, '*')
    for a = e.first, e.first + e.n * 2 - 1 do table.insert(command, ARGV[a]) end
    redis.call(unpack(command))
  end,
}

-- M key ttl json field-count beside-count, then   name value member
--   sets fields of a record, a hash or a JSON object; a member is `"name":value` as it is in JSON. A record that is missing
--   is made (an object when json is 1), with the fields beside, too, and the ttl

EFFECTS.M = {
  read = function()
    local e = {key = take_key(), ttl = take(), json = take() == '1', n = take_number(), beside = take_number(), first = cursor + 1}
    e.makes = e.json and 'string' or 'hash'
    cursor = cursor + (e.n + e.beside) * 3
    return e
  end,
  ask = function(e)
    local found = redis.call('TYPE', e.key).ok
    if found == 'hash' then return ask_hash(e.key, ARGV[e.first], nil, false) end
    if found == 'none' and not e.json then return ask_hash(e.key, ARGV[e.first], e.ttl, false) end
    if found ~= 'none' and found ~= 'string' then return nil end
    redis.call('GET', e.key)
    return ask('SET', e.key, '', 'EX')
  end,
  write = function(e)
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
      if fine then redis.call('SET', e.key, text, 'KEEPTTL') else report.unmerged[#report.unmerged + 1] = e.key end
    elseif found == 'hash' or found == 'none' then
      local command = {'HSET', e.key}
      for a = e.first, e.first + (n - 1) * 3, 3 do
        command[#command + 1] = ARGV[a]
        command[#command + 1] = ARGV[a + 1]
      end
      redis.call(unpack(command))
      if found == 'none' then expire(e.key, e.ttl) end
    else
      report.unmerged[#report.unmerged + 1] = e.key
    end
  end,
}

-- J key ttl count, then members                         adds to a set

EFFECTS.J = {
  read = function() return skip({key = take_key(), wanted = 'set', ttl = take(), n = take_number()}, 1) end,
  ask = function(e) return ask_expire(e.key, e.ttl) or ask_on(e.lease, 'SADD', e.key, '') end,
  write = function(e)
    for from = e.first, e.first + e.n - 1, PAGE do
      redis.call('SADD', e.key, unpack(ARGV, from, math.min(from + PAGE, e.first + e.n) - 1))
    end
    if e.n > 0 then expire(e.key, e.ttl) end
  end,
}

-- H key ttl count, then members                         adds to a HyperLogLog

EFFECTS.H = {
  read = function() return skip({key = take_key(), wanted = 'string', ttl = take(), n = take_number()}, 1) end,
  ask = function(e)
    local problem = ask_on(e.lease, 'PFADD', e.key, '')
    if problem then return problem end
    -- (Without members it only looks whether what is there is one.)
    if redis.call('EXISTS', e.key) == 1 then
      local tried = redis.pcall('PFADD', e.key)
      if type(tried) == 'table' and tried.err then
        if not string.find(tried.err, 'WRONGTYPE', 1, true) then return tried end
        return {'WRONGTYPE', e.key, 'string', 'HyperLogLog'}
      end
    end
    return ask_expire(e.key, e.ttl)
  end,
  write = function(e)
    -- (One whose inside was damaged by hand shows that only now.)
    for from = e.first, e.first + e.n - 1, PAGE do
      local reply = redis.pcall('PFADD', e.key, unpack(ARGV, from, math.min(from + PAGE, e.first + e.n) - 1))
      if type(reply) == 'table' and reply.err then
        report.unmerged[#report.unmerged + 1] = e.key
        return
      end
    end
    if e.n > 0 then expire(e.key, e.ttl) end
  end,
}

-- T key ttl limit count, then   member increment        adds to scores; only those with the highest stay

EFFECTS.T = {
  read = function()
    return skip({key = take_key(), wanted = 'zset', ttl = take(), limit = tonumber(take()), n = take_number()}, 2)
  end,
  ask = function(e)
    redis.call('ZCARD', e.key)
    return ask_expire(e.key, e.ttl) or ask('ZINCRBY', e.key, 'x', '')
      or (e.limit and ask('ZREMRANGEBYRANK', e.key, 'x', 0) or nil)
  end,
  write = function(e)
    for a = e.first, e.first + (e.n - 1) * 2, 2 do redis.call('ZINCRBY', e.key, ARGV[a + 1], ARGV[a]) end
    local excess = e.limit and redis.call('ZCARD', e.key) - e.limit or 0
    if excess > 0 then redis.call('ZREMRANGEBYRANK', e.key, 0, excess - 1) end
    if e.n > 0 then expire(e.key, e.ttl) end
  end,
}

-- D key                                                 deletes it, whatever it holds

EFFECTS.D = {
  read = function() return {key = take_key()} end,
  -- (DEL has no form that leaves an existing key alone; a life of no seconds deletes it as well.)
  ask = function(e) return ask('EXPIRE', e.key, 'x') end,
  write = function(e)
    redis.call('EXPIRE', e.key, 0)
    sessions_in[e.key] = nil
  end,
}
