/** What one queue wants of a cap that it shares. */
export interface ReplicaWish {
  readonly name: string;
  /** What it has; a queue never loses busy workers to another. */
  readonly busy: number;
  readonly minReplicaCount: number;
  /** What it would have without the cap. */
  readonly wanted: number;
  /** From now to the deadline that asks for most, as the decision's figure tau; null: nothing is short. */
  readonly tauMs: number | null;
}

/**
 * Shares a cap among queues: minimums and busy workers first, then the earliest deadline first (EDF on the merged
 * envelopes), of the same deadline the larger want. Never hands out more than the cap, except where minimums and busy
 * workers alone exceed it; never more to a queue than it wants or has busy.
 *
 * @example
 * const shares = shareReplicas(10, [
 *   { name: "mail", busy: 1, minReplicaCount: 0, wanted: 8, tauMs: 4000 },
 *   { name: "report", busy: 2, minReplicaCount: 1, wanted: 6, tauMs: null },
 * ]);
 */
export function shareReplicas(
  cap: number,
  wishes: readonly ReplicaWish[],
): ReadonlyMap<string, number> {
  const shares = new Map<string, number>();
  for (const { name, busy, minReplicaCount } of wishes)
    shares.set(name, Math.max(busy, minReplicaCount));
  let left = cap - [...shares.values()].reduce((sum, count) => sum + count, 0);
  const deadline = ({ tauMs }: ReplicaWish): number => tauMs ?? Number.MAX_VALUE;
  const inOrder = wishes.toSorted((a, b) => deadline(a) - deadline(b) || b.wanted - a.wanted);
  for (const { name, wanted } of inOrder) {
    const has = shares.get(name) ?? 0;
    const more = Math.max(0, Math.min(wanted - has, left));
    shares.set(name, has + more);
    left -= more;
  }
  return shares;
}
