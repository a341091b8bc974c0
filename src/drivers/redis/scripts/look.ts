import { laneWidth } from "./prelude.ts";
import { defineScript, type Script } from "./script.ts";

/** Makes ready what is due. Answers with the number of ready messages and the time until the next is due, or -1. */
export const lookScript: Script = defineScript(`
promote()
local due = nextDue()
return { redis.call('ZCARD', ready), due < math.huge and math.max(0, due - now) or -1 }
`);

/**
 * Answers 1 when more is due than one call makes ready, then the counts of ready, delayed, leased and dead, then the age
 * of the oldest ready message. One seek per priority finds the oldest.
 */
export const depthScript: Script = defineScript(`
promote()
local oldest = now
for lane = 0, 9 do
  local range = redis.call('ZRANGEBYSCORE', ready, lane * ${laneWidth}, (lane + 1) * ${laneWidth}, 'WITHSCORES', 'LIMIT', 0, 1)
  if range[2] then oldest = math.min(oldest, tonumber(range[2]) % ${laneWidth}) end
end
return {
  nextDue() <= now and 1 or 0,
  redis.call('ZCARD', ready), redis.call('ZCARD', delayed), redis.call('ZCARD', leased), redis.call('ZCARD', dead),
  now - oldest,
}
`);

/** ARGV: times from now. Answers for each how many delayed messages become ready by then. */
export const dueScript: Script = defineScript(`
local counts = {}
for i, ms in ipairs(ARGV) do
  counts[i] = redis.call('ZCOUNT', delayed, '(' .. nowText, string.format('%.0f', now + tonumber(ms)))
end
return counts
`);

/** ARGV: most messages. Answers with member, state, record and place for each: ready, then delayed, then leased ones. */
export const peekScript: Script = defineScript(`
promote()
local left, reply = tonumber(ARGV[1]), {}
for _, where in ipairs({ { ready, 'ready' }, { delayed, 'delayed' }, { leased, 'leased' } }) do
  local members = left > 0 and redis.call('ZRANGE', where[1], 0, left - 1) or {}
  local records, known = fetch('HMGET', messages, members), fetch('HMGET', states, members)
  for i, member in ipairs(members) do
    if records[i] then
      reply[#reply + 1] = member
      reply[#reply + 1] = known[i] or '0 0'
      reply[#reply + 1] = records[i]
      reply[#reply + 1] = where[2]
    end
  end
  left = left - #members
end
return reply
`);

/** ARGV: most messages. Deletes ready and then delayed ones and answers how many. */
export const purgeScript: Script = defineScript(`
promote()
local gone = {}
for _, key in ipairs({ ready, delayed }) do
  local taken = redis.call('ZPOPMIN', key, ARGV[1] - #gone)
  for i = 1, #taken, 2 do gone[#gone + 1] = taken[i] end
end
for _, member in ipairs(gone) do
  if string.sub(member, 17) == 'k' then
    redis.call('SREM', live, idOf(redis.call('HGET', messages, member)))
  end
end
write('HDEL', messages, gone)
write('HDEL', states, gone)
write('HDEL', history, gone)
return #gone
`);
