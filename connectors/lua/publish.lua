-- Publish rows: each becomes an entry of a stream and the newest value of a hash, both in this step, once a turn.
--
-- The stamp in a row's hash says which turn it was published in: what is repeated, or done by several at once, is
-- published by whoever comes first. A stamp that is further ahead than the hash could live is nobody's, and counts for
-- nothing.
--
-- KEYS  1 stream, then the hash of each row
-- ARGV  1 entries to keep, about   2 time to live of a hash, in seconds   3 field of the hash that holds the stamp
--       4 stamp (a number)   5 lowest stamp of this turn   6 how many fields a row has, then their names, then the values
--       of each row
-- Reply one letter a row
--         P published   S skipped: was published in this turn, or in a later one   W its key holds another type
local max_length, ttl, stamp_field, stamp, turn, width = ARGV[1], ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])

local found = redis.call('TYPE', KEYS[1]).ok
if found ~= 'stream' and found ~= 'none' then
  return redis.error_reply('WRONGTYPE ' .. KEYS[1] .. ' is a ' .. found .. ' and must be a stream')
end

local entry = {'XADD', KEYS[1], 'MAXLEN', '~', max_length, '*'}
local hash = {'HSET', '', stamp_field, stamp}
local verdicts = {}
for row = 1, #KEYS - 1 do
  local key = KEYS[row + 1]
  local last = redis.pcall('HGET', key, stamp_field)
  if type(last) == 'table' then
    if not string.find(last.err, 'WRONGTYPE', 1, true) then return last end
    verdicts[row] = 'W'
  else
    last = last and tonumber(last)
    if last and last >= turn and last < turn + tonumber(ttl) then
      verdicts[row] = 'S'
    else
      local values = 6 + row * width
      for f = 1, width do
        entry[5 + f * 2], entry[6 + f * 2] = ARGV[6 + f], ARGV[values + f]
        hash[3 + f * 2], hash[4 + f * 2] = ARGV[6 + f], ARGV[values + f]
      end
      hash[2] = key
      redis.call(unpack(entry))
      redis.call(unpack(hash))
      redis.call('EXPIRE', key, ttl)
      verdicts[row] = 'P'
    end
  end
end
return table.concat(verdicts)
