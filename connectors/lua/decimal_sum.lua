-- The sum of two decimal numbers that are text, exact to the last digit: a number of Lua, as one of HINCRBYFLOAT, is
-- binary, and 0.1 + 0.2 is not 0.3 in it. Written like the longer fraction of the two: 0.10 + 0.2 is 0.30.

local DIGITS_AT_ONCE = 14 -- of what a Lua number holds exactly, with room for a carry
local LONGEST_DECIMAL = 1000 -- longer text is no number to us: adding to it would take long, each time

-- Whether it is negative, its digits before and behind the point; nil for what is no decimal number.
local function decimal_parts(text)
  if #text > LONGEST_DECIMAL then return nil end
  local sign, whole, fraction = string.match(text, '^(%-?)(%d+)%.?(%d*)$')
  if not whole then return nil end
  return sign == '-', whole, fraction
end

-- `a` + `sign` * `b`, digits of the same length, where that is not negative.
local function digits_combined(a, b, sign)
  local pieces, carry = {}, 0
  for last = #a, 1, -DIGITS_AT_ONCE do
    local first = math.max(last - DIGITS_AT_ONCE + 1, 1)
    local width = last - first + 1
    local piece = tonumber(string.sub(a, first, last)) + sign * tonumber(string.sub(b, first, last)) + carry
    carry = piece >= 10 ^ width and 1 or piece < 0 and -1 or 0
    table.insert(pieces, 1, string.format('%0' .. width .. '.0f', piece - carry * 10 ^ width))
  end
  if carry == 1 then table.insert(pieces, 1, '1') end
  return table.concat(pieces)
end

-- Nil where either is no decimal number.
local function decimal_sum(a, b)
  local a_negative, a_whole, a_fraction = decimal_parts(a)
  local b_negative, b_whole, b_fraction = decimal_parts(b)
  if a_whole == nil or b_whole == nil then return nil end
  local scale = math.max(#a_fraction, #b_fraction)
  local width = math.max(#a_whole, #b_whole)
  local function digits(whole, fraction)
    return string.rep('0', width - #whole) .. whole .. fraction .. string.rep('0', scale - #fraction)
  end
  local x, y, negative = digits(a_whole, a_fraction), digits(b_whole, b_fraction), a_negative
  local sum
  if a_negative == b_negative then
    sum = digits_combined(x, y, 1)
  elseif x >= y then
    sum = digits_combined(x, y, -1)
  else
    sum, negative = digits_combined(y, x, -1), b_negative
  end
  local whole = string.gsub(string.sub(sum, 1, #sum - scale), '^0+', '')
  if whole == '' then whole = '0' end
  local text = scale > 0 and whole .. '.' .. string.sub(sum, #sum - scale + 1) or whole
  if negative and string.find(sum, '[1-9]') then text = '-' .. text end
  return text
end
