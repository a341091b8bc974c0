/** The part of the package `kafkajs` that is used, so that its types never show in ours. */
import { loadClient } from "../client.ts";
import { noAnswer, reasonOf, wrongAnswer } from "../failure.ts";
import type { ConnectionPlan } from "../shared-connection.ts";
import { type TlsTexts, tlsOptions } from "../tls.ts";
import type { PartitionOffsets } from "./lag.ts";

/** Where brokers are and who asks. */
export interface KafkaPlace {
  readonly brokers: readonly string[];
  readonly tls: TlsTexts | null;
  readonly sasl: {
    readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
    readonly username: string;
    readonly password: string;
  } | null;
}

/** An administrator of `kafkajs`. */
export interface KafkaAdminLike {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  fetchOffsets(question: {
    readonly groupId: string;
    readonly topics?: readonly string[];
  }): Promise<
    readonly {
      readonly topic: string;
      readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
    }[]
  >;
  fetchTopicOffsets(
    topic: string,
  ): Promise<readonly { readonly partition: number; readonly offset: string }[]>;
}

interface KafkajsLike {
  readonly Kafka: new (options: object) => { admin(options: object): KafkaAdminLike };
}

/** The connection behind a place. */
export function kafkaAdmin(place: KafkaPlace, timeoutMs: number): ConnectionPlan<KafkaAdminLike> {
  return {
    key: `kafka ${JSON.stringify(place)}`,
    async open() {
      const { Kafka } = await loadClient<KafkajsLike>(
        "kafkajs@^2.2",
        "the trigger kafka",
        () => import("kafkajs"),
      );
      // The client needs a second try to learn the brokers.
      const retry = { retries: 2, initialRetryTime: 30, maxRetryTime: 100 };
      const admin = new Kafka({
        clientId: "sluice-scaler",
        brokers: place.brokers,
        ...(place.tls && { ssl: tlsOptions(place.tls) }),
        ...(place.sasl && { sasl: place.sasl }),
        connectionTimeout: timeoutMs,
        requestTimeout: timeoutMs,
        logLevel: 0,
        retry,
      }).admin({ retry });
      await admin.connect().catch((error: unknown) => {
        throw toFailure(place, error);
      });
      return admin;
    },
    close: (admin) => admin.disconnect(),
    atOnce: 8,
  };
}

/** Which offsets are asked for. */
export interface LagQuestion {
  readonly group: string;
  /** Null for every topic of which the group committed an offset. */
  readonly topic: string | null;
  /** Null for all. */
  readonly partitions: readonly number[] | null;
}

/** The offsets of a group. Partitions whose end a broker does not tell are left out. */
export async function readOffsets(
  admin: KafkaAdminLike,
  place: KafkaPlace,
  question: LagQuestion,
): Promise<readonly PartitionOffsets[]> {
  try {
    const { group, topic } = question;
    const committed = await admin.fetchOffsets({
      groupId: group,
      ...(topic !== null && { topics: [topic] }),
    });
    const all = await Promise.all(
      committed.map(async ({ topic: name, partitions }) => {
        const ends = await admin.fetchTopicOffsets(name);
        return offsetsOf(name, { partitions, ends }, question);
      }),
    );
    return all.flat();
  } catch (error) {
    throw toFailure(place, error);
  }
}

interface Offset {
  readonly partition: number;
  readonly offset: string;
}

function offsetsOf(
  topic: string,
  {
    partitions,
    ends,
  }: { readonly partitions: readonly Offset[]; readonly ends: readonly Offset[] },
  { partitions: wanted }: LagQuestion,
): readonly PartitionOffsets[] {
  const chosen = ends.filter(({ partition }) => wanted === null || wanted.includes(partition));
  if (chosen.length === 0)
    throw wrongAnswer(`the topic ${topic} has none of the partitions of partitionLimitation`);
  return chosen.map(({ partition, offset: end }) => {
    const found = partitions.find((one) => one.partition === partition);
    const offset = Number(found?.offset ?? -1);
    return { name: `${topic}/${partition}`, committed: offset, end: Number(end) };
  });
}

function toFailure(place: KafkaPlace, error: unknown): Error {
  if (error instanceof Error && error.name === "ReadingFailure") return error;
  const message = `kafka at ${place.brokers.join(", ")} cannot be read: ${reasonOf(error)}`;
  // The broker's own words about topics, groups and rights; those about its state are retriable.
  const { name, retriable, type } = error as {
    readonly name?: string;
    readonly retriable?: boolean;
    readonly type?: string;
  };
  const isAnswer = name === "KafkaJSProtocolError" && retriable !== true;
  return isAnswer || type === "UNKNOWN_TOPIC_OR_PARTITION"
    ? wrongAnswer(message, error)
    : noAnswer(message, error);
}
