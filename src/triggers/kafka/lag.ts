/** From offsets to the value, as KEDA's pkg/scalers/kafka_scaler.go computes it. */

/** How lag is counted; the names are KEDA's. */
export interface LagRules {
  readonly lagThreshold: number;
  readonly offsetResetPolicy: "latest" | "earliest";
  readonly allowIdleConsumers: boolean;
  readonly excludePersistentLag: boolean;
  readonly scaleToZeroOnInvalidOffset: boolean;
  readonly limitToPartitionsWithLag: boolean;
  readonly ensureEvenDistributionOfPartitions: boolean;
}

/** One partition whose end is known. */
export interface PartitionOffsets {
  /** `topic/partition`. */
  readonly name: string;
  /** What the group committed; -1 when nothing. */
  readonly committed: number;
  readonly end: number;
}

/** What a reading yields. */
export interface GroupLag {
  readonly value: number;
  /** Decides on activity: lag that does not move counts here, too. */
  readonly withPersistent: number;
  /** The lag before it was bounded. */
  readonly messages: number;
  /** As many consumers as can have something to do; null: no limit. */
  readonly activeGroups: number | null;
}

type PartitionLag = Pick<GroupLag, "value" | "withPersistent">;

/** The commits of the reading before, by partition. */
export type Commits = Map<string, number>;

/** Sums up a group's lag. Under `excludePersistentLag`, `before` is read and brought up to date. */
export function sumLag(
  partitions: readonly PartitionOffsets[],
  rules: LagRules,
  before: Commits,
): GroupLag {
  const lags = partitions.map((partition) => lagOf(partition, rules, before));
  const total = lags.reduce((sum, { value }) => sum + value, 0);
  const withPersistent = lags.reduce((sum, lag) => sum + lag.withPersistent, 0);
  const lagging = lags.filter(({ value }) => value > 0).length;
  const counts = { all: partitions.length, lagging };
  return {
    ...{ value: bounded(total, counts, rules), withPersistent, messages: total },
    activeGroups: mostConsumers(counts, rules),
  };
}

function lagOf(
  { name, committed, end }: PartitionOffsets,
  rules: LagRules,
  before: Commits,
): PartitionLag {
  if (committed < 0) {
    const unread = rules.offsetResetPolicy === "latest" ? 1 : end;
    const value = rules.scaleToZeroOnInvalidOffset ? 0 : unread;
    return { value, withPersistent: value };
  }
  const lag = end - committed;
  if (!rules.excludePersistentLag) return { value: lag, withPersistent: lag };
  const isStuck = before.get(name) === committed;
  before.set(name, committed);
  return { value: isStuck ? 0 : lag, withPersistent: lag };
}

interface PartitionCounts {
  readonly all: number;
  readonly lagging: number;
}

/** More consumers than partitions would be idle. */
function mostConsumers({ all, lagging }: PartitionCounts, rules: LagRules): number | null {
  const { limitToPartitionsWithLag, ensureEvenDistributionOfPartitions } = rules;
  if (limitToPartitionsWithLag) return lagging;
  return rules.allowIdleConsumers && !ensureEvenDistributionOfPartitions ? null : all;
}

/** No more than can have something to do are asked for. */
function bounded(total: number, partitions: PartitionCounts, rules: LagRules): number {
  const { lagThreshold, ensureEvenDistributionOfPartitions } = rules;
  const most = mostConsumers(partitions, rules);
  if (most === null) return total;
  const lag = ensureEvenDistributionOfPartitions
    ? evenConsumers(total, partitions.all, lagThreshold) * lagThreshold
    : total;
  return Math.trunc(lag / lagThreshold) > most ? most * lagThreshold : lag;
}

/** The smallest divisor of the number of partitions that is enough consumers, so that all have as many partitions. */
function evenConsumers(total: number, partitions: number, lagThreshold: number): number {
  for (let count = 1; count <= partitions; count += 1)
    if (partitions % count === 0 && count * lagThreshold >= total) return count;
  return partitions;
}
