import { formatMs } from "../../core/index.ts";
import type { ScaledJob, ScaledObject } from "../../specs/index.ts";
import type { Remark } from "./explanation.ts";

/** Says what becomes of the rest of the YAML when a wait is asked for. */
export function lintObjective({ kind, controls }: ScaledObject | ScaledJob): readonly Remark[] {
  if (controls.objective === null) return [];
  const { maxWaitMs, mode } = controls.objective;
  const asked = `A wait of ${formatMs(maxWaitMs)} (${mode}) is asked for`;
  const path = ["metadata", "annotations", "sluice.dev/objective"];
  if (kind === "ScaledJob") {
    const text = `${asked}. It is kept for ScaledObjects only: the rules above hold.`;
    return [{ rule: "objective-not-followed", severity: "warning", path, text }];
  }
  const text = `${asked}. sluice scale keeps it and takes only the bounds, the fallback, the windows of cron triggers and the other triggers' counts from the rest; plain KEDA does not know the annotation, and the rules above hold there.`;
  return [{ rule: "objective-replaces", severity: "info", path, text }];
}
