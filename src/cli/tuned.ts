/** What `sluice tune` tunes: a ScaledObject, a ScaledJob, or a wait objective. */
import { readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { text as readStream } from "node:stream/consumers";
import { formatMs, type ObjectiveMode, SluiceError, toMs } from "../core/index.ts";
import { followsObjective } from "../scaler/index.ts";
import {
  annotatedFields,
  annotatedPolicyOf,
  annotatedWith,
  type ObjectivePolicyOptions,
  objectivePolicy,
  objectiveWith,
  type Policy,
  type Setting,
  scaledJobParameters,
  scaledJobPolicy,
  scaledObjectParameters,
  scaledObjectPolicy,
  type TuneSubject,
  tunedFields,
  withValues,
} from "../simulator/index.ts";
import { readSpecs, type ScaledJob, type ScaledObject } from "../specs/index.ts";
import { say } from "./terminal.ts";
import { scaleYaml, tunedYaml } from "./tuned-yaml.ts";

/** What is tuned, and how its outcome is written and shown. */
export interface Tuned {
  readonly subject: TuneSubject;
  yamlOf(values: readonly Setting[]): string;
  /** The policy as it is and as it is tuned. */
  policiesOf(values: readonly Setting[]): readonly Policy[];
}

/** What the command was told. */
export interface TunedOptions {
  readonly file?: string;
  readonly name?: string;
  readonly objective?: ObjectiveMode;
  readonly max: number;
  readonly maxWait: string;
  readonly percentile: number;
  readonly concurrency: number;
}

const names = [{ name: "as it is" }, { name: "tuned" }] as const;

/** Throws `OPTION_INVALID`, and as `readSpecs` does. */
export async function tunedOf(options: TunedOptions): Promise<Tuned> {
  const { objective, file } = options;
  if (objective !== undefined) return tunedObjective(options, objective);
  if (file === undefined)
    throw new SluiceError(
      "OPTION_INVALID",
      "say what to tune: --file scaledobject.yaml, or --objective cost.",
    );
  const { object, text } = await objectOf(file, options.name);
  if (followsObjective(object)) return tunedAnnotated(object, text, options);
  return object.kind === "ScaledJob" ? tunedJob(object, text) : tunedObject(object, text);
}

function tunedObjective(options: TunedOptions, mode: ObjectiveMode): Tuned {
  const { maxWait, max, percentile, concurrency } = options;
  const policy: ObjectivePolicyOptions = {
    objective: { maxWait, mode, lateShare: lateShareOf(percentile) },
    scale: { maxReplicaCount: max, pollingInterval: 5 },
    concurrency,
  };
  const [asItIs, tuned] = names;
  return {
    subject: { kind: "objective", options: policy },
    yamlOf(values) {
      const { objective, scale } = objectiveWith(policy, values);
      return scaleYaml({ ...scale, objective });
    },
    policiesOf: (values) => [
      objectivePolicy({ ...policy, ...asItIs }),
      objectivePolicy({ ...objectiveWith(policy, values), ...tuned }),
    ],
  };
}

/** As the objective takes it: above 0, without the noise of binary fractions. */
function lateShareOf(percentile: number): number {
  return Math.max(0.0001, Math.round((100 - percentile) * 1e4) / 1e6);
}

function tunedObject(object: ScaledObject, text: string): Tuned {
  const { spec, controls, metadata } = object;
  const own = { spec, controls, metadata };
  const parameters = scaledObjectParameters(own);
  const [asItIs, tuned] = names;
  return {
    subject: { kind: "scaled-object", object: own },
    yamlOf: (values) => tunedYaml({ object, text, fields: tunedFields(parameters, values) }),
    policiesOf: (values) => [
      scaledObjectPolicy(own, asItIs),
      scaledObjectPolicy(withValues(own, parameters, values), tuned),
    ],
  };
}

function tunedJob(job: ScaledJob, text: string): Tuned {
  const parameters = scaledJobParameters(job);
  const [asItIs, tuned] = names;
  return {
    subject: { kind: "scaled-job", job },
    yamlOf: (values) => tunedYaml({ object: job, text, fields: tunedFields(parameters, values) }),
    policiesOf: (values) => [
      scaledJobPolicy(job, asItIs),
      scaledJobPolicy(withValues(job, parameters, values), tuned),
    ],
  };
}

function tunedAnnotated(
  object: ScaledObject | ScaledJob,
  text: string,
  { maxWait }: TunedOptions,
): Tuned {
  const asked = object.controls.objective?.maxWaitMs ?? 0;
  if (asked !== toMs(maxWait))
    throw new SluiceError(
      "OPTION_INVALID",
      `--max-wait must be the wait of sluice.dev/objective, ${formatMs(asked)}; got ${maxWait}. Change one of them.`,
    );
  if (object.spec.triggers.some(({ type }) => type === "cron"))
    say("warning: the windows of cron triggers are left out; sluice simulate shows their part");
  const [asItIs, tuned] = names;
  return {
    subject: { kind: "annotated", object },
    yamlOf: (values) => tunedYaml({ object, text, fields: annotatedFields(object, values) }),
    policiesOf: (values) => [
      annotatedPolicyOf(object, asItIs),
      annotatedPolicyOf(annotatedWith(object, values), tuned),
    ],
  };
}

interface Found {
  readonly object: ScaledObject | ScaledJob;
  /** Of the file that it stands in. */
  readonly text: string;
}

async function objectOf(file: string, name: string | undefined): Promise<Found> {
  const piped = file === "-" ? await readStream(process.stdin) : "";
  const specs = await readSpecs([file], { standardInput: Readable.from([piped]) });
  for (const { source, message } of specs.warnings)
    say(`warning ${source.file}:${source.line}: ${message}`);
  const all = [...specs.scaledObjects, ...specs.scaledJobs];
  const found = all.filter(({ metadata }) => name === undefined || metadata.name === name);
  const [object] = found;
  if (object !== undefined && found.length === 1) {
    const { file: from } = object.source;
    return { object, text: from === "-" ? piped : await readFile(from, "utf8") };
  }
  const there = all.map(({ metadata }) => metadata.name).join(", ") || "none";
  throw new SluiceError(
    "OPTION_INVALID",
    `${file} must have one ScaledObject or ScaledJob to tune, or --name must say which; there are: ${there}.`,
  );
}
