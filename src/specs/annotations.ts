import { durationOf } from "./duration-of.ts";
import { below, invalid, type Place, type Read, refuse } from "./field.ts";
import type { ObjectMeta } from "./object-meta.ts";
import { readObjective } from "./objective-annotation.ts";
import type { ScalingControls, SequentialControl } from "./scaling-controls.ts";
import { readSharedCap } from "./shared-cap.ts";
import { splitWords } from "./split-words.ts";
import { suggestion } from "./suggest.ts";

/** The annotations of KEDA and of Sluice that a ScaledObject or ScaledJob may carry. */
const known = [
  "autoscaling.keda.sh/paused",
  "autoscaling.keda.sh/paused-replicas",
  "autoscaling.keda.sh/paused-scale-in",
  "autoscaling.keda.sh/paused-scale-out",
  "autoscaling.keda.sh/force-activation",
  "scaledobject.keda.sh/transfer-hpa-ownership",
  "scaledobject.keda.sh/hpa-excluded-labels",
  "scaledjob.keda.sh/job-excluded-labels",
  "sluice.dev/local-command",
  "sluice.dev/objective",
  "sluice.dev/shared-cap",
  "sluice.dev/strategy",
  "sluice.dev/threshold",
  "sluice.dev/max-age",
] as const;
const ours = /^(?:[\w.-]+\.)?(?:keda\.sh|sluice\.dev)\//;

type Kind = "ScaledObject" | "ScaledJob";
type Annotations = ObjectMeta["annotations"];

/** What the annotations ask for. `at` is the place of the mapping. */
export function readControls(
  kind: Kind,
  { annotations }: Pick<ObjectMeta, "annotations">,
  at: Place,
): Read<ScalingControls> {
  warnOfStrangers(annotations, at);
  const switches = readSwitches(kind, annotations, at);
  const pausedReplicas = readPausedReplicas(kind, annotations, at);
  const localCommand = readLocalCommand(annotations, at);
  const objective = readObjective(kind, annotations, at);
  const sharedCap = readSharedCap(kind, annotations, at);
  const sequential = readSequential(kind, annotations, at);
  if (pausedReplicas === invalid || localCommand === invalid) return invalid;
  if (objective === invalid || sharedCap === invalid || sequential === invalid) return invalid;
  if (objective !== null && sequential !== null)
    return refuse(
      below(at, "sluice.dev/strategy"),
      "excludes sluice.dev/objective: each says when jobs are created. Keep one of them.",
    );
  return { ...switches, pausedReplicas, localCommand, objective, sharedCap, sequential };
}

function warnOfStrangers(annotations: Annotations, at: Place): void {
  for (const key of Object.keys(annotations)) {
    if (!ours.test(key) || known.some((one) => one === key)) continue;
    at.report.warn([...at.path, key], `is unknown and has no effect.${suggestion(key, known)}`);
  }
}

type Switch = "paused" | "pausedScaleIn" | "pausedScaleOut" | "forceActivation";

const switchKeys: Readonly<Record<Switch, string>> = {
  paused: "autoscaling.keda.sh/paused",
  pausedScaleIn: "autoscaling.keda.sh/paused-scale-in",
  pausedScaleOut: "autoscaling.keda.sh/paused-scale-out",
  forceActivation: "autoscaling.keda.sh/force-activation",
};
const onWords: ReadonlySet<string> = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const offWords: ReadonlySet<string> = new Set(["0", "f", "F", "FALSE", "false", "False"]);

function readSwitches(kind: Kind, annotations: Annotations, at: Place) {
  const read = (key: string): boolean => {
    const value = annotations[key];
    if (value === undefined || offWords.has(value)) return false;
    if (kind === "ScaledJob" && key !== switchKeys.paused) {
      at.report.warn([...at.path, key], "has no effect on a ScaledJob.");
      return false;
    }
    if (!onWords.has(value))
      at.report.warn(
        [...at.path, key],
        `is ${JSON.stringify(value)}, which KEDA takes for true. Write "true" or "false".`,
      );
    return true;
  };
  return {
    paused: read(switchKeys.paused),
    pausedScaleIn: read(switchKeys.pausedScaleIn),
    pausedScaleOut: read(switchKeys.pausedScaleOut),
    forceActivation: read(switchKeys.forceActivation),
  };
}

function readPausedReplicas(kind: Kind, annotations: Annotations, at: Place): Read<number | null> {
  const key = "autoscaling.keda.sh/paused-replicas";
  const value = annotations[key];
  if (value === undefined) return null;
  if (kind === "ScaledJob") {
    at.report.warn([...at.path, key], "has no effect on a ScaledJob; write paused.");
    return null;
  }
  const number = readWhole(value);
  if (number !== null && number < 2 ** 31) return number;
  return refuse(
    below(at, key),
    `must be a whole number from 0, in quotes; got ${JSON.stringify(value)}.`,
  );
}

function readLocalCommand(annotations: Annotations, at: Place): Read<readonly string[] | null> {
  const key = "sluice.dev/local-command";
  const value = annotations[key];
  if (value === undefined) return null;
  const words = splitWords(value);
  if (words !== null && words.length > 0 && words[0] !== "") return words;
  return refuse(
    below(at, key),
    `must be a command with its arguments, such as "node worker.js", or a JSON list of texts; got ${words === null ? "a quote or bracket that is not closed" : "nothing"}.`,
  );
}

function readSequential(
  kind: Kind,
  annotations: Annotations,
  at: Place,
): Read<SequentialControl | null> {
  const { "sluice.dev/strategy": strategy, "sluice.dev/threshold": threshold } = annotations;
  const { "sluice.dev/max-age": maxAge } = annotations;
  if (strategy === undefined) {
    warnOfIdle(annotations, at);
    return null;
  }
  const count = threshold === undefined ? 0 : readWhole(threshold);
  const maxAgeMs = durationOf(maxAge);
  const problems: readonly (readonly [key: string, isWrong: boolean, message: string])[] = [
    ["strategy", strategy !== "sequential", `must be "sequential"`],
    ["strategy", kind !== "ScaledJob", "is for a ScaledJob alone"],
    ["threshold", count === null, "must be a whole number from 0, in quotes"],
    ["max-age", maxAge !== undefined && maxAgeMs === null, `must be a duration such as "30s"`],
  ];
  const wrong = problems.filter(([, isWrong]) => isWrong);
  for (const [name, , message] of wrong) {
    const key = `sluice.dev/${name}`;
    refuse(below(at, key), `${message}; got ${JSON.stringify(annotations[key])}.`);
  }
  return wrong.length > 0 ? invalid : { threshold: count ?? 0, maxAgeMs };
}

function warnOfIdle(annotations: Annotations, at: Place): void {
  for (const key of ["sluice.dev/threshold", "sluice.dev/max-age"]) {
    if (annotations[key] === undefined) continue;
    at.report.warn([...at.path, key], "has no effect without sluice.dev/strategy: sequential.");
  }
}

function readWhole(value: string): number | null {
  return /^\+?\d{1,15}$/.test(value) ? Number(value) : null;
}
