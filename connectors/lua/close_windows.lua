-- Close windows: publish each that is still open, once, and let nothing more be counted in it, in this one step.
--
-- A window is open as long as the state says so (open:START); whoever finds that first closes it, so the step may be
-- repeated, and done by several at once. Nothing rolls back in a script, so leave is asked for before the first write: by
-- commands in a form that changes nothing.
--
-- KEYS  1 hash of the state   2 stream of the results   then the hash of each window
-- ARGV  1 closed: every window that ends then or before is closed from now on   2 ttl of a window that is closed, in seconds
--       3 entries that the stream keeps, about; empty: all   then for each window   start end
-- Reply {'OK'}
--       {'WRONGTYPE', key, found, wanted}: nothing was done
--       an error: nothing was done
local state, stream, closed, ttl, max_length = KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3]
local wanted = {'hash', 'stream'}
for i, key in ipairs(KEYS) do
  local found = redis.call('TYPE', key).ok
  local want = wanted[i] or 'hash'
  if found ~= 'none' and found ~= want then return {'WRONGTYPE', key, found, want} end
end

local function ask(...)
  local reply = redis.pcall(...)
  local problem = type(reply) == 'table' and reply.err
  if problem and not string.find(problem, 'not an integer', 1, true)
    and not string.find(problem, 'wrong number of arguments', 1, true)
    and not string.find(problem, 'syntax error', 1, true) then return reply end
  return nil
end
local before = redis.call('HGET', state, 'closed')
redis.call('HEXISTS', state, 'closed')
redis.call('HDEL', state, 'open:')
local problem = ask('XADD', stream, 'NOMKSTREAM', '*', 'f')
for i = 3, #KEYS do
  redis.call('HGETALL', KEYS[i])
  problem = problem or ask('EXPIRE', KEYS[i], 'x')
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

for i = 3, #KEYS do
  local start, ends = ARGV[i * 2 - 2], ARGV[i * 2 - 1]
  if redis.call('HEXISTS', state, 'open:' .. start) == 1 then
    local entry = {'XADD', stream}
    if max_length ~= '' then entry = {'XADD', stream, 'MAXLEN', '~', max_length} end
    for _, one in ipairs({'*', 'start', start, 'end', ends, 'counts', object(redis.call('HGETALL', KEYS[i]))}) do
      entry[#entry + 1] = one
    end
    redis.call(unpack(entry))
    redis.call('HDEL', state, 'open:' .. start)
    redis.call('EXPIRE', KEYS[i], ttl)
  end
end
return {'OK'}
