-- Take over pending entries: those of a consumer that has no lease any more, or of a read of our own that is not known to
-- have reached us. One call takes at most `count` entries, into the name of a read that was not used before: there they
-- are like any others that were read. A name with nothing left is deleted from the group, in this same step; never
-- before, since XGROUP DELCONSUMER throws its pending entries away.
--
-- Entries that were pending but are gone from the stream (trimmed, deleted) can never be counted: they are taken off
-- the pending list and counted as trimmed, in this same step.
--
-- KEYS  1 stream   2 our lease   3 the owner's lease (ours: the name is one of our own)   4 hash of counters
-- ARGV  1 group    2 the name that gets them    3 our token    4 the name that has them   5 count
--       6 only those that were delivered to that name so many milliseconds ago; 0: all
-- Reply {'LOST'}      we hold no lease: nothing done
--       {'ALIVE'}     the other holds a lease: nothing done
--       {'TAKEN', entries, trimmed, left}   entries are pending for the new name now; so many were trimmed; 1 when the old
--                     name may have more of them, else 0. With nothing left it was deleted
if redis.call('GET', KEYS[2]) ~= ARGV[3] then return {'LOST'} end
local own = KEYS[2] == KEYS[3]
if not own and redis.call('EXISTS', KEYS[3]) == 1 then return {'ALIVE'} end

local count = math.min(tonumber(ARGV[5]), 4000) -- unpack fails beyond some 8,000 values
local page
if ARGV[6] == '0' then
  page = redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', count, ARGV[4])
else
  page = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[6], '-', '+', count, ARGV[4])
end
-- Whether nothing is pending for it any more.
local function is_empty()
  if ARGV[6] == '0' then return #page < count end
  return #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[4]) == 0
end
-- XACK first: Redis allows it even when maxmemory is reached, and then all else in the same script.
redis.call('XACK', KEYS[1], ARGV[1], '0-0')
-- What comes last is called once before the first write, changing nothing: it fails here or not at all, be it for the
-- type of the key or for the rights of the user. (There is no such group.)
local asked = redis.pcall('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1] .. '?', ARGV[4])
if type(asked) == 'table' and asked.err and not string.find(asked.err, 'NOGROUP', 1, true) then return asked end
if #page == 0 then
  if is_empty() then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[4]) end
  return {'TAKEN', {}, 0, 0}
end
redis.call('HINCRBY', KEYS[4], 'trimmed_total', 0)

local claim = {'XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0}
for i = 1, #page do claim[#claim + 1] = page[i][1] end
local claimed = redis.call(unpack(claim))

local entries, alive = {}, {}
for i = 1, table.getn(page) do
  local entry = claimed[i]
  -- Redis 6.2 answers nothing for an entry that is gone and leaves it pending; later versions leave it out.
  if entry and entry[2] then
    entries[#entries + 1] = entry
    alive[entry[1]] = true
  end
end
local gone = {}
for i = 1, #page do
  if not alive[page[i][1]] then gone[#gone + 1] = page[i][1] end
end
if #gone > 0 then
  redis.call('XACK', KEYS[1], ARGV[1], unpack(gone))
  redis.call('HINCRBY', KEYS[4], 'trimmed_total', #gone)
end
if not own and #entries > 0 then redis.call('HINCRBY', KEYS[4], 'claimed_total', #entries) end
local left = #page == count and 1 or 0
if is_empty() then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[4]) end
return {'TAKEN', entries, #gone, left}
