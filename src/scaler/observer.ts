import { type Clock, describeError } from "../core/index.ts";
import type { Observation, ReadingFailure } from "./decision.ts";
import { type Target, type TargetStatus, toTargetStatus } from "./target.ts";
import type { MetricSample, Trigger } from "./trigger.ts";
import { within } from "./within.ts";

/** What is read, and how patiently. */
export interface ObserverOptions {
  readonly trigger: Trigger;
  readonly target: Target;
  readonly clock: Clock;
  /** A reading that takes longer has failed. */
  readonly readTimeoutMs: number;
}

/** A function that reads trigger and target side by side into an observation, and never rejects. */
export function createObserver(options: ObserverOptions): () => Promise<Observation> {
  const { clock, trigger, target, readTimeoutMs: limitMs } = options;
  let lastStatus: TargetStatus = toTargetStatus([]);

  return async () => {
    const [read, status] = await Promise.allSettled([
      within(clock, limitMs, () => trigger.metrics()),
      within(clock, limitMs, () => target.status()),
    ]);
    if (status.status === "fulfilled") lastStatus = status.value;
    return {
      at: clock.now(),
      samples: read.status === "fulfilled" ? read.value : [],
      status: lastStatus,
      failure: failureOf(trigger.name, read, status),
    };
  };
}

function failureOf(
  trigger: string,
  read: PromiseSettledResult<readonly MetricSample[]>,
  status: PromiseSettledResult<TargetStatus>,
): ReadingFailure | null {
  if (status.status === "rejected")
    return { of: "target", text: `the target's status: ${describeError(status.reason)}` };
  if (read.status === "rejected")
    return { of: "trigger", text: `${trigger}: ${describeError(read.reason)}` };
  return null;
}
