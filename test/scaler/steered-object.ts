/** A scaled object whose metric, target and time a test steers. */

import {
  createScaledObjectEngine,
  type Decision,
  type MetricReading,
  type ScaledObjectState,
  type ScalerEngine,
  type ScalerTrigger,
  type Target,
  toTargetStatus,
  type WorkerStatus,
} from "../../src/scaler/index.ts";
import { objectPolicy } from "../../src/scaler/keda/fixtures/scaled.ts";
import type { ScaledObjectSpec, ScalingControls } from "../../src/specs/index.ts";
import { createVirtualClock, type VirtualClock } from "../../src/testing/index.ts";
import { type RecordingLogger, recordingLogger } from "../support/recording-logger.ts";

/** A trigger that gives what it is told and counts how often it is asked. */
export interface SteeredTrigger extends ScalerTrigger {
  value: number;
  failure: string | null;
  /** Resolves a reading later than at once. */
  answer: (() => Promise<void>) | null;
  reads: number;
  push(): void;
}

export function steeredTrigger(index = 0, type = "metrics-api"): SteeredTrigger {
  const listeners = new Set<() => void>();
  const metricName = `s${index}-metric`;
  const trigger: SteeredTrigger = {
    ...{ type, index, name: "", value: 0, failure: null, answer: null, reads: 0 },
    metricSpecs: async () => [{ metricName, metricType: "AverageValue", target: 5 }],
    async read(): Promise<readonly MetricReading[]> {
      trigger.reads += 1;
      await trigger.answer?.();
      if (trigger.failure !== null) throw new Error(trigger.failure);
      return [{ metricName, value: trigger.value, active: trigger.value > 0 }];
    },
    watch(onActive) {
      listeners.add(onActive);
      return () => listeners.delete(onActive);
    },
    push() {
      for (const listener of listeners) listener();
    },
    close: async () => undefined,
  };
  return trigger;
}

/** A target whose workers are there at once. */
export interface SteeredTarget extends Target {
  replicas: number;
  failure: string | null;
  readonly calls: number[];
}

export function steeredTarget(): SteeredTarget {
  const calls: number[] = [];
  const target: SteeredTarget = {
    ...{ replicas: 0, failure: null, calls },
    async status() {
      const worker = (index: number): WorkerStatus => ({
        ...{ id: `w${index}`, state: "idle", startedAt: 0, since: 0 },
      });
      return toTargetStatus(Array.from({ length: target.replicas }, (_, index) => worker(index)));
    },
    async scale(to) {
      calls.push(to);
      if (target.failure !== null) throw new Error(target.failure);
      target.replicas = to;
    },
    close: async () => undefined,
  };
  return target;
}

export interface Steered {
  readonly clock: VirtualClock;
  readonly triggers: readonly SteeredTrigger[];
  readonly target: SteeredTarget;
  readonly engine: ScalerEngine<ScaledObjectState>;
  readonly logger: RecordingLogger;
  readonly decisions: Decision[];
  /** The trigger, where there is one alone. */
  readonly trigger: SteeredTrigger;
}

export function steer(
  spec: Partial<ScaledObjectSpec> = {},
  controls: Partial<ScalingControls> = {},
): Steered {
  const clock = createVirtualClock(0);
  const policy = objectPolicy(spec, controls);
  const triggers = policy.triggers.map(({ type }, index) => steeredTrigger(index, type));
  const [trigger = steeredTrigger()] = triggers;
  const target = steeredTarget();
  const logger = recordingLogger();
  const decisions: Decision[] = [];
  const engine = createScaledObjectEngine({
    ...{ name: "ScaledObject default/app", policy, triggers, target, clock, logger },
    onDecision: (decision) => decisions.push(decision),
  });
  return { clock, triggers, trigger, target, engine, logger, decisions };
}
