/** Which triggers an objective goes by, how often it looks at them, and what it takes from them. */
import { SluiceError } from "../../core/index.ts";
import type { TriggerSpec } from "../../specs/index.ts";
import type { MetricReading } from "../scaler-trigger.ts";
import type { MetricSample } from "../trigger.ts";

/** These say how many replicas to have, or what pods use, and not how many messages there are. */
const countless: ReadonlySet<string> = new Set(["cpu", "memory", "cron"]);

export function countsMessages({ type }: Pick<TriggerSpec, "type">): boolean {
  return !countless.has(type);
}

/** Throws `TRIGGER_INVALID` where no trigger counts messages. */
export function checkCounting(triggers: readonly Pick<TriggerSpec, "type">[]): void {
  if (triggers.some(countsMessages)) return;
  throw new SluiceError(
    "TRIGGER_INVALID",
    `an objective needs a trigger that counts messages; got ${triggers.map(({ type }) => type).join(", ")}. Add one for the queue, or remove sluice.dev/objective.`,
  );
}

/** Under an objective the queue is looked at this often at least, whatever `pollingInterval` says. */
const longestPollingMs = 5000;
const shortestPollingMs = 250;

/** A polling interval in seconds, shortened to a sixth of the wait, and to 5 s; in milliseconds. */
export function objectivePollingMs(pollingInterval: number, maxWaitMs: number): number {
  const most = Math.min(longestPollingMs, maxWaitMs / 6);
  return Math.round(Math.min(pollingInterval * 1000, Math.max(shortestPollingMs, most)));
}

/** A trigger may also tell how long its oldest message has waited, as a metric of its own, which is no count. */
export function isCount({ metricName }: Pick<MetricReading, "metricName">): boolean {
  return !metricName.endsWith("-age");
}

/** A trigger's count of messages as a sample. `isReady`: those that a worker has taken are not in it. */
export function sampleOf(
  reading: MetricReading,
  { at, isReady }: { readonly at: number; readonly isReady: boolean },
): MetricSample {
  const {
    metricName,
    oldestAgeMs = null,
    due,
    activeGroups,
    messages: value = reading.value,
  } = reading;
  return {
    ...{ name: metricName, value, at, oldestAgeMs },
    ...{ ready: isReady ? value : null, inFlight: null, delayed: null },
    ...(due && { due }),
    ...(activeGroups !== undefined && { activeGroups }),
  };
}
