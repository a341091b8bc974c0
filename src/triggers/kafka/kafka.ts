import { choice, flag, integer, list, text, type ValuesOf } from "../metadata-key.ts";
import { parseRanges } from "../metadata-values.ts";
import { shareConnection } from "../shared-connection.ts";
import { defineTriggerType, singleGauge, type TriggerType } from "../trigger-type.ts";
import { type KafkaPlace, kafkaAdmin, readOffsets } from "./client.ts";
import { type Commits, sumLag } from "./lag.ts";

const keys = {
  bootstrapServers: list({
    from: "ME",
    required: true,
    says: "`host:9092`, several between commas",
  }),
  consumerGroup: text({ from: "ME", required: true, says: "" }),
  topic: text({
    from: "ME",
    says: "Where absent: every topic of which the group committed an offset",
  }),
  partitionLimitation: text({
    from: "M",
    says: "Partitions that count, such as `0-3,7`; with `topic` alone",
  }),
  lagThreshold: integer({ from: "M", fallback: "10", says: "Messages per replica" }),
  activationLagThreshold: integer({ from: "M", fallback: "0", says: "Active above this" }),
  offsetResetPolicy: choice(["latest", "earliest"], {
    from: "M",
    fallback: "latest",
    says: "Of a partition without a commit: `latest` counts 1, `earliest` all",
  }),
  allowIdleConsumers: flag({
    from: "M",
    fallback: "false",
    says: "Ask for more replicas than partitions",
  }),
  excludePersistentLag: flag({
    from: "M",
    fallback: "false",
    says: "A partition whose commit did not move since the last reading counts for activity alone",
  }),
  scaleToZeroOnInvalidOffset: flag({
    from: "M",
    fallback: "false",
    says: "A partition without a commit counts 0",
  }),
  limitToPartitionsWithLag: flag({
    from: "M",
    fallback: "false",
    says: "No more replicas than partitions with lag; takes `topic`",
  }),
  ensureEvenDistributionOfPartitions: flag({
    from: "M",
    fallback: "false",
    says: "Only as many replicas as divide the partitions evenly; takes `topic`",
  }),
  fullMetadata: flag({
    from: "M",
    fallback: "true",
    says: "Accepted; nothing but what is needed is ever asked for",
  }),
  version: text({ from: "M", says: "Accepted; the client agrees on one with the broker" }),
  tls: choice(["enable", "disable"], { from: "MA", fallback: "disable", says: "" }),
  unsafeSsl: flag({ from: "M", fallback: "false", says: "Certificates are not checked" }),
  ca: text({ from: "A", says: "PEM" }),
  cert: text({ from: "A", says: "PEM" }),
  key: text({ from: "A", says: "PEM" }),
  keyPassword: text({ from: "A", says: "" }),
  sasl: choice(["none", "plaintext", "scram_sha256", "scram_sha512", "oauthbearer", "gssapi"], {
    from: "MA",
    fallback: "none",
    says: "The last two are not supported here",
  }),
  username: text({ from: "A", says: "" }),
  password: text({ from: "A", says: "" }),
};

type Values = ValuesOf<typeof keys>;

const mechanisms = {
  plaintext: "plain",
  scram_sha256: "scram-sha-256",
  scram_sha512: "scram-sha-512",
} as const;

export const kafka: TriggerType = defineTriggerType({
  type: "kafka",
  keys,
  measures:
    "How many messages a consumer group is behind, at most `lagThreshold` for each partition",
  countsInFlight: "yes, until committed",
  check: (values) => [...problemsOfCounting(values), ...problemsOfLogin(values)],
  gauge(values, context) {
    const { consumerGroup: group, topic, partitionLimitation, lagThreshold } = values;
    const place = placeOf(values);
    const admin = shareConnection(context, kafkaAdmin(place, context.timeoutMs));
    const commits: Commits = new Map();
    const limited = topic !== null && partitionLimitation !== null;
    const partitions = limited ? parseRanges(partitionLimitation) : null;
    return singleGauge(context, {
      name: topic === null ? `kafka-${group}-topics` : `kafka-${topic}`,
      target: { key: "lagThreshold", value: lagThreshold },
      async measure(signal) {
        const offsets = await admin.use(signal, (client) =>
          readOffsets(client, place, { group, topic, partitions }),
        );
        const lag = sumLag(offsets, values, commits);
        const { value, messages, activeGroups } = lag;
        return {
          ...{ value, messages, isActive: lag.withPersistent > values.activationLagThreshold },
          ...(activeGroups !== null && { activeGroups }),
        };
      },
      close: admin.release,
    });
  },
});

function placeOf(values: Values): KafkaPlace {
  const { bootstrapServers: brokers, tls, ca, cert, key, keyPassword, unsafeSsl } = values;
  const { sasl, username, password } = values;
  const mechanism = Object.hasOwn(mechanisms, sasl)
    ? mechanisms[sasl as keyof typeof mechanisms]
    : null;
  return {
    brokers,
    tls: tls === "enable" ? { ca, cert, key, keyPassword, unsafeSsl } : null,
    sasl:
      mechanism === null ? null : { mechanism, username: username ?? "", password: password ?? "" },
  };
}

function problemsOfCounting(values: Values): readonly string[] {
  const { topic, allowIdleConsumers, limitToPartitionsWithLag: limits } = values;
  const { ensureEvenDistributionOfPartitions: evens, activationLagThreshold } = values;
  const checks: readonly [boolean, string][] = [
    [activationLagThreshold < 0, "activationLagThreshold must be 0 or more"],
    [
      allowIdleConsumers && limits,
      "allowIdleConsumers and limitToPartitionsWithLag exclude each other",
    ],
    [
      limits && evens,
      "limitToPartitionsWithLag and ensureEvenDistributionOfPartitions exclude each other",
    ],
    [limits && topic === null, "limitToPartitionsWithLag takes a topic"],
    [evens && topic === null, "ensureEvenDistributionOfPartitions takes a topic"],
    [!values.fullMetadata && topic === null, "fullMetadata false takes a topic"],
    [
      !areRanges(values.partitionLimitation ?? "0"),
      "partitionLimitation must be whole numbers and ranges, such as 0-3,7",
    ],
    [values.bootstrapServers.some((server) => server === ""), "bootstrapServers has an empty item"],
  ];
  return checks.filter(([isWrong]) => isWrong).map(([, problem]) => problem);
}

function problemsOfLogin({ sasl, username, password, tls, cert, key }: Values): readonly string[] {
  const checks: readonly [boolean, string][] = [
    [
      tls === "enable" && (cert === null) !== (key === null),
      "cert and key go together; give both or neither",
    ],
    [
      sasl === "oauthbearer" || sasl === "gssapi",
      `sasl ${sasl} is not supported here; use plaintext or a scram`,
    ],
    [
      sasl in mechanisms && username === null,
      `sasl ${sasl} needs username of the authenticationRef`,
    ],
    [
      sasl in mechanisms && password === null,
      `sasl ${sasl} needs password of the authenticationRef`,
    ],
  ];
  return checks.filter(([isWrong]) => isWrong).map(([, problem]) => problem);
}

function areRanges(text: string): boolean {
  try {
    parseRanges(text);
    return true;
  } catch {
    return false;
  }
}
