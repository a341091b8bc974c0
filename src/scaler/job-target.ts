/**
 * Where a job stands. `pending`: created, nothing of it runs yet, or it waits to be tried again. `running`: a process or
 * pod of it runs. `succeeded`, `failed`: over for good.
 */
export type JobState = "pending" | "running" | "succeeded" | "failed";

/** What a job says of its messages. */
export interface JobWork {
  /** Messages that it works on now. */
  readonly inFlight: number;
  /** Attempts at messages that ended well, and that failed. */
  readonly completed: number;
  readonly failed: number;
  /** Milliseconds spent on messages, added up, those that it works on now included. */
  readonly busyMs?: number;
}

/** One job as its target sees it. */
export interface JobStatus {
  /** Unique among the jobs of a target, such as `resize-x7k2p`. */
  readonly id: string;
  readonly state: JobState;
  /** Whether it has started so far that it takes work. False before it runs and after it ended. */
  readonly ready: boolean;
  /** The generation of the spec that it was made from. */
  readonly generation: number;
  readonly createdAt: number;
  /** When it ended for good; null before. */
  readonly endedAt: number | null;
  /** Tries that failed. */
  readonly failures: number;
  /** When its last try began; absent where the target does not know. */
  readonly startedAt?: number;
  /** When that try was ready for its first message, by its own word or its pod's; absent until then, or where neither tells. */
  readonly readyAt?: number;
  /** What that try does and has done, where it says so: what it said last, once it has ended. */
  readonly work?: JobWork;
  /** The operating system's id while it runs on this machine. */
  readonly pid?: number;
  /** Why it failed, in Kubernetes' words: `BackoffLimitExceeded`, `DeadlineExceeded`. */
  readonly reason?: string;
}

/** The jobs of a target, counted as KEDA counts them. */
export interface JobTargetStatus {
  /** Jobs that have not ended; KEDA's "running". Pending ones are among them. */
  readonly running: number;
  /** Unfinished jobs of which nothing runs, or of which no pod has all the `pendingPodConditions`. */
  readonly pending: number;
  /** Ended ones that the history still holds. */
  readonly succeeded: number;
  readonly failed: number;
  /** How many more could start at once; null where the target does not know. */
  readonly room: number | null;
  readonly jobs: readonly JobStatus[];
  /** All that ended since the target was made, forgotten ones included; absent where it does not count them. */
  readonly ended?: EndedJobs;
}

/** Jobs that ended by themselves. */
export interface EndedJobs {
  readonly succeeded: number;
  readonly failed: number;
}

/**
 * What a ScaledJob creates: one-shot processes on this machine, Jobs in a cluster.
 *
 * Obligations: a job that was created is left to end by itself; nothing here scales in. The target tries failed ones again
 * as their spec says, ends those that overrun their deadline, and forgets finished ones beyond the history limits.
 * `status` rejects rather than guess.
 */
export interface JobTarget {
  status(): Promise<JobTargetStatus>;
  /** Resolves when the jobs exist; they start behind it. */
  create(count: number): Promise<void>;
  /** Stops what runs, waits at most its grace period, and leaves nothing behind. Idempotent. */
  close(): Promise<void>;
}

/** Counts jobs into a status. */
export function toJobTargetStatus(
  jobs: readonly JobStatus[],
  room: number | null = null,
): JobTargetStatus {
  const count = (state: JobState): number => jobs.filter((job) => job.state === state).length;
  const pending = count("pending");
  return {
    running: pending + count("running"),
    pending,
    succeeded: count("succeeded"),
    failed: count("failed"),
    room,
    jobs,
  };
}
