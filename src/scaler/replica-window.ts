/** Times at which a count of replicas is asked for whatever the load is, such as office hours. */
export interface ReplicaWindow {
  /** Inside it. */
  readonly replicas: number;
  /** How long after a time it opens, in milliseconds: 0 inside it, null when it never opens again. The same for the same time. */
  opensInMs(at: number): number | null;
}

/** The count that windows ask for which are open at `at`, or open within `aheadMs` of it; 0 where none does. */
export function windowReplicas(
  windows: readonly ReplicaWindow[],
  at: number,
  aheadMs: number,
): number {
  let most = 0;
  for (const { replicas, opensInMs } of windows) {
    const inMs = opensInMs(at);
    if (inMs !== null && (inMs === 0 || inMs < aheadMs)) most = Math.max(most, replicas);
  }
  return most;
}
