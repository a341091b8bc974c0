import { defineScript, type Script } from "./script.ts";

/** ARGV: most dead letters. Answers with state, record, history, reason and time of death for each, oldest first. */
export const deadLettersScript: Script = defineScript(`
local found = redis.call('ZRANGE', dead, 0, ARGV[1] - 1, 'WITHSCORES')
local members, reply = {}, {}
for i = 1, #found, 2 do members[#members + 1] = found[i] end
local known, records = fetch('HMGET', states, members), fetch('HMGET', buried, members)
local past, why = fetch('HMGET', history, members), fetch('HMGET', reasons, members)
for i in ipairs(members) do
  if records[i] then
    for _, value in ipairs({ known[i] or '0 0', records[i], past[i] or '', why[i] or '', found[2 * i] }) do
      reply[#reply + 1] = value
    end
  end
end
return reply
`);

/**
 * Goes through a part of the dead letters. ARGV: \`redrive\` or \`purge\`, the latest death to look at (empty = now),
 * how many to skip, how many to look at, \`all\` or \`chosen\`, the chosen ids. Answers with how many it took, the latest
 * death, and how many to skip next time, or -1 when it has seen them all.
 *
 * A redriven message keeps its place. Its chosen id no longer counts, which its new member says.
 */
export const takeDeadScript: Script = defineScript(`
local latest = ARGV[2] == '' and nowText or ARGV[2]
local skip, many = tonumber(ARGV[3]), tonumber(ARGV[4])
local wanted = {}
for i = 6, #ARGV do wanted[ARGV[i]] = true end

local function redrive(member, record)
  local leases, was = string.match(redis.call('HGET', states, member), '^(%d+) %d+ (%S+)')
  local again, past = string.sub(member, 1, 16) .. '-', redis.call('HGET', history, member)
  redis.call('HDEL', states, member)
  redis.call('HSET', states, again, leases .. ' ' .. leases .. ' ' .. was .. ' 0')
  redis.call('HDEL', history, member)
  if past then redis.call('HSET', history, again, past) end
  redis.call('HSET', messages, again, record)
  redis.call('ZADD', ready, was, again)
end

local members = redis.call('ZRANGEBYSCORE', dead, '-inf', latest, 'LIMIT', skip, many)
local records, taken = fetch('HMGET', buried, members), 0
for i, member in ipairs(members) do
  local record = records[i]
  if record and (ARGV[5] == 'all' or wanted[idOf(record)]) then
    taken = taken + 1
    redis.call('ZREM', dead, member)
    redis.call('HDEL', buried, member)
    redis.call('HDEL', reasons, member)
    if ARGV[1] == 'redrive' then
      redrive(member, record)
    else
      redis.call('HDEL', states, member)
      redis.call('HDEL', history, member)
    end
  end
end
if taken > 0 and ARGV[1] == 'redrive' then announceReady() end
return { taken, latest, #members < many and -1 or skip + #members - taken }
`);
