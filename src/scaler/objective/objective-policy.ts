import {
  type ObjectiveFallback,
  type ObjectiveMode,
  type ObjectiveOptions,
  type PrewarmWindow,
  type ScaleOptions,
  SluiceError,
} from "../../core/index.ts";
import type { Fallback } from "../../specs/index.ts";
import { toPeriodMs } from "../period.ts";
import type { ReplicaWindow } from "../replica-window.ts";
import { checkBounds, toPollingMs, wholeNumber } from "../scale-options.ts";

/** A wait objective with every field decided. Times in milliseconds. */
export interface ObjectivePolicy {
  readonly maxWaitMs: number;
  readonly mode: ObjectiveMode;
  readonly minReplicaCount: number;
  readonly maxReplicaCount: number;
  /** Jobs that one worker runs at a time. */
  readonly concurrency: number;
  readonly pollingIntervalMs: number;
  /** What a start takes, until enough were measured. */
  readonly startupMs: number;
  /** What a job takes, until some have ended. */
  readonly serviceMs: number;
  /** How long a worker that is asked to go may work on. */
  readonly graceMs: number;
  readonly lateShare: number;
  readonly theta: number;
  readonly isAdaptive: boolean;
  /** Whether workers with short jobs may be asked to finish and go. */
  readonly drainsBusy: boolean;
  /** From zero, at the first job. */
  readonly isEager: boolean;
  /** What a start costs besides its time. */
  readonly startCostMs: number;
  readonly maxStepUp: number;
  readonly maxStartsPerMinute: number;
  /** What to have while readings fail; null: what there is. */
  readonly fallback: Fallback | null;
  /** Workers at certain times, started so that they are ready when those begin. */
  readonly windows: readonly ReplicaWindow[];
}

/** What the worker and the platform give. */
export interface ObjectiveSurroundings {
  /** Default 1. */
  readonly concurrency?: number;
  /** Where the options do not say. Default 10 s, as in a cluster. */
  readonly startupMs?: number;
  /** What makes times of `prewarm`; whoever wires schedules gives it. */
  readonly openWindow?: (window: PrewarmWindow) => ReplicaWindow;
  /** How long a worker that is asked to go may work on. Default 30 s, as in a cluster. */
  readonly graceMs?: number;
}

const thetas: Readonly<Record<ObjectiveMode, number>> = { cost: 0.95, balanced: 0.6, latency: 0.2 };

/**
 * The policy of a wait objective. Counts and the polling interval are those of the other options; `messageCount`,
 * `activationMessageCount`, `cooldownPeriod` and `stabilizationWindow` have no part in it.
 * Throws `OPTION_INVALID` or `DURATION_INVALID`.
 *
 * @example
 * const policy = toObjectivePolicy({ maxWait: "30s" }, { maxReplicaCount: 50 });
 */
export function toObjectivePolicy(
  objective: ObjectiveOptions,
  scale: Pick<ScaleOptions, "minReplicaCount" | "maxReplicaCount" | "pollingInterval"> = {},
  surroundings: ObjectiveSurroundings = {},
): ObjectivePolicy {
  const { mode = "cost" } = objective;
  if (!Object.hasOwn(thetas, mode)) throw notA("mode", "cost, balanced or latency", mode);
  const maxReplicaCount = wholeNumber("maxReplicaCount", scale.maxReplicaCount ?? 10, 1);
  const { startupMs = 10_000, concurrency = 1, graceMs = 30_000 } = surroundings;
  const policy: ObjectivePolicy = {
    maxWaitMs: toPeriodMs(objective.maxWait, "maxWait"),
    mode,
    minReplicaCount: wholeNumber("minReplicaCount", scale.minReplicaCount ?? 0, 0),
    maxReplicaCount,
    concurrency: wholeNumber("concurrency", concurrency, 1),
    pollingIntervalMs: toPollingMs(scale.pollingInterval ?? 1),
    startupMs: optionalMs(objective.startupDelay, "startupDelay") ?? startupMs,
    ...{ serviceMs: 1000, graceMs },
    lateShare: within("lateShare", objective.lateShare ?? 0.05, 0.5),
    theta: within("theta", objective.theta ?? thetas[mode], 1),
    isAdaptive: objective.adaptive ?? false,
    drainsBusy: objective.drainBusy ?? false,
    isEager: mode === "latency",
    startCostMs: optionalMs(objective.startCost, "startCost") ?? 0,
    maxStepUp: limit("maxStepUp", objective.maxStepUp, Number.POSITIVE_INFINITY),
    maxStartsPerMinute: limit(
      "maxStartsPerMinute",
      objective.maxStartsPerMinute,
      4 * maxReplicaCount + 10,
    ),
    fallback: objective.fallback === undefined ? null : toFallback(objective.fallback),
    windows: windowsOf(objective, surroundings),
  };
  if (policy.maxWaitMs <= 0) throw notA("maxWait", "more than 0", policy.maxWaitMs);
  checkBounds(policy);
  return policy;
}

function windowsOf(
  { prewarm = [] }: ObjectiveOptions,
  { openWindow }: ObjectiveSurroundings,
): readonly ReplicaWindow[] {
  if (openWindow !== undefined) return prewarm.map((window) => openWindow(window));
  if (prewarm.length === 0) return [];
  throw new SluiceError(
    "OPTION_UNSUPPORTED",
    "objective.prewarm needs a reader of schedules, and none was given. Pass openWindow, or leave prewarm out.",
  );
}

const behaviors = [
  "static",
  "currentReplicas",
  "currentReplicasIfHigher",
  "currentReplicasIfLower",
] as const;

function toFallback(fallback: ObjectiveFallback): Fallback {
  const { behavior = "static" } = fallback;
  if (!behaviors.includes(behavior))
    throw notA("fallback.behavior", `one of ${behaviors.join(", ")}`, behavior);
  return {
    failureThreshold: wholeNumber("fallback.failureThreshold", fallback.failureThreshold, 0),
    replicas: wholeNumber("fallback.replicas", fallback.replicas, 0),
    behavior,
  };
}

function optionalMs(period: ObjectiveOptions["maxWait"] | undefined, name: string): number | null {
  return period === undefined ? null : toPeriodMs(period, name);
}

function within(name: string, value: number, most: number): number {
  if (value > 0 && value <= most) return value;
  throw notA(name, `a number above 0, at most ${most}`, value);
}

function limit(name: string, value: number | undefined, otherwise: number): number {
  return value === undefined ? otherwise : wholeNumber(name, value, 1);
}

function notA(name: string, expected: string, value: unknown): SluiceError {
  return new SluiceError(
    "OPTION_INVALID",
    `objective.${name} must be ${expected}; got ${JSON.stringify(value)}.`,
  );
}
