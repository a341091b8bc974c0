import type { ScaledJob, ScaledObject } from "../../specs/index.ts";
import type { Remark } from "./explain.ts";

/** Says that a wait which is asked for is not what is kept. */
export function lintObjective({ controls }: ScaledObject | ScaledJob): readonly Remark[] {
  if (controls.objective === null) return [];
  const { maxWaitMs, mode } = controls.objective;
  return [
    {
      rule: "objective-not-followed",
      severity: "warning",
      path: ["metadata", "annotations", "sluice.dev/objective"],
      text: `A wait of ${maxWaitMs / 1000} s (${mode}) is asked for. sluice scale does not keep it yet, and plain KEDA does not know the annotation: the rules above hold.`,
    },
  ];
}
