import { wrongAnswer } from "../failure.ts";
import { integer, text } from "../metadata-key.ts";
import { defineTriggerType, singleGauge, type TriggerType } from "../trigger-type.ts";
import { nextFiring, problemOfSchedule } from "./schedule.ts";

const keys = {
  timezone: text({ from: "M", required: true, says: "IANA name, such as `Europe/Berlin`" }),
  start: text({ from: "M", required: true, says: "Five-field cron: when the window opens" }),
  end: text({ from: "M", required: true, says: "Five-field cron: when it closes" }),
  desiredReplicas: integer({ from: "M", required: true, says: "Replicas inside the window" }),
};

export const cron: TriggerType = defineTriggerType({
  type: "cron",
  keys,
  measures: "`desiredReplicas` inside the window and 0 outside, with the target 1; active inside",
  countsInFlight: "does not count messages",
  check({ start, end, desiredReplicas }) {
    const problems = Object.entries({ start, end }).flatMap(([name, schedule]) => {
      const problem = problemOfSchedule(schedule);
      return problem === null ? [] : [`${name} must have ${problem}`];
    });
    if (start === end) problems.push("start and end must differ");
    if (desiredReplicas <= 0) problems.push("desiredReplicas must be more than 0");
    return problems;
  },
  gauge({ timezone, start, end, desiredReplicas }, context) {
    let next: Firings | null = null;
    return singleGauge(context, {
      name: `cron-${timezone}-${encode(start)}-${encode(end)}`,
      target: { key: "target", value: 1 },
      async measure() {
        next ??= firings(timezone, start, end);
        const now = context.clock.now();
        const isActive = isInside(next.start(now), next.end(now));
        return { value: isActive ? desiredReplicas : 0, isActive };
      },
    });
  },
});

/** When the window opens and closes next, after a time. */
type Firings = Readonly<Record<"start" | "end", (after: number) => number | null>>;

function firings(timezone: string, start: string, end: string): Firings {
  if (!isTimezone(timezone))
    throw wrongAnswer(
      `timezone ${JSON.stringify(timezone)} is not known; write an IANA name such as Europe/Berlin`,
    );
  return { start: nextFiring(start, timezone), end: nextFiring(end, timezone) };
}

/** KEDA's rule: inside unless the next start comes before the next end. One that never comes is long past to it. */
function isInside(nextStart: number | null, nextEnd: number | null): boolean {
  if (nextStart === null) return nextEnd !== null;
  return nextEnd !== null && nextStart >= nextEnd;
}

/** As KEDA writes a schedule into a metric name. */
function encode(schedule: string): string {
  return schedule
    .replaceAll(" ", "")
    .replaceAll("*", "x")
    .replaceAll("/", "Sl")
    .replaceAll("?", "Qm")
    .replaceAll(",", "Cm");
}

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
