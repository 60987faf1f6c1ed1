-- Leave a sign of life: fields of a hash, and when that was by the clock of Redis.
--
-- A script that has written is no longer refused for want of memory, and to remove what is not there takes none.
--
-- KEYS  1 hash
-- ARGV  1 field for the time, epoch seconds   then  field value ...
redis.call('HDEL', KEYS[1], '')
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d.%03d', now[1], math.floor(now[2] / 1000)), unpack(ARGV, 2))
