/**
 * Where a worker stands. `starting`: runs, but has not said that it is ready. `idle`, `busy`: ready, without or with
 * jobs. `draining`: finishes what it has and takes no more. `crashed`: died unasked and waits to be started again.
 */
export type WorkerState = "starting" | "idle" | "busy" | "draining" | "crashed";

/** One worker as its target sees it. */
export interface WorkerStatus {
  /** Unique among the workers of a target, such as `w1`. */
  readonly id: string;
  readonly state: WorkerState;
  /** When it was started last. */
  readonly startedAt: number;
  /** When its present state began. */
  readonly since: number;
  /** When it was ready for its first job since it was started last; absent until then, or where the target cannot tell. */
  readonly readyAt?: number;
  /** The operating system's id while it runs on this machine. */
  readonly pid?: number;
  /** Jobs that run in it now, as it last said. */
  readonly inFlight?: number;
  /** Jobs that ended well in it since it was started. */
  readonly completed?: number;
  /** Attempts that failed in it since it was started. */
  readonly failed?: number;
  /** Milliseconds that jobs have run in it since it was started, added up over all of them, those that run now included. */
  readonly busyMs?: number;
  /** Milliseconds that the oldest of the jobs that run in it now has run. */
  readonly oldestMs?: number;
}

/** The workers of a target, counted. */
export interface TargetStatus {
  /**
   * The workers that the target keeps: starting, idle, busy, and crashed ones that it is about to start again. Draining
   * ones are on their way out and not among them. After `scale(n)` this is n until workers leave by themselves.
   */
  readonly replicas: number;
  /** Idle or busy. */
  readonly ready: number;
  readonly starting: number;
  readonly busy: number;
  readonly idle: number;
  readonly draining: number;
  /**
   * Kubernetes' `status.replicas`: the pods that exist, where that may differ from `replicas` (its `spec.replicas`)
   * while pods surge or terminate. Absent: the same.
   */
  readonly existing?: number;
  readonly workers: readonly WorkerStatus[];
}

/**
 * What is scaled: processes on this machine, a Deployment, Jobs.
 *
 * Obligations: on scale-in idle workers leave first; a busy one drains, which means that it takes no more jobs, finishes
 * those it has, and is never killed within its grace period. A worker that dies unasked is the target's to replace.
 * `status` rejects rather than guess.
 */
export interface Target {
  status(): Promise<TargetStatus>;
  /** Resolves when the change is under way; starting and draining go on behind it. Draining workers do not come back. */
  scale(to: number): Promise<void>;
  /** Drains every worker, waits at most their grace period, and leaves none behind. Idempotent. */
  close(): Promise<void>;
}

/** Counts workers into a status. */
export function toTargetStatus(workers: readonly WorkerStatus[]): TargetStatus {
  const count = (state: WorkerState): number =>
    workers.filter((worker) => worker.state === state).length;
  const draining = count("draining");
  const idle = count("idle");
  const busy = count("busy");
  return {
    replicas: workers.length - draining,
    ready: idle + busy,
    starting: count("starting"),
    busy,
    idle,
    draining,
    workers,
  };
}
