import { integer, text } from "../metadata-key.ts";
import { shareConnection } from "../shared-connection.ts";
import { above, sourceNumber } from "../source-number.ts";
import { defineTriggerType, singleGauge, type TriggerType } from "../trigger-type.ts";
import { call, redisConnection, type Topology } from "./client.ts";
import { connectionKeys, placeOf, problemsOfConnection } from "./connection-keys.ts";

/** One number by the type of the key; a key that is not there is an empty list. */
const countScript = `
local kind = redis.call('TYPE', KEYS[1]).ok
local commands = { list = 'LLEN', none = 'LLEN', zset = 'ZCARD', set = 'SCARD', hash = 'HLEN' }
if not commands[kind] then
  return redis.error_reply('ERR nothing can be counted in a key of type ' .. kind)
end
return redis.call(commands[kind], KEYS[1])`;

const keys = {
  listName: text({ from: "M", required: true, says: "The key of a list, sorted set, set or hash" }),
  listLength: integer({ from: "M", fallback: "5", says: "Entries per replica" }),
  activationListLength: integer({ from: "M", says: "Active above this; 0 where absent" }),
  ...connectionKeys,
};

export const redis: TriggerType = listsOf("redis", "single");
export const redisCluster: TriggerType = listsOf("redis-cluster", "cluster");
export const redisSentinel: TriggerType = listsOf("redis-sentinel", "sentinel");

function listsOf(type: string, topology: Topology): TriggerType {
  return defineTriggerType({
    type,
    keys,
    measures: "Entries of a list, sorted set, set or hash; 0 where there is no such key",
    countsInFlight: "no, once popped",
    check: (values) => problemsOfConnection(values, topology),
    gauge(values, context) {
      const { listName, listLength, activationListLength } = values;
      const place = placeOf(values, topology);
      const server = shareConnection(context, redisConnection(place, context.timeoutMs));
      return singleGauge(context, {
        name: `redis-${listName}`,
        target: { key: "listLength", value: listLength },
        async measure(signal) {
          const count = await server.use(signal, (client) =>
            call(client, place, "EVAL", countScript, 1, listName),
          );
          return above(activationListLength, sourceNumber(count, `the length of ${listName}`));
        },
        close: server.release,
      });
    },
  });
}
