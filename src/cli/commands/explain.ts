import { Command, InvalidArgumentError } from "commander";
import { isSluiceError, SluiceError, toMs } from "../../core/index.ts";
import {
  type Explanation,
  explain,
  type Resolution,
  type Situation,
  workThrough,
} from "../../scaler/index.ts";
import {
  formatProblem,
  nameOf,
  readSpecs,
  resolveTrigger,
  type ScaledJob,
  type ScaledObject,
  type SpecProblem,
  type SpecSet,
} from "../../specs/index.ts";
import { showDecisions } from "../explain/decisions.ts";
import { triggerFaults } from "../explain/trigger-faults.ts";
import { duration, jsonOption, specFilesOption, wholeNumber } from "../options.ts";
import { colors, print, printJson, say } from "../terminal.ts";

interface ExplainOptions {
  readonly file: readonly string[];
  readonly value?: readonly SupposedValue[];
  readonly replicas?: number;
  readonly ready?: number;
  readonly inactive?: string;
  readonly age?: string;
  readonly json?: true;
}

const examples = `
Examples:
  $ sluice explain -f scaledobject.yaml       what it means, and what is worth a second look
  $ sluice explain -f deploy/                 a folder, with Deployments and Secrets beside it
  $ kubectl get so,ta -o yaml | sluice explain -f -
  $ sluice explain -f deploy/ --json          one JSON object
  $ sluice explain -f deploy/ --value 37 --replicas 4
  $ sluice explain -f deploy/ --value queue=37 --value cron=failed --replicas 4 --inactive 5m

With --value, what would be decided is worked through step by step, for a metric that is 37 while 4
replicas run, with nothing else in the autoscaler's memory.`;

/** `sluice explain`: KEDA's YAML in plain words. */
export function explainCommand(): Command {
  return new Command("explain")
    .description("say in plain words what KEDA's YAML means, and what in it is worth a second look")
    .addOption(specFilesOption())
    .option(
      "--value <value>",
      "work a decision through: 37, or a trigger's name, type or index as in queue=37; or failed",
      collectValue,
    )
    .option("--replicas <n>", "with --value: how many replicas, or jobs, run (0)", wholeNumber(0))
    .option("--ready <n>", "with --value: how many of them are ready (all)", wholeNumber(0))
    .option("--inactive <duration>", "with --value: how long nothing was active (0)", duration)
    .option("--age <duration>", "with --value: how long the oldest message has waited", duration)
    .addOption(jsonOption("print one JSON object"))
    .addHelpText("after", examples)
    .action(explainFiles);
}

async function explainFiles(options: ExplainOptions): Promise<void> {
  const set = await readSpecs(options.file);
  const objects = [...set.scaledObjects, ...set.scaledJobs];
  if (objects.length === 0) throw nothingToExplain(set, options.file);
  if (options.value !== undefined) return decideFor(objects, options, options.value);
  const explanations: Explanation[] = [];
  for (const object of objects) {
    const resolutions = await resolveAll(set, object);
    const faults = await triggerFaults(object, resolutions);
    explanations.push(explain({ set, object, resolutions, faults }));
  }
  if (options.json) {
    const { warnings, notes } = set;
    printJson({ objects: explanations, warnings, notes });
    return;
  }
  print(explanations.map((one) => toText(one, set)).join("\n\n"));
  tellTheRest(set, objects);
}

type SupposedValue = readonly [trigger: string, value: number | "failed"];

/** `37`, `queue=37`, `queue=failed`. */
function collectValue(text: string, earlier: readonly SupposedValue[] = []) {
  const [, trigger = "", value = ""] = /^(?:(.+)=)?([^=]+)$/.exec(text) ?? [];
  if (value === "failed") return [...earlier, [trigger, value] as const];
  const number = Number(value);
  if (/^\d/.test(value) && Number.isFinite(number) && number >= 0)
    return [...earlier, [trigger, number] as const];
  throw new InvalidArgumentError("Expected a number from 0, or failed, or either after name=.");
}

function decideFor(
  objects: readonly (ScaledObject | ScaledJob)[],
  options: ExplainOptions,
  values: readonly SupposedValue[],
): void {
  const { replicas = 0, ready, inactive, age, json } = options;
  const situation: Situation = {
    ...{ values: new Map(values), replicas },
    ...(ready !== undefined && { ready: Math.min(ready, replicas) }),
    ...(inactive !== undefined && { inactiveMs: toMs(inactive) }),
    ...(age !== undefined && { oldestAgeMs: toMs(age) }),
  };
  const worked = objects.map((object) => workThrough(object, situation, Date.now()));
  if (json) printJson({ objects: worked });
  else print(worked.map(showDecisions).join("\n\n"));
}

/** Each trigger's authentication; one that cannot be had is told of and keeps the others from nothing. */
async function resolveAll(
  set: SpecSet,
  object: ScaledObject | ScaledJob,
): Promise<readonly Resolution[]> {
  return Promise.all(
    object.spec.triggers.map((trigger) =>
      resolveTrigger(set, object, trigger).catch((error: unknown) => {
        if (isSluiceError(error)) return error;
        throw error;
      }),
    ),
  );
}

function nothingToExplain(set: SpecSet, files: readonly string[]): SluiceError {
  const seen = set.notes.length > 0 ? ` ${set.notes.length} documents were passed over.` : "";
  return new SluiceError(
    "SPEC_INVALID",
    `${files.join(", ")} must hold a ScaledObject or a ScaledJob; there is none.${seen} Name the file that has one with -f.`,
  );
}

const marks = { error: "✗", warning: "!", info: "i" } as const;

function toText(explanation: Explanation, set: SpecSet): string {
  const c = colors(process.stdout);
  const { kind, namespace, name, source, meaning } = explanation;
  const paint = { error: c.red, warning: c.yellow, info: c.cyan } as const;
  const head = `${c.bold(`${kind} ${namespace}/${name}`)} ${c.dim(`${source.file}:${source.line}`)}`;
  const width = Math.max(...meaning.map(({ topic }) => topic.length));
  const lines = meaning.map(
    ({ topic, text }) => `  ${c.dim(topic.padEnd(width))}  ${indent(text, width + 4)}`,
  );
  const warnings = warningsOf(set, `${kind} ${namespace}/${name}`).map(
    (one) =>
      `  ${c.yellow(marks.warning)} ${one.path} ${one.message} ${c.dim(`line ${one.source.line}`)}`,
  );
  const remarks = explanation.remarks.map(
    ({ rule, severity, text, source: at }) =>
      `  ${paint[severity](marks[severity])} ${indent(text, 4)} ${c.dim(`${rule}, line ${at.line}`)}`,
  );
  const all = [...warnings, ...remarks];
  return [head, ...lines, ...(all.length > 0 ? ["", ...all] : [])].join("\n");
}

/** Texts of several lines, such as queries, stay within their column. */
function indent(text: string, width: number): string {
  return text.trim().replaceAll(/\n\s*/g, `\n${" ".repeat(width)}`);
}

function warningsOf(set: SpecSet, object: string): readonly SpecProblem[] {
  return set.warnings.filter((warning) => warning.object === object);
}

/** Warnings of other objects, such as a misspelt key of a TriggerAuthentication. */
function tellTheRest(set: SpecSet, objects: readonly (ScaledObject | ScaledJob)[]): void {
  const told = new Set(objects.map(nameOf));
  for (const warning of set.warnings)
    if (warning.object === null || !told.has(warning.object)) say(formatProblem(warning));
}
