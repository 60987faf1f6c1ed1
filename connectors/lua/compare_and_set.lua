-- Advance a state and append to a stream what follows from it, in one step, if nobody else has advanced it meanwhile.
--
-- KEYS  1 hash with the state   2 stream
-- ARGV  1 field that holds the version   2 version that the step was built upon (empty: none)   3 version that it makes
--       4 about how many entries the stream keeps
--       5 count of fields to remove, then each
--         count of fields to set, then for each   name value
--         count of entries, then for each         field-count, then name value ...
-- Reply {'APPLIED'}                           done, now or by an earlier call with this very version
--       {'STALE'}                             the state has another version: nothing done
--       {'WRONGTYPE', key, found, wanted}     nothing done
for i, wanted in ipairs({'hash', 'stream'}) do
  local found = redis.call('TYPE', KEYS[i]).ok
  if found ~= 'none' and found ~= wanted then return {'WRONGTYPE', KEYS[i], found, wanted} end
end
local version = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if version == ARGV[3] then return {'APPLIED'} end
if version ~= ARGV[2] then return {'STALE'} end

local cursor = 4
local function take()
  cursor = cursor + 1
  return ARGV[cursor]
end

-- (What is asked first is a command that Redis allows even when `maxmemory` is reached, and then the rest, too: a full Redis
-- cannot stop it.)
local problem = ask('HDEL', KEYS[1], '') or ask('HSET', KEYS[1], ARGV[1], 0, ARGV[1])
  or ask('XADD', KEYS[2], 'NOMKSTREAM', '*', 'f')
if problem then return problem end

redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
for _ = 1, tonumber(take()) do redis.call('HDEL', KEYS[1], take()) end
for _ = 1, tonumber(take()) do redis.call('HSET', KEYS[1], take(), take()) end
for _ = 1, tonumber(take()) do
  local command = {'XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*'}
  for _ = 1, tonumber(take()) * 2 do command[#command + 1] = take() end
  redis.call(unpack(command))
end
return {'APPLIED'}
