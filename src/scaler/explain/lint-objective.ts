import { formatMs } from "../../core/index.ts";
import { podTemplateOf, type ScaledJob, type ScaledObject } from "../../specs/index.ts";
import type { Explained, Remark } from "./explanation.ts";
import { inFlightOf } from "./in-flight.ts";

const path = ["metadata", "annotations", "sluice.dev/objective"];

/** Says what becomes of the rest of the YAML when a wait is asked for. */
export function lintObjective({ kind, controls }: ScaledObject | ScaledJob): readonly Remark[] {
  if (controls.objective === null) return [];
  const { maxWaitMs, mode } = controls.objective;
  const asked = `A wait of ${formatMs(maxWaitMs)} (${mode}) is asked for`;
  const kept =
    kind === "ScaledJob"
      ? "the bounds and the triggers' counts"
      : "the bounds, the fallback, the windows of cron triggers and the other triggers' counts";
  const text = `${asked}. sluice scale keeps it and takes only ${kept} from the rest; plain KEDA does not know the annotation, and the rules above hold there.`;
  return [{ rule: "objective-replaces", severity: "info", path, text }];
}

/** What else must be right where replicas are asked for by deadlines. */
export function lintObjectObjective(explained: Explained<ScaledObject>): readonly Remark[] {
  return otherConcurrency(explained);
}

function otherConcurrency(explained: Explained<ScaledObject | ScaledJob>): readonly Remark[] {
  const { objective } = explained.object.controls;
  if (objective === null) return [];
  const { concurrency = 1 } = objective;
  const [, told] = /--concurrency[= ](\d+)/.exec(wordsOf(explained).join(" ")) ?? [];
  if (told === undefined || Number(told) === concurrency) return [];
  const many = explained.object.kind === "ScaledJob" ? "messagesPerJob=many," : "";
  const text = `The command runs ${told} jobs at a time, and the objective reckons with ${concurrency}: workers are asked for that are not needed, or missing. Write concurrency=${told} in the annotation, such as maxWait=30s,${many}concurrency=${told}.`;
  return [{ rule: "objective-concurrency", severity: "warning", path, text }];
}

/** What else must be right where jobs are created by deadlines. */
export function lintJobObjective(explained: Explained<ScaledJob>): readonly Remark[] {
  if (explained.object.controls.objective?.messagesPerJob === "many")
    return otherConcurrency(explained);
  return [...worksUntilIdle(explained), ...untoldCounts(explained)];
}

/** A command that takes messages until none comes brings no job of its own for each. */
function worksUntilIdle(explained: Explained<ScaledJob>): readonly Remark[] {
  const flag = "--exit-when-idle";
  if (!wordsOf(explained).some((word) => word.includes(flag))) return [];
  const text = `The command works until no message comes (${flag}), and yet each message is to get a job of its own. Write messagesPerJob=many, so that messages share jobs.`;
  return [{ rule: "messages-per-job", severity: "warning", path, text }];
}

function untoldCounts({ object, resolutions }: Explained<ScaledJob>): readonly Remark[] {
  const { strategy } = object.spec.scalingStrategy;
  const holds = strategy === "default" || strategy === "custom" ? "still holds" : "no longer holds";
  return object.spec.triggers.flatMap((trigger, index): readonly Remark[] => {
    if (inFlightOf(trigger, resolutions[index]) !== "query") return [];
    const text = `Whether what ${trigger.type} counts still holds the messages that running jobs have taken, its type does not tell. scalingStrategy.strategy says it: with ${strategy}, it ${holds} them (default and custom: it does; accurate and eager: it does not). If that is wrong, jobs are created twice or not at all.`;
    const at = ["spec", "triggers", index];
    return [{ rule: "objective-in-flight", severity: "info", path: at, text }];
  });
}

/** The command with its arguments, as far as the files say. */
function wordsOf({ set, object }: Explained<ScaledObject | ScaledJob>): readonly string[] {
  const [container] = podTemplateOf(set, object)?.containers ?? [];
  const { localCommand } = object.controls;
  return localCommand ?? [...(container?.command ?? []), ...(container?.args ?? [])];
}
