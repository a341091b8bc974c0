import type { WorkerState, WorkerStatus } from "../../scaler/index.ts";

/** Who leaves first. A crashed worker does nothing, an idle one holds nothing, a starting one will be of use soon. */
const order: Readonly<Record<WorkerState, number>> = {
  crashed: 0,
  idle: 1,
  starting: 2,
  busy: 3,
  draining: 4,
};

/**
 * The ids of the workers to let go so that `keep` remain: crashed ones first, then idle ones (the longest idle first),
 * starting ones (the newest first), and busy ones (the fewest jobs first). Of those that do not say what they do, which
 * count as busy, the newest goes first, as Kubernetes has it: it has had the least time to take work. Draining ones are gone already and neither
 * counted nor chosen.
 */
export function pickVictims(workers: readonly WorkerStatus[], keep: number): readonly string[] {
  const present = workers.filter((worker) => worker.state !== "draining");
  return present
    .toSorted(compare)
    .slice(0, Math.max(0, present.length - keep))
    .map((worker) => worker.id);
}

function compare(a: WorkerStatus, b: WorkerStatus): number {
  if (a.state !== b.state) return order[a.state] - order[b.state];
  if (a.state === "starting") return b.startedAt - a.startedAt;
  if (a.state === "busy") return (a.inFlight ?? 0) - (b.inFlight ?? 0) || b.startedAt - a.startedAt;
  return a.since - b.since;
}
