import { defineScript, type Script } from "./script.ts";

/** A receive hands out no more once its answer has this many bytes, so that no consumer is sent gigabytes at once. */
const enoughBytes = 4 * 1024 * 1024;

/**
 * ARGV: most messages, length of the lease. Answers with three values per message: member and state in one, record,
 * history. The steps grow, so that a few large bodies are noticed early.
 */
export const receiveScript: Script = defineScript(`
promote()
local left, lease, bytes, step = tonumber(ARGV[1]), tonumber(ARGV[2]), 0, 16
-- No two calls share a microsecond, so a lease is never taken for another's, of this or another queue.
local stamp = string.format('%.0f', clock[1] * 1000000 + clock[2])
local reply, ends, changed = {}, {}, {}
while left > 0 and bytes < ${enoughBytes} do
  local wanted = math.min(left, step)
  local taken = redis.call('ZPOPMIN', ready, wanted)
  local members = {}
  for i = 1, #taken, 2 do members[#members + 1] = taken[i] end
  local records, known = fetch('HMGET', messages, members), fetch('HMGET', states, members)
  for i, member in ipairs(members) do
    local record = records[i]
    if record then
      local leases, releases, past = 0, 0, ''
      if known[i] then
        leases, releases = string.match(known[i], '^(%d+) (%d+)')
        past = redis.call('HGET', history, member) or ''
      end
      local state = (leases + 1) .. ' ' .. releases .. ' ' .. taken[2 * i] .. ' ' .. stamp
      if string.sub(member, 17) == 'k' then state = state .. ' ' .. idOf(record) end
      changed[#changed + 1] = member
      changed[#changed + 1] = state
      ends[#ends + 1] = now + lease
      ends[#ends + 1] = member
      reply[#reply + 1] = member .. ' ' .. state
      reply[#reply + 1] = record
      reply[#reply + 1] = past
      bytes = bytes + #record
    end
  end
  if #members < wanted then break end
  left = left - #members
  step = math.min(step * 4, 500)
end
if #reply > 0 then
  write('ZADD', leased, ends)
  write('HSET', states, changed)
  announceDue(now + lease)
end
return reply
`);
