import { wrongAnswer } from "../failure.ts";
import { integer, text } from "../metadata-key.ts";
import { defineTriggerType, singleGauge, type TriggerType } from "../trigger-type.ts";
import { isTimezone, openWindow, problemsOfWindow } from "./window.ts";

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
  check: problemsOfWindow,
  gauge(values, context) {
    const { timezone, start, end, desiredReplicas } = values;
    const window = isTimezone(timezone) ? openWindow(values) : null;
    return singleGauge(context, {
      name: `cron-${timezone}-${encode(start)}-${encode(end)}`,
      target: { key: "target", value: 1 },
      ...(window && { window }),
      async measure() {
        if (window === null)
          throw wrongAnswer(
            `timezone ${JSON.stringify(timezone)} is not known; write an IANA name such as Europe/Berlin`,
          );
        const isActive = window.opensInMs(context.clock.now()) === 0;
        return { value: isActive ? desiredReplicas : 0, isActive };
      },
    });
  },
});

/** As KEDA writes a schedule into a metric name. */
function encode(schedule: string): string {
  return schedule
    .replaceAll(" ", "")
    .replaceAll("*", "x")
    .replaceAll("/", "Sl")
    .replaceAll("?", "Qm")
    .replaceAll(",", "Cm");
}
