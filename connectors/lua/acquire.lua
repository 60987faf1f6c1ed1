-- Take a lease: it must be free, or still ours from before.
--
-- KEYS  1 lease      2 hash of counters
-- ARGV  1 new token (the same again while no reply to it arrived)   2 our token until now (empty: none)
--       3 time to live in milliseconds
-- Reply 1 taken, 0 another holds it. A lease that replaces one of ours that was lost is counted as fenced.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[2] and holder ~= ARGV[1] then return 0 end
-- Adding 0 changes nothing, and fails before the lease is taken: for the type of the key, or the rights of the user.
redis.call('HINCRBY', KEYS[2], 'fenced_total', 0)
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
if ARGV[2] ~= '' and not holder then redis.call('HINCRBY', KEYS[2], 'fenced_total', 1) end
return 1
