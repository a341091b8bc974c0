import { defineScript, type Script } from "./script.ts";

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

local records, readyNow, later, chosen = {}, {}, {}, 0
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
if #records > 0 then announce(#readyNow > 0, #later > 0) end
return count
`);
