import { below, type Place } from "./field.ts";
import { parseQuantity } from "./quantity.ts";
import type { TriggerSpec } from "./trigger-spec.ts";

/** Measured by the autoscaler itself and not by KEDA. */
export function isResourceTrigger({ type }: Pick<TriggerSpec, "type">): boolean {
  return type === "cpu" || type === "memory";
}

/** What KEDA checks of the triggers of any object. `at` is the place of the list. */
export function checkTriggers(triggers: readonly TriggerSpec[], at: Place): void {
  checkNames(triggers, at);
  for (const [index, trigger] of triggers.entries()) {
    const place = below(at, index);
    if (trigger.useCachedMetrics && (isResourceTrigger(trigger) || trigger.type === "cron"))
      report(place, "useCachedMetrics", `must be false for ${trigger.type}. Leave the key out.`);
    if (isResourceTrigger(trigger)) checkResourceTrigger(trigger, place);
    else if (trigger.metricType === "Utilization")
      report(
        place,
        "metricType",
        `must be AverageValue or Value for ${trigger.type}; Utilization is for cpu and memory alone.`,
      );
  }
}

function report(at: Place, key: string, message: string): void {
  at.report.error([...at.path, key], message);
}

function checkNames(triggers: readonly TriggerSpec[], at: Place): void {
  const seen = new Map<string, number>();
  for (const [index, { name }] of triggers.entries()) {
    const first = seen.get(name);
    if (name !== "" && first !== undefined)
      report(
        below(at, index),
        "name",
        `${JSON.stringify(name)} is also the name of triggers[${first}]. Names must differ.`,
      );
    seen.set(name, first ?? index);
  }
}

function checkResourceTrigger({ type, metricType, metadata }: TriggerSpec, at: Place): void {
  const value = metadata.value ?? "";
  if (metadata.type !== undefined)
    at.report.error(
      [...at.path, "metadata", "type"],
      `is no longer understood. Write metricType beside type: ${type}.`,
    );
  else if (metricType !== "Utilization" && metricType !== "AverageValue")
    report(
      at,
      "metricType",
      `must be Utilization or AverageValue for ${type}; ${metricType === null ? "it is missing" : `got ${metricType}`}.`,
    );
  const isFit =
    metricType === "AverageValue"
      ? (parseQuantity(value) ?? 0) > 0
      : /^0*[1-9]\d{0,8}$/.test(value);
  if (isFit) return;
  at.report.error(
    [...at.path, "metadata", "value"],
    `must be ${metricType === "AverageValue" ? 'a quantity above 0, such as "500m" or "1Gi"' : 'a whole per cent above 0, such as "60"'}; got ${JSON.stringify(value)}.`,
  );
}
