-- Put before a script that sets members of a JSON object. It works on the text: what is decoded and encoded again comes
-- out otherwise (an empty list as an object, a long number with other digits), and the members that are not to be set
-- must stay as they are.

-- The position of the quote that ends the string that begins at `at`.
local function string_end(text, at)
  while true do
    at = string.find(text, '["\\]', at + 1)
    if string.byte(text, at) == 34 then return at end
    at = at + 1
  end
end

-- The position where the value that begins at `at` ends.
local function value_end(text, at)
  local opening = string.sub(text, at, at)
  if opening == '"' then return string_end(text, at) end
  if opening ~= '{' and opening ~= '[' then return string.find(text, '[,}%s]', at) - 1 end
  local depth = 0
  repeat
    at = string.find(text, '["%[%]{}]', at)
    local found = string.sub(text, at, at)
    if found == '"' then
      at = string_end(text, at)
    elseif found == '{' or found == '[' then
      depth = depth + 1
    else
      depth = depth - 1
    end
    at = at + 1
  until depth == 0
  return at - 1
end

-- The object `text` with the member texts `added` in place of those members whose names are keys of `replaced`. Raises an
-- error when it is no JSON object.
local function merged(text, replaced, added)
  cjson.decode(text)
  local kept, count = {}, 0
  local at, more = string.match(text, '^%s*{%s*()([^}]?)')
  while more ~= '' and more ~= '}' do
    local first, name_end = at, string_end(text, at)
    local name = string.sub(text, at + 1, name_end - 1)
    if string.find(name, '\\', 1, true) then name = cjson.decode('["' .. name .. '"]')[1] end
    local last = value_end(text, string.match(text, '^%s*:%s*()', name_end + 1))
    count = count + 1
    if not replaced[name] then kept[#kept + 1] = string.sub(text, first, last) end
    more, at = string.match(text, '^%s*([,}])%s*()', last + 1)
  end
  if #kept == count then kept = {(string.gsub(string.match(text, '^%s*{%s*(.*)}%s*$'), '%s+$', ''))} end
  if count > 0 and kept[1] ~= nil then table.insert(added, 1, table.concat(kept, ',')) end
  return '{' .. table.concat(added, ',') .. '}'
end
