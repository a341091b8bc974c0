import type { Cancel, Clock, Logger } from "../core/index.ts";
import type { PodIdentity, TriggerSpec } from "../specs/index.ts";
import type { Connections } from "./connections.ts";
import type { ReplicaWindow } from "./replica-window.ts";
import type { DueCount, ReadingWish } from "./trigger.ts";

/** A metric that a trigger offers to the autoscaler, and what it is compared with. */
export interface MetricSpec {
  /** As KEDA names it: `s<index>-<base>`, such as `s0-postgresql`. */
  readonly metricName: string;
  readonly metricType: "AverageValue" | "Value";
  /** More than 0. */
  readonly target: number;
}

/** One reading of a metric. */
export interface MetricReading {
  readonly metricName: string;
  /** 0 or more, finite, at most three decimals. What the source gave for NaN, infinity or a negative is an error or 0 as KEDA has it. */
  readonly value: number;
  /** Whether the trigger is active, by its own rule: mostly `value > activation value`. */
  readonly active: boolean;
  /** How long the longest-waiting message has waited, where the source tells. KEDA knows no such thing. */
  readonly oldestAgeMs?: number | null;
  /** When delayed messages become ready, where that was asked for and the source tells. */
  readonly due?: readonly DueCount[];
  /** How many messages there are, where the value is bounded by something else than their number. */
  readonly messages?: number;
  /** As many consumers as can be active at a time, where the source limits that, such as one for each partition. */
  readonly activeGroups?: number;
}

/**
 * One item of `triggers`, at work: measures exactly what KEDA's scaler of that type measures.
 *
 * Obligations: a failed reading rejects with a coded error, and is never a zero. The source has the
 * time-out for its answer, which begins when it is the trigger's turn at a connection that many share; each call ends within
 * three times the time-out. The connection belongs to `Connections`; `close` gives back the trigger's hold, idempotently.
 */
export interface ScalerTrigger {
  readonly type: string;
  /** Its place among all triggers of the object, from 0. */
  readonly index: number;
  /** The name given in the spec, or empty. */
  readonly name: string;
  /** At least one. */
  metricSpecs(): Promise<readonly MetricSpec[]>;
  /** A fresh reading of every metric. */
  read(wish?: ReadingWish): Promise<readonly MetricReading[]>;
  /** Calls `onActive` when the source says by itself that there is work. */
  watch?(onActive: () => void): Cancel;
  /** Where the trigger asks for replicas at certain times, as `cron` does. */
  readonly window?: ReplicaWindow;
  close(): Promise<void>;
}

/** What a trigger is built from. */
export interface TriggerContext {
  readonly spec: TriggerSpec;
  readonly index: number;
  /** The scaled object or job that it belongs to. */
  readonly owner: {
    readonly kind: "ScaledObject" | "ScaledJob";
    readonly namespace: string;
    readonly name: string;
  };
  /** What the authenticationRef resolved to; empty without one. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly podIdentity: PodIdentity | null;
  /** The resolved environment of the target's container, for `...FromEnv`. */
  readonly env: Readonly<Record<string, string>>;
  /** Under `scalingModifiers`: some types need no target of their own then. */
  readonly isMetricSource: boolean;
  readonly connections: Connections;
  readonly clock: Clock;
  readonly logger: Logger;
  /** For one reading. KEDA's default is 3 s. */
  readonly timeoutMs: number;
}

/** Builds the trigger of a spec. Throws `TRIGGER_UNKNOWN` listing the known types, or `TRIGGER_INVALID` with every problem. */
export type CreateTrigger = (context: TriggerContext) => Promise<ScalerTrigger>;
