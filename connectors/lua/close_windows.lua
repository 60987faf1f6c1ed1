-- Close windows: publish each that is still open, once, and let nothing more be counted in it, in this one step.
--
-- A window is open as long as the set of open ones says so; whoever finds it there first closes it, so the step may be
-- repeated, and done by several at once. A session that has gone on since it was read ends later than was said, and is left.
-- Nothing rolls back in a script, so leave is asked for before the first write: by commands in a form that changes nothing.
--
-- KEYS  1 hash of the state   2 stream of the results   3 set of the open windows   then the hash of each window
-- ARGV  1 closed: every window that ends then or before is closed from now on   2 ttl of a window that is closed, in seconds
--       3 entries that the stream keeps, about; empty: all   4 1 for sessions, else 0   then for each window   start end of
-- Reply {'OK'}
--       {'WRONGTYPE', key, found, wanted}: nothing was done
--       an error: nothing was done
local state, stream, open, closed, ttl, max_length = KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2], ARGV[3]
local sessions = ARGV[4] == '1'
local FIRST, WIDTH = 5, 3
local wanted = {'hash', 'stream', 'zset'}
for i, key in ipairs(KEYS) do
  local found = redis.call('TYPE', key).ok
  local want = wanted[i] or 'hash'
  if found ~= 'none' and found ~= want then return {'WRONGTYPE', key, found, want} end
end

local before = redis.call('HGET', state, 'closed')
redis.call('ZSCORE', open, '')
redis.call('ZREM', open, '')
local problem = ask('XADD', stream, 'NOMKSTREAM', '*', 'f')
for i = 4, #KEYS do
  redis.call('HGETALL', KEYS[i])
  if sessions then redis.call('HDEL', KEYS[i], '') else problem = problem or ask('EXPIRE', KEYS[i], 'x') end
end
if problem then return problem end

-- From here on nothing can be refused, if the first of it is not.
if not (tonumber(before) and tonumber(before) >= tonumber(closed)) then redis.call('HSET', state, 'closed', closed) end

-- Name -> count as a JSON object, by name. (A number goes in as the text that it is: Lua's have 53 bits.)
local function object(flat)
  local names, values = {}, {}
  for f = 1, #flat, 2 do
    names[#names + 1], values[flat[f]] = flat[f], flat[f + 1]
  end
  table.sort(names)
  for i, name in ipairs(names) do
    local value = values[name]
    if not string.find(value, '^-?%d+$') then value = cjson.encode(value) end
    names[i] = cjson.encode(name) .. ':' .. value
  end
  return '{' .. table.concat(names, ',') .. '}'
end
-- Names and counts of a session, which it then has no more.
local function taken(hash, start)
  local flat, prefix = {}, start .. ' '
  local held = redis.call('HGETALL', hash)
  for f = 1, #held, 2 do
    if string.sub(held[f], 1, #prefix) == prefix then
      flat[#flat + 1], flat[#flat + 2] = string.sub(held[f], #prefix + 1), held[f + 1]
      redis.call('HDEL', hash, held[f])
    end
  end
  redis.call('HDEL', hash, start)
  return flat
end

for i = 4, #KEYS do
  local at = FIRST + (i - 4) * WIDTH
  local start, ends, of = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local noted = sessions and start .. ' ' .. of or start
  if tonumber(redis.call('ZSCORE', open, noted) or '') == tonumber(ends) then
    local entry = {'XADD', stream}
    if max_length ~= '' then entry = {'XADD', stream, 'MAXLEN', '~', max_length} end
    local fields = {'*', 'start', start, 'end', ends, 'counts',
                    object(sessions and taken(KEYS[i], start) or redis.call('HGETALL', KEYS[i]))}
    if sessions then fields[#fields + 1], fields[#fields + 2] = 'of', of end
    for _, one in ipairs(fields) do entry[#entry + 1] = one end
    redis.call(unpack(entry))
    redis.call('ZREM', open, noted)
    if not sessions then redis.call('EXPIRE', KEYS[i], ttl) end
  end
end
return {'OK'}
