/** What the annotations of a ScaledObject or ScaledJob ask for, read by KEDA's rules, and Sluice's own `sluice.dev/...`. */
export interface ScalingControls {
  /** `autoscaling.keda.sh/paused`. */
  readonly paused: boolean;
  /** `autoscaling.keda.sh/paused-replicas`: paused, and held at this count. */
  readonly pausedReplicas: number | null;
  readonly pausedScaleIn: boolean;
  readonly pausedScaleOut: boolean;
  readonly forceActivation: boolean;
  /** `sluice.dev/local-command`: what a replica runs on this machine, where the manifest needs an image. A list of arguments. */
  readonly localCommand: readonly string[] | null;
  /** `sluice.dev/objective`: a wait to keep, in milliseconds, instead of KEDA's rules. */
  readonly objective: ObjectiveControl | null;
  /** `sluice.dev/shared-cap`: the most replicas of all objectives that name the same cap. */
  readonly sharedCap: SharedCapControl | null;
  /** `sluice.dev/strategy: sequential` on a ScaledJob: one job at a time over a threshold or age. */
  readonly sequential: SequentialControl | null;
}

/** `sluice.dev/objective: 30s`, or as `maxWait=30s,mode=balanced`; what is not said is as the mode has it. */
export interface ObjectiveControl {
  readonly maxWaitMs: number;
  readonly mode: "cost" | "balanced" | "latency";
  /** The share of the wait that is aimed at: above 0, at most 1. */
  readonly theta?: number;
  /** The share of jobs that may wait longer: above 0, at most 0.5. */
  readonly lateShare?: number;
  readonly adaptive?: boolean;
  readonly startCostMs?: number;
  readonly startupDelayMs?: number;
  /** Jobs that one replica, or one job of many messages, runs at a time, as its command is told elsewhere. Absent: 1. */
  readonly concurrency?: number;
  /** For a ScaledJob: whether a job ends after one message (as without it), or works until there is none. */
  readonly messagesPerJob?: MessagesPerJob;
}

/** `sluice.dev/shared-cap: gpu=10`, or as `gpu=10,yield=busy`. */
export interface SharedCapControl {
  readonly name: string;
  readonly maxReplicas: number;
  /** Which of its workers an earlier deadline of another may have; busy ones when their jobs have ended. */
  readonly yields: "idle" | "busy";
}

/** `messagesPerJob=1` and `messagesPerJob=many`. */
export type MessagesPerJob = "one" | "many";

/** `sluice.dev/threshold` (messages, default 0) and `sluice.dev/max-age` (default none). */
export interface SequentialControl {
  readonly threshold: number;
  readonly maxAgeMs: number | null;
}
