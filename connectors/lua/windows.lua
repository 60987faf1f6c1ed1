-- The effects of a commit that count in windows; see effects.lua, and `Windows` for how they lie in Redis.

-- W key open-key at length window-count, then   window-key start       then field-count, then   name increment
--   adds to integers in the hash of each window that is not closed, raises newest of key to at, and counts in late of key
--   how many windows were closed; an open one is noted in the set open-key, by its start, with its end

-- A number of seconds, as text. (What is none would make the script fail when it has written already.)
local function take_seconds()
  local text = take()
  if not number_in(text) then error('not a number of seconds: ' .. tostring(text)) end
  return text
end
-- Event time moves on to e.at; the number up to which windows are closed, nil where none is.
local function move_on(e)
  local state = redis.call('HMGET', e.key, 'newest', 'closed')
  local newest = number_in(state[1] or '')
  if not newest or newest < tonumber(e.at) then redis.call('HSET', e.key, 'newest', e.at) end
  return number_in(state[2] or '')
end
local function ask_windows(e)
  redis.call('HMGET', e.key, 'newest')
  local problem = ask_hash(e.key, 'late', nil, true) or ask('ZADD', e.also[1].key, 'x', 'x')
  for i = 2, #e.also do problem = problem or ask_hash(e.also[i].key, ARGV[e.first] or 'late', nil, true) end
  return problem
end

EFFECTS.W = {
  read = function()
    local e = {key = take_key(), wanted = 'hash', also = {{key = take_key(), wanted = 'zset'}}, at = take_seconds(),
               length = tonumber(take_seconds()), starts = {}}
    for i = 1, take_number() do e.also[i + 1], e.starts[i] = {key = take_key(), wanted = 'hash'}, take_seconds() end
    e.n = take_number()
    return skip(e, 2)
  end,
  ask = ask_windows,
  write = function(e)
    local closed, late = move_on(e), 0
    for i, start in ipairs(e.starts) do
      local ends = tonumber(start) + e.length
      if closed and ends <= closed then
        late = late + 1
      else
        redis.call('ZADD', e.also[1].key, ends, start)
        for a = e.first, e.first + (e.n - 1) * 2, 2 do increment(e.also[i + 1].key, ARGV[a], ARGV[a + 1]) end
      end
    end
    if late > 0 then increment(e.key, 'late', late) end
  end,
}

-- V key open-key sessions-key of at gap field-count, then   name increment
--   the same for the session that holds at. Each open session of the same has in the hash sessions-key its start, with its
--   newest event time, and its counts, by start, a blank and the name; in open-key it is start, a blank and of

-- Start of each open session in a hash -> its newest event time, both as text. Read once: the hash has all names of all.
local function sessions_of(hash)
  if not sessions_in[hash] then
    local sessions, held = {}, redis.call('HGETALL', hash)
    for f = 1, #held, 2 do
      if not string.find(held[f], ' ', 1, true) and tonumber(held[f]) and tonumber(held[f + 1]) then
        sessions[held[f]] = held[f + 1]
      end
    end
    sessions_in[hash] = sessions
  end
  return sessions_in[hash]
end
local asked_sessions = {}
EFFECTS.V = {
  read = function()
    local e = {key = take_key(), wanted = 'hash',
               also = {{key = take_key(), wanted = 'zset'}, {key = take_key(), wanted = 'hash'}}, of = take(),
               at = take_seconds(), gap = tonumber(take_seconds()), n = take_number()}
    return skip(e, 2)
  end,
  ask = function(e)
    local hash, problem = e.also[2].key, nil
    redis.call('ZREM', e.also[1].key, '')
    if not asked_sessions[hash] then
      asked_sessions[hash] = true
      redis.call('HDEL', hash, '')
      problem = ask_on(e.lease, 'HGETALL', hash)
    end
    return problem or ask_windows(e)
  end,
  write = function(e)
    local closed, at, open, hash = move_on(e), tonumber(e.at), e.also[1].key, e.also[2].key
    local sessions, first, last, touched = sessions_of(hash), e.at, e.at, {}
    for start, newest in pairs(sessions) do
      if at < tonumber(newest) + e.gap and tonumber(start) < at + e.gap then
        touched[start] = true
        if tonumber(start) < tonumber(first) then first = start end
        if tonumber(newest) > tonumber(last) then last = newest end
      end
    end
    if not next(touched) and closed and at + e.gap <= closed then
      increment(e.key, 'late', 1)
      return
    end
    touched[first] = nil
    local held = next(touched) and redis.call('HGETALL', hash) or {}
    for f = 1, #held, 2 do
      local start, name = string.match(held[f], '^(%S+) (.*)$')
      if touched[start or held[f]] then
        if start then
          increment(hash, first .. ' ' .. name, held[f + 1])
        else
          redis.call('ZREM', open, held[f] .. ' ' .. e.of)
          sessions[held[f]] = nil
        end
        redis.call('HDEL', hash, held[f])
      end
    end
    redis.call('HSET', hash, first, last)
    sessions[first] = last
    redis.call('ZADD', open, string.format('%.17g', tonumber(last) + e.gap), first .. ' ' .. e.of)
    for a = e.first, e.first + (e.n - 1) * 2, 2 do increment(hash, first .. ' ' .. ARGV[a], ARGV[a + 1]) end
  end,
}
