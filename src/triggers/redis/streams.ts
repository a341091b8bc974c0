import { wrongAnswer } from "../failure.ts";
import { integer, text, type ValuesOf } from "../metadata-key.ts";
import { shareConnection } from "../shared-connection.ts";
import { above, sourceNumber } from "../source-number.ts";
import { defineTriggerType, singleGauge, type TriggerType } from "../trigger-type.ts";
import {
  call,
  isReply,
  type RedisLike,
  type RedisPlace,
  redisConnection,
  type Topology,
} from "./client.ts";
import { connectionKeys, placeOf, problemsOfConnection } from "./connection-keys.ts";

const keys = {
  stream: text({ from: "M", required: true, says: "The key of the stream" }),
  consumerGroup: text({
    from: "M",
    says: "Its pending entries count, or with `lagCount` its lag; without one the length of the stream",
  }),
  pendingEntriesCount: integer({ from: "M", fallback: "5", says: "Pending entries per replica" }),
  streamLength: integer({ from: "M", fallback: "5", says: "Entries per replica, without a group" }),
  lagCount: integer({ from: "M", says: "Entries behind per replica; takes Redis 7" }),
  activationLagCount: integer({
    from: "M",
    fallback: "0",
    says: "Active above this, whatever is counted",
  }),
  ...connectionKeys,
};

type Values = ValuesOf<typeof keys>;

export const redisStreams: TriggerType = streamsOf("redis-streams", "single");
export const redisClusterStreams: TriggerType = streamsOf("redis-cluster-streams", "cluster");
export const redisSentinelStreams: TriggerType = streamsOf("redis-sentinel-streams", "sentinel");

function streamsOf(type: string, topology: Topology): TriggerType {
  return defineTriggerType({
    type,
    keys,
    measures:
      "Of a group what is pending, or how far it is behind; without a group the entries of the stream",
    countsInFlight: "pending: nothing else; lag: no; length: all entries that are kept",
    check: (values) => problemsOfConnection(values, topology),
    gauge(values, context) {
      const place = placeOf(values, topology);
      const server = shareConnection(context, redisConnection(place, context.timeoutMs));
      return singleGauge(context, {
        name: `redis-streams-${values.stream}`,
        target: targetOf(values),
        measure: (signal) =>
          server.use(signal, async (client) =>
            above(values.activationLagCount, await count(client, place, values)),
          ),
        close: server.release,
      });
    },
  });
}

function targetOf(values: Values): { readonly key: string; readonly value: number } {
  const { consumerGroup, pendingEntriesCount, streamLength, lagCount } = values;
  if (consumerGroup === null) return { key: "streamLength", value: streamLength };
  return lagCount
    ? { key: "lagCount", value: lagCount }
    : { key: "pendingEntriesCount", value: pendingEntriesCount };
}

async function count(client: RedisLike, place: RedisPlace, values: Values): Promise<number> {
  const { stream, consumerGroup: group, lagCount } = values;
  if (group === null) return lengthOf(client, place, stream);
  if (lagCount) return lagOf(client, place, { stream, group });
  const summary = await call(client, place, "XPENDING", stream, group);
  const [pending] = Array.isArray(summary) ? summary : [];
  return sourceNumber(pending, `the pending entries of ${group}`);
}

async function lengthOf(client: RedisLike, place: RedisPlace, stream: string): Promise<number> {
  return sourceNumber(await call(client, place, "XLEN", stream), `the length of ${stream}`);
}

/** A stream that is not there yet has no lag; a group that is not there yet is behind by all entries. */
async function lagOf(
  client: RedisLike,
  place: RedisPlace,
  { stream, group }: { readonly stream: string; readonly group: string },
): Promise<number> {
  let groups: unknown;
  try {
    groups = await call(client, place, "XINFO", "GROUPS", stream);
  } catch (error) {
    if (isReply(error, "ERR no such key")) return 0;
    throw error;
  }
  const found = (Array.isArray(groups) ? groups : [])
    .map(toRecord)
    .find(({ name }) => name === group);
  if (found === undefined) return lengthOf(client, place, stream);
  if (!("lag" in found))
    throw wrongAnswer("this Redis does not tell the lag of a group; that takes version 7");
  if (found.lag === null)
    throw wrongAnswer(
      `Redis does not know the lag of ${group}, since entries were deleted from ${stream}`,
    );
  return sourceNumber(found.lag, `the lag of ${group}`);
}

/** Names and values in turn. */
function toRecord(flat: unknown): Readonly<Record<string, unknown>> {
  const fields: readonly unknown[] = Array.isArray(flat) ? flat : [];
  return Object.fromEntries(
    fields.flatMap((name, index) => (index % 2 === 0 ? [[String(name), fields[index + 1]]] : [])),
  );
}
