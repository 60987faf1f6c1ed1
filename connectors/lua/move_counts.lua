-- Move counts from fields of hashes to the fields of the same names of other hashes, or to nowhere: all, or none.
--
-- Nothing rolls back in a script: so it looks whether each field holds as much, and asks for each right by a call that
-- changes nothing, before it moves anything. (An ask may leave a count of 0 behind where a later one is denied.)
-- A field that comes to 0 is removed, and its hash with the last of them. What is moved lives as long as it would have:
-- a target gets the time to live of its source, if that is longer than its own.
--
-- KEYS  the hashes
-- ARGV  for each move   source (a position in KEYS)   target (a position, or empty: nowhere)   field   count
-- Reply nothing when all was moved; else {key, field, what it holds or nothing} of the first that holds less
for a = 1, #ARGV, 4 do
  local source, target, field, count = KEYS[tonumber(ARGV[a])], KEYS[tonumber(ARGV[a + 1])], ARGV[a + 2], ARGV[a + 3]
  local value = redis.call('HGET', source, field)
  if not value or (tonumber(value) or 0) < tonumber(count) then return {source, field, value} end
  redis.call('HINCRBY', source, field, 0)
  redis.call('HDEL', source, '')
  redis.call('PTTL', source)
  if target then
    redis.call('HINCRBY', target, field, 0)
    redis.call('PTTL', target)
    local asked = redis.pcall('PEXPIRE', target, 'x')
    if not string.find(asked.err, 'not an integer', 1, true) then return asked end
  end
end

for a = 1, #ARGV, 4 do
  local source, target, field, count = KEYS[tonumber(ARGV[a])], KEYS[tonumber(ARGV[a + 1])], ARGV[a + 2], ARGV[a + 3]
  if target then
    redis.call('HINCRBY', target, field, count)
    local left = redis.call('PTTL', source)
    if left > redis.call('PTTL', target) then redis.call('PEXPIRE', target, left) end
  end
  if redis.call('HINCRBY', source, field, '-' .. count) == 0 then redis.call('HDEL', source, field) end
end
return {}
