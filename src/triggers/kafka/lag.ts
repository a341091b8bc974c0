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
}

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
  return { value: bounded(total, { all: partitions.length, lagging }, rules), withPersistent };
}

function lagOf(
  { name, committed, end }: PartitionOffsets,
  rules: LagRules,
  before: Commits,
): GroupLag {
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

/** More consumers than partitions would be idle, so no more than these are asked for. */
function bounded(
  total: number,
  partitions: { readonly all: number; readonly lagging: number },
  rules: LagRules,
): number {
  const { lagThreshold, allowIdleConsumers } = rules;
  const { limitToPartitionsWithLag, ensureEvenDistributionOfPartitions } = rules;
  if (allowIdleConsumers && !limitToPartitionsWithLag && !ensureEvenDistributionOfPartitions)
    return total;
  const lag = ensureEvenDistributionOfPartitions
    ? evenConsumers(total, partitions.all, lagThreshold) * lagThreshold
    : total;
  const most = limitToPartitionsWithLag ? partitions.lagging : partitions.all;
  return Math.trunc(lag / lagThreshold) > most ? most * lagThreshold : lag;
}

/** The smallest divisor of the number of partitions that is enough consumers, so that all have as many partitions. */
function evenConsumers(total: number, partitions: number, lagThreshold: number): number {
  for (let count = 1; count <= partitions; count += 1)
    if (partitions % count === 0 && count * lagThreshold >= total) return count;
  return partitions;
}
