import { podTemplateOf, type ScaledJob, type ScaledObject } from "../../specs/index.ts";
import type { Explained, Remark } from "./explanation.ts";

/** Whether there is something to run on this machine. Nothing is said of a workload that was not read. */
export function lintCommand({
  set,
  object,
}: Explained<ScaledObject | ScaledJob>): readonly Remark[] {
  const [container] = podTemplateOf(set, object)?.containers ?? [];
  const hasCommand = (container?.command ?? []).length > 0 || object.controls.localCommand !== null;
  if (container === undefined || hasCommand) return [];
  return [
    {
      rule: "image-alone",
      severity: "info",
      path: ["spec", object.kind === "ScaledJob" ? "jobTargetRef" : "scaleTargetRef"],
      text: `The container ${container.name} leaves its command to the image, which this machine does not run. For processes here, add the annotation sluice.dev/local-command: "node worker.js", or command to the container.`,
    },
  ];
}
