import { type PrewarmWindow, SluiceError, showValue } from "../../core/index.ts";
import type { ReplicaWindow } from "../../scaler/index.ts";
import { nextFiring, problemOfSchedule } from "./schedule.ts";

/** What is wrong with a window's schedules and count; its time zone is another matter. */
export function problemsOfWindow({
  start,
  end,
  desiredReplicas,
}: Omit<PrewarmWindow, "timezone">): readonly string[] {
  const problems = Object.entries({ start, end }).flatMap(([name, schedule]) => {
    const problem = problemOfSchedule(schedule);
    return problem === null ? [] : [`${name} must have ${problem}`];
  });
  if (start === end) problems.push("start and end must differ");
  if (!(desiredReplicas > 0)) problems.push("desiredReplicas must be more than 0");
  return problems;
}

/** Whether it is a name of the IANA's. */
export function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * A window of KEDA's `cron` trigger as times. Throws `OPTION_INVALID` with every problem.
 *
 * @example
 * const officeHours = { timezone: "Europe/Berlin", start: "0 8 * * 1-5", end: "0 18 * * 1-5", desiredReplicas: 4 };
 * const { opensInMs } = replicaWindow(officeHours);
 */
export function replicaWindow(window: PrewarmWindow): ReplicaWindow {
  const { timezone, start, end, desiredReplicas } = window;
  const texts = Object.entries({ timezone, start, end });
  const problems = texts.flatMap(([name, value]) =>
    typeof value === "string" ? [] : [`${name} must be a text; got ${showValue(value)}`],
  );
  if (problems.length === 0) {
    problems.push(...problemsOfWindow(window));
    if (!Number.isSafeInteger(desiredReplicas) && desiredReplicas > 0)
      problems.push("desiredReplicas must be a whole number");
    if (!isTimezone(timezone))
      problems.push(`timezone must be an IANA name such as Europe/Berlin; got ${timezone}`);
  }
  if (problems.length > 0)
    throw new SluiceError("OPTION_INVALID", `a window of replicas: ${problems.join("; ")}.`);
  return openWindow(window);
}

/** The window of schedules and a time zone that were found good. */
export function openWindow({
  timezone,
  start,
  end,
  desiredReplicas,
}: PrewarmWindow): ReplicaWindow {
  const nextStart = nextFiring(start, timezone);
  const nextEnd = nextFiring(end, timezone);
  return {
    replicas: desiredReplicas,
    opensInMs(at) {
      const opensAt = nextStart(at);
      if (isInside(opensAt, nextEnd(at))) return 0;
      return opensAt === null ? null : opensAt - at;
    },
  };
}

/** KEDA's rule: inside unless the next start comes before the next end. One that never comes is long past to it. */
function isInside(nextStart: number | null, nextEnd: number | null): boolean {
  if (nextStart === null) return nextEnd !== null;
  return nextEnd !== null && nextStart >= nextEnd;
}
