import type { Observation } from "../decision.ts";
import { type Envelope, needsBeyond, type SpareWorkers } from "./envelope.ts";
import type { Learned } from "./learn.ts";
import type { ObjectivePolicy } from "./objective-policy.ts";
import type { ReplicaNeed } from "./share-replicas.ts";
import type { SharedWish } from "./shared-cap.ts";

const shortestValidMs = 30_000;

/** A wish is outdated when three looks, and half a minute, did not renew it. */
export function wishMs({ pollingIntervalMs }: ObjectivePolicy): number {
  return Math.max(shortestValidMs, 3 * pollingIntervalMs);
}

/** What a wish is worked out from. */
export interface WishFigures {
  readonly policy: ObjectivePolicy;
  readonly learned: Learned;
  readonly seen: Observation;
  readonly envelope: Envelope;
}

/** What the decision came to by itself. */
export interface OwnDecision {
  /** How many there would be, and how many the deadlines alone ask for. */
  readonly wanted: number;
  readonly needed: number;
  /** What windows of time ask for now. */
  readonly prewarmed: number;
  /** Which workers another's deadline may have. */
  readonly yields: "none" | "idle" | "busy";
}

/**
 * What a member would do by itself, as a wish to those who share its cap. An idle worker for which a job waits counts as
 * busy.
 */
export function toSharedWish(figures: WishFigures, own: OwnDecision): SharedWish {
  const { policy, seen } = figures;
  const { replicas, draining } = seen.status;
  const spare = spareOf(figures, own);
  const locked = replicas - spare.busy - spare.idle;
  return {
    ...{ at: seen.at, replicas, draining, locked, wanted: own.wanted },
    minReplicaCount: Math.min(policy.minReplicaCount, own.wanted),
    needs: needsOf(figures, own, spare),
    validMs: wishMs(policy),
  };
}

function spareOf({ policy, learned, seen }: WishFigures, { yields }: OwnDecision): SpareWorkers {
  if (yields === "none") return { busy: 0, idle: 0 };
  const { ready } = seen.status;
  const aboutToWork = Math.ceil(learned.waitingCount / policy.concurrency);
  const idle = Math.max(0, Math.min(learned.idle, ready) - aboutToWork);
  return { busy: yields === "busy" ? ready - idle : 0, idle };
}

function needsOf(
  { policy, seen, envelope }: WishFigures,
  { wanted, needed, prewarmed, yields }: OwnDecision,
  spare: SpareWorkers,
): readonly ReplicaNeed[] {
  const { at, status } = seen;
  const { capacity, demands } = envelope;
  const locked = status.replicas - spare.busy - spare.idle;
  const idleSlots = Math.max(0, capacity.idleSlots - spare.idle * policy.concurrency);
  const kept = yields === "busy" ? { idleSlots: 0, busySlots: 0 } : { idleSlots };
  const beyond = needsBeyond({ ...envelope, capacity: { ...capacity, ...kept } }, spare);
  const needs = beyond.map(({ tauMs, workers }) => ({
    by: at + tauMs,
    replicas: locked + workers,
  }));
  // Who could not have a worker back in time keeps the busy ones: moved about, they would spend the room on starts.
  const { startupMs, tickMs } = envelope.times;
  const near = beyond.findLast(({ tauMs }) => tauMs < 2 * (startupMs + tickMs));
  if (near !== undefined && spare.busy > 0)
    needs.push({ by: 0, replicas: locked + Math.min(spare.busy, near.workers) });
  // A single job that can wait no longer, or may not wait at all, is too little for a whole worker by the figures.
  const first = Math.min(...demands.map(({ tauMs }) => tauMs));
  const isMore = needed > Math.max(status.replicas, locked + (beyond.at(-1)?.workers ?? 0));
  if (isMore) needs.push({ by: at + first, replicas: needed });
  if (prewarmed > 0) needs.push({ by: at, replicas: prewarmed });
  return needs.map(({ by, replicas }) => ({ by, replicas: Math.min(wanted, replicas) }));
}
