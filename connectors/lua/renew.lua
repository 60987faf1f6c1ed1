-- Renew a lease, if it is still ours.
--
-- KEYS  1 lease
-- ARGV  1 our token   2 time to live in milliseconds
-- Reply 1 renewed, 0 lost
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
