/**
 * A place in `ready` is one number: `(9 - priority) * laneWidth + readyAt`. Times in milliseconds stay below 2^43 until
 * the year 2248, and ten lanes of that width are far below 2^53, up to which a sorted set counts exactly.
 */
export const laneWidth: number = 2 ** 43;

/** How many due or expired messages one call makes ready, so that none holds the server up for long. */
export const promoteLimit = 500;

/**
 * What scripts share, each part under the name that they use it by; a part may use those before it. A script begins with
 * the parts that it mentions: making all of them took a fifth of the time of a publish to an idle server.
 *
 * A member of a sorted set is 17 characters: the message's number in 15 digits, which orders equal places by publishing,
 * its priority, and `k` when its publisher chose its id, else `-`. Time is the server's, so clocks of clients do not
 * matter. Commands are given at most 2000 arguments, because Lua's `unpack` has a limit.
 */
export const prelude: Readonly<Record<string, string>> = {
  clock: "local clock = redis.call('TIME')",
  now: "local now = clock[1] * 1000 + math.floor(clock[2] / 1000)",
  nowText: "local nowText = string.format('%.0f', now)",
  place: `
local function place(member, readyAt)
  return (57 - string.byte(member, 16)) * ${laneWidth} + readyAt
end`,
  write: `
local function write(command, key, list)
  for first = 1, #list, 2000 do
    redis.call(command, key, unpack(list, first, math.min(first + 1999, #list)))
  end
end`,
  fetch: `
local function fetch(command, key, fields)
  if #fields <= 2000 then
    if #fields == 0 then return {} end
    return redis.call(command, key, unpack(fields))
  end
  local found = {}
  for first = 1, #fields, 2000 do
    local part = redis.call(command, key, unpack(fields, first, math.min(first + 1999, #fields)))
    for i = 1, #part do found[first + i - 1] = part[i] end
  end
  return found
end`,
  firstOf: `
-- When the first of a sorted set is due.
local function firstOf(key)
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  return tonumber(first[2]) or math.huge
end`,
  nextDue: `
local function nextDue()
  return math.min(firstOf(delayed), firstOf(leased))
end`,
  promote: `
-- Makes ready what is due: removing comes first, because a server without memory refuses to begin with adding.
local function promote()
  local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'WITHSCORES', 'LIMIT', 0, ${promoteLimit})
  if #due > 0 then
    local gone, back = {}, {}
    for i = 1, #due, 2 do
      gone[#gone + 1] = due[i]
      back[#back + 1] = place(due[i], tonumber(due[i + 1]))
      back[#back + 1] = due[i]
    end
    write('ZREM', delayed, gone)
    write('ZADD', ready, back)
  end
  local lost = redis.call('ZRANGEBYSCORE', leased, '-inf', now, 'LIMIT', 0, ${promoteLimit})
  if #lost > 0 then
    local known, back = fetch('HMGET', states, lost), {}
    for i, member in ipairs(lost) do
      back[#back + 1] = known[i] and string.match(known[i], '^%d+ %d+ (%S+)') or place(member, now)
      back[#back + 1] = member
    end
    write('ZREM', leased, lost)
    write('ZADD', ready, back)
  end
end`,
  announceReady: `
-- Wakes who sleeps, because something became ready. An entry repeats the time that was told last: it is the only one.
local function announceReady()
  local last = redis.call('XREVRANGE', wake, '+', '-', 'COUNT', 1)[1]
  redis.call('XADD', wake, 'MAXLEN', 1, '*', 'due', last and last[2][2] or '0')
end`,
  announceDue: `
-- Wakes who sleeps if this may be due earlier than all were told, or if they were told nothing that lies ahead. Who was
-- told a time looks at that time by itself, so a later one is not worth an entry. Answers whether there is one.
local function announceDue(due)
  local last = redis.call('XREVRANGE', wake, '+', '-', 'COUNT', 1)[1]
  local told = last and tonumber(last[2][2]) or 0
  if told > now and told <= due then return false end
  redis.call('XADD', wake, 'MAXLEN', 1, '*', 'due', string.format('%.0f', nextDue()))
  return true
end`,
  idOf: `
local function idOf(record)
  return string.match(record, '^%d+\\n([^\\n]*)\\n')
end`,
};
