import { historyLimit } from "../../../core/index.ts";
import { defineScript, type Script } from "./script.ts";

/** A write that changes nothing and needs no memory: after it, a full server lets the script write on. */
const evenWhenFull = "redis.call('HDEL', states, '')";

/** What settle and extend share: which of the given leases are held still. */
const heldLeases = `
${evenWhenFull}
local members = {}
for i = first, #ARGV, width do members[#members + 1] = ARGV[i] end
local ends, known = fetch('ZMSCORE', leased, members), fetch('HMGET', states, members)

-- Leases, releases, place and chosen id of a lease that is held and proven; nil else.
local function heldBy(i, proof)
  if not (ends[i] and known[i]) then return nil end
  local leases, releases, was, at, id = string.match(known[i], '^(%d+) (%d+) (%S+) (%d+) ?(.*)$')
  if leases .. '.' .. at ~= proof then return nil end
  return leases, releases, was, id
end
`;

/**
 * ARGV: per settlement member, proof and what to do: \`a\`, \`g\`, \`r<failure>\\n<delay>\`, \`d<failure>\\n<reason>\`.
 * Answers 1 or 0 for each.
 */
export const settleScript: Script = defineScript(`
local first, width = 1, 3
${heldLeases}
local reply, ended, isReady = {}, {}, false
local gone, done, told, freed = {}, {}, {}, {}
local back, later, changed, soonest = {}, {}, {}, math.huge

local function remember(member, failure)
  if failure == '' then return end
  local past = redis.call('HGET', history, member)
  past = past and past .. '\\n' .. failure or failure
  local _, breaks = string.gsub(past, '\\n', '')
  for _ = ${historyLimit}, breaks do past = string.gsub(past, '^[^\\n]*\\n', '', 1) end
  redis.call('HSET', history, member, past)
end

local function bury(member, reason)
  redis.call('HSET', buried, member, redis.call('HGET', messages, member))
  redis.call('HDEL', messages, member)
  redis.call('HSET', reasons, member, reason)
  redis.call('ZADD', dead, now, member)
end

local function goBack(member, at)
  back[#back + 1] = at
  back[#back + 1] = member
end

local function settle(member, action, leases, releases, was)
  local kind = string.sub(action, 1, 1)
  if kind == 'a' then
    done[#done + 1] = member
    if leases ~= '1' then told[#told + 1] = member end
  elseif kind == 'g' then
    changed[#changed + 1] = member
    changed[#changed + 1] = leases .. ' ' .. (releases + 1) .. ' ' .. was .. ' 0'
    goBack(member, was)
  else
    local failure, rest = string.match(action, '^.([^\\n]*)\\n(.*)$')
    remember(member, failure)
    if kind == 'd' then
      bury(member, rest)
    elseif rest == '0' then
      goBack(member, place(member, now))
    else
      soonest = math.min(soonest, now + rest)
      later[#later + 1] = now + rest
      later[#later + 1] = member
    end
  end
  return kind == 'a' or kind == 'd'
end

for i, member in ipairs(members) do
  local leases, releases, was, id = heldBy(i, ARGV[3 * i - 1])
  reply[i] = 0
  if leases and not ended[member] then
    reply[i] = 1
    ended[member] = true
    gone[#gone + 1] = member
    local isOver = settle(member, ARGV[3 * i], leases, releases, was)
    if isOver and id ~= '' then freed[#freed + 1] = id end
  end
end
write('ZREM', leased, gone)
write('HDEL', messages, done)
write('HDEL', states, done)
write('HDEL', history, told)
write('SREM', live, freed)
write('HSET', states, changed)
write('ZADD', ready, back)
write('ZADD', delayed, later)
local isTold = #later > 0 and announceDue(soonest)
if #back > 0 and not isTold then announceReady() end
return reply
`);

/** ARGV: length of the lease from now, then per lease member and proof. Answers 1 or 0 for each. */
export const extendScript: Script = defineScript(`
local first, width = 2, 2
${heldLeases}
local reply, longer = {}, {}
for i, member in ipairs(members) do
  reply[i] = 0
  if heldBy(i, ARGV[2 * i + 1]) then
    reply[i] = 1
    longer[#longer + 1] = now + ARGV[1]
    longer[#longer + 1] = member
  end
end
write('ZADD', leased, longer)
if #longer > 0 then announceDue(now + ARGV[1]) end
return reply
`);
