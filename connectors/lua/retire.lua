-- End a consumer that stops in good order: give its lease back, and delete it and its reads from the group, as far as
-- nothing is pending. With something pending a name stays, and whoever finds it without a lease takes its entries over.
--
-- KEYS  1 stream   2 our lease
-- ARGV  1 group    2 our token   3 ... our names
-- Reply 1 done, 0 the lease was not ours any more: nothing done
if redis.call('GET', KEYS[2]) ~= ARGV[2] then return 0 end
for i = 3, #ARGV do
  local page = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[i])
  if #page == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[i]) end
end
redis.call('DEL', KEYS[2])
return 1
