-- Put before the scripts that compare stream IDs. As text: a sequence of 64 bits does not fit a Lua number.
local function id_less(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)-(%d+)$')
  -- What is no ID comes before all that are.
  if a_ms == nil then return b_ms ~= nil end
  if b_ms == nil then return false end
  if #a_ms ~= #b_ms then return #a_ms < #b_ms end
  if a_ms ~= b_ms then return a_ms < b_ms end
  if #a_seq ~= #b_seq then return #a_seq < #b_seq end
  return a_seq < b_seq
end
