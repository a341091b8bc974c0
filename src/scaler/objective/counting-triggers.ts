/** Which triggers an objective goes by, and how often it looks at them. */
import { SluiceError } from "../../core/index.ts";
import type { TriggerSpec } from "../../specs/index.ts";

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
