import type { ScaledJob, ScaledJobSpec } from "../../specs/index.ts";
import type { Explained, Remark } from "./explanation.ts";
import { inFlightOf } from "./in-flight.ts";
import { lintCommand } from "./lint-command.ts";
import { lintJobObjective, lintObjective } from "./lint-objective.ts";
import { lintTriggers } from "./lint-triggers.ts";
import { lintSharedCap } from "./shared-cap.ts";
import type { InFlight } from "./trigger-facts.ts";

/** What of a ScaledJob does not do what one would think. */
export function lintScaledJob(explained: Explained<ScaledJob>): readonly Remark[] {
  const { object } = explained;
  return [
    // No job is ever let go, so a value without what they have taken is the strategy's concern alone.
    ...lintTriggers(explained).filter(
      ({ rule, severity }) => rule !== "rabbitmq-protocol" || severity !== "warning",
    ),
    ...lintCommand(explained),
    ...lintObjective(object),
    ...lintSharedCap(explained.set, object),
    ...rulesOf(explained),
  ];
}

function rulesOf(explained: Explained<ScaledJob>): readonly Remark[] {
  const { controls, spec } = explained.object;
  if (controls.objective !== null) return lintJobObjective(explained);
  const rules =
    controls.sequential === null ? strategyRemarks(explained) : sequentialRemarks(explained.object);
  return [...rules, ...minimumOnTop(spec), ...several(spec)];
}

type Strategy = ScaledJobSpec["scalingStrategy"]["strategy"];

/** Whether a strategy takes running jobs off the backlog, and so needs a value that still holds what they have taken. */
const expects: Readonly<Record<Strategy, "included" | "excluded">> = {
  default: "included",
  custom: "included",
  accurate: "excluded",
  eager: "excluded",
};

function strategyRemarks({ object, resolutions }: Explained<ScaledJob>): readonly Remark[] {
  const { strategy } = object.spec.scalingStrategy;
  return object.spec.triggers.flatMap((trigger, index): readonly Remark[] => {
    const holds = inFlightOf(trigger, resolutions[index]);
    const text = strategyText({ type: trigger.type, strategy, holds });
    if (text === null) return [];
    const severity = holds === "query" ? "info" : "warning";
    return [{ rule: "strategy-in-flight", severity, path: ["spec", "triggers", index], text }];
  });
}

interface Pairing {
  readonly type: string;
  readonly strategy: Strategy;
  readonly holds: InFlight;
}

function strategyText({ type, strategy, holds }: Pairing): string | null {
  const wanted = expects[strategy];
  if (holds === "unknown" || holds === wanted) return null;
  if (holds === "query")
    return wanted === "included"
      ? `The strategy ${strategy} takes running jobs off the value, so what ${type} counts must still hold the work that they have taken. If it does not, too few jobs are created: write accurate then.`
      : `The strategy ${strategy} expects a value without the work that running jobs have taken. If what ${type} counts still holds it, jobs are created for it again at every look: write default then.`;
  return wanted === "included"
    ? `${type} no longer counts what running jobs have taken, and the strategy ${strategy} takes those jobs off once more: too few are created. Write scalingStrategy.strategy: accurate.`
    : `${type} still counts what running jobs have taken, and the strategy ${strategy} does not take those jobs off: at every look, jobs are created for them again. Write scalingStrategy.strategy: default.`;
}

function sequentialRemarks({ controls, spec }: ScaledJob): readonly Remark[] {
  const annotations = ["metadata", "annotations"];
  const hasAge = spec.triggers.some((trigger) => trigger.type === "sluice");
  const asks = controls.sequential?.maxAgeMs !== null;
  const known: Remark = {
    rule: "sequential-replaces",
    severity: "info",
    path: [...annotations, "sluice.dev/strategy"],
    text: "Sluice creates one job at a time and does not look at scalingStrategy. A cluster with plain KEDA does not know the annotation and scales by scalingStrategy.",
  };
  const age: Remark = {
    rule: "sequential-without-age",
    severity: "info",
    path: [...annotations, "sluice.dev/max-age"],
    text: "Only a trigger of type sluice tells how long the oldest message has waited, and there is none. The time since the queue was last seen empty stands for it, so that a job may come too early and none too late.",
  };
  return asks && !hasAge ? [known, age] : [known];
}

function minimumOnTop({ minReplicaCount: min }: ScaledJobSpec): readonly Remark[] {
  if (min === null || min === 0) return [];
  return [
    {
      rule: "minimum-on-top",
      severity: "info",
      path: ["spec", "minReplicaCount"],
      text: `The ${min} that always run are not counted against new messages: with ${min} of them idle, each message still creates a job of its own.`,
    },
  ];
}

function several({ triggers, scalingStrategy }: ScaledJobSpec): readonly Remark[] {
  if (triggers.length < 2 || scalingStrategy.multipleScalersCalculation !== "max") return [];
  return [
    {
      rule: "several-triggers",
      severity: "info",
      path: ["spec", "triggers"],
      text: "Only the trigger with the most messages counts (multipleScalersCalculation: max). If one job serves all of them, write sum.",
    },
  ];
}
