/**
 * Whether this user may run every command of the scripts. A script that comes to a forbidden command stops there, and
 * what it did before stays: half a message. So it is asked once, at connect, on keys that no queue has.
 */
import { SluiceError } from "../../core/index.ts";
import type { Connection } from "./connection.ts";
import type { KeySpace } from "./keys.ts";
import { defineScript } from "./scripts/script.ts";

/** No prefix and no driver gives this name to a queue of anybody's. */
const probedQueue = "sluice-rights-check";

/** First what leaves nothing behind; then, if all of it may be run, what has to be taken back. */
const rightsScript = defineScript(`
local denied = {}
local function probe(command, ...)
  local answer = redis.pcall(command, ...)
  local why = type(answer) == 'table' and answer.err or ''
  if string.find(why, 'NOPERM') or string.find(why, 'ACL failure') or string.find(why, 'The user executing') then
    denied[#denied + 1] = string.lower(command)
  end
end
probe('TIME')
probe('ZADD', ready, 'XX', 0, 'x')
probe('ZREM', ready, 'x')
probe('ZCARD', ready)
probe('ZCOUNT', delayed, 0, 0)
probe('ZRANGE', ready, 0, 0)
probe('ZRANGEBYSCORE', ready, 0, 0)
probe('ZPOPMIN', ready, 0)
probe('ZSCORE', ready, 'x')
probe('ZMSCORE', ready, 'x')
probe('HGET', messages, 'x')
probe('HMGET', messages, 'x')
probe('HDEL', messages, 'x')
probe('SISMEMBER', live, 'x')
probe('SREM', live, 'x')
probe('PTTL', ids)
probe('PEXPIRE', sequence, 1)
probe('XADD', wake, 'NOMKSTREAM', '*', 'due', '0')
probe('XREVRANGE', wake, '+', '-', 'COUNT', 1)
if #denied == 0 then
  probe('HSET', messages, 'x', 'x')
  redis.pcall('HDEL', messages, 'x')
  probe('SADD', live, 'x')
  redis.pcall('SREM', live, 'x')
  probe('INCRBY', sequence, 1)
  redis.pcall('PEXPIRE', sequence, 1)
end
return denied`);

/** Rejects with `ACCESS_DENIED`, naming the commands, having left nothing behind. */
export async function checkRights(
  connection: Connection,
  keys: KeySpace,
  address: string,
): Promise<void> {
  const reply = await connection.run(rightsScript, {
    keys: keys.of(probedQueue).namesOf(rightsScript.keys),
    args: [],
  });
  const denied = (reply as readonly Buffer[]).map(String);
  if (denied.length === 0) return;
  throw new SluiceError(
    "ACCESS_DENIED",
    `redis at ${address} forbids this user: ${denied.join(", ")}. Give this user the commands and keys of docs/3-drivers/redis.md.`,
  );
}
