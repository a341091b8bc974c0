import { laneWidth } from "./prelude.ts";
import { defineScript, type Script } from "./script.ts";

/**
 * For messages without delay and chosen id, which need not be looked at one by one. ARGV: their priorities, a digit each,
 * then their records. The first write is one that a server without memory refuses, so that it stores all or none.
 */
export const publishReadyScript: Script = defineScript(`
local count = #ARGV - 1
local number = redis.call('INCRBY', sequence, count) - count
local records, places, lanes = {}, {}, {}
for i = 1, count do
  local priority = string.sub(ARGV[1], i, i)
  local lane = lanes[priority]
  if not lane then
    lane = string.format('%.0f', (9 - priority) * ${laneWidth} + now)
    lanes[priority] = lane
  end
  local member = string.format('%015d%s-', number + i, priority)
  records[2 * i - 1] = member
  records[2 * i] = nowText .. ARGV[i + 1]
  places[2 * i - 1] = lane
  places[2 * i] = member
end
write('HSET', messages, records)
write('ZADD', ready, places)
announceReady()
return count
`);

/**
 * ARGV: how long a chosen id is remembered, then per message its head (`5k30000 id`: priority, chosen id or not, delay,
 * that id) and its record. The first write is one that a server without memory refuses, so that it stores all or none.
 */
export const publishScript: Script = defineScript(`
local window = tonumber(ARGV[1])
local count = (#ARGV - 1) / 2
local number = redis.call('INCRBY', sequence, count) - count

-- Remembers the id; false when it is known.
local function isNew(id)
  if redis.call('SISMEMBER', live, id) == 1 then return false end
  local till = redis.call('ZSCORE', ids, id)
  if till and tonumber(till) > now then return false end
  redis.call('SADD', live, id)
  redis.call('ZADD', ids, now + window, id)
  return true
end

local records, readyNow, later, chosen, first = {}, {}, {}, 0, math.huge
for i = 2, #ARGV, 2 do
  local priority, mark, delay, id = string.match(ARGV[i], '^(%d)([k-])(%d*) ?(.*)$')
  number = number + 1
  if mark == 'k' then chosen = chosen + 1 end
  if mark == '-' or isNew(id) then
    local member = string.format('%015d', number) .. priority .. mark
    records[#records + 1] = member
    records[#records + 1] = nowText .. ARGV[i + 1]
    local list = readyNow
    if delay == '' then
      list[#list + 1] = place(member, now)
    else
      list = later
      list[#list + 1] = now + delay
      first = math.min(first, now + delay)
    end
    list[#list + 1] = member
  end
end
write('HSET', messages, records)
write('ZADD', ready, readyNow)
write('ZADD', delayed, later)
if chosen > 0 then
  -- More than can have come, so that the ids that left their window go in the end; the last ones go with the key.
  write('ZREM', ids, redis.call('ZRANGEBYSCORE', ids, '-inf', now, 'LIMIT', 0, chosen * 2 + 100))
  if redis.call('PTTL', ids) < window then redis.call('PEXPIRE', ids, window) end
end
local isTold = #later > 0 and announceDue(first)
if #readyNow > 0 and not isTold then announceReady() end
return count
`);
