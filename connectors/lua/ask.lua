-- Ask for leave: call a command in a form that changes nothing, and that Redis refuses for its arguments at the most. Redis
-- checks the rights of the user at each call and undoes nothing, so each command is called so before the first that writes.
-- Nothing, or the reply that refuses it.
local function ask(...)
  local reply = redis.pcall(...)
  local problem = type(reply) == 'table' and reply.err
  if problem and not string.find(problem, 'not an integer', 1, true)
    and not string.find(problem, 'wrong number of arguments', 1, true)
    and not string.find(problem, 'not a valid float', 1, true)
    and not string.find(problem, 'syntax error', 1, true) then return reply end
  return nil
end
