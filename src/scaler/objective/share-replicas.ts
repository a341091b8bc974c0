/** So many replicas are needed for a deadline. */
export interface ReplicaNeed {
  /** The deadline, in the clock's milliseconds. */
  readonly by: number;
  /** All that it takes, those that are there included. */
  readonly replicas: number;
}

/** What one queue wants of a cap that it shares. */
export interface ReplicaWish {
  /** Those that it keeps whatever others need: busy and starting ones, or its minimum if that is more. */
  readonly held: number;
  /** What its deadlines need. */
  readonly needs: readonly ReplicaNeed[];
  /** How many it has, and how many it would have without the cap: keep-alive and reserve are in these. */
  readonly current: number;
  readonly wanted: number;
}

interface Claim<Name> {
  readonly name: Name;
  /** Lower comes first: a deadline, then what is there, then what would be added for no deadline. */
  readonly rank: 0 | 1 | 2;
  readonly by: number;
  readonly upTo: number;
}

/**
 * Shares a cap among queues. What they hold comes first. What is left goes to the earliest deadline, of whichever queue it
 * is (EDF on the merged envelopes), of the same deadline to the larger need; then to workers that are kept alive, then to
 * reserves. Never hands out more than the cap, except where what is held alone exceeds it; never more to a queue than it
 * wants or holds.
 *
 * @example
 * const shares = shareReplicas(
 *   10,
 *   new Map([
 *     ["mail", { held: 1, current: 1, wanted: 8, needs: [{ by: 4000, replicas: 8 }] }],
 *     ["report", { held: 2, current: 6, wanted: 6, needs: [] }],
 *   ]),
 * );
 */
export function shareReplicas<Name>(
  cap: number,
  wishes: ReadonlyMap<Name, ReplicaWish>,
): ReadonlyMap<Name, number> {
  const shares = new Map<Name, number>();
  for (const [name, { held }] of wishes) shares.set(name, held);
  let left = cap - [...shares.values()].reduce((sum, count) => sum + count, 0);
  const claims = [...wishes].flatMap(([name, wish]) => claimsOf(name, wish));
  const inOrder = claims.toSorted((a, b) => a.rank - b.rank || a.by - b.by || b.upTo - a.upTo);
  for (const { name, upTo } of inOrder) {
    const has = shares.get(name) ?? 0;
    const more = Math.max(0, Math.min(upTo - has, left));
    shares.set(name, has + more);
    left -= more;
  }
  return shares;
}

function claimsOf<Name>(name: Name, wish: ReplicaWish): readonly Claim<Name>[] {
  const { needs, current, wanted } = wish;
  return [
    ...needs.map(({ by, replicas }) => ({
      ...({ name, rank: 0, by } as const),
      upTo: Math.min(replicas, wanted),
    })),
    { name, rank: 1, by: 0, upTo: Math.min(current, wanted) },
    { name, rank: 2, by: 0, upTo: wanted },
  ];
}
