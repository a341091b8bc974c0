import { type ObjectiveMode, SluiceError } from "../core/index.ts";
import type { ReplicaWindow } from "../scaler/index.ts";
import {
  annotatedPolicy,
  backlogPolicy,
  fixedPolicy,
  followsObjective,
  objectivePolicy,
  type Policy,
  scaledJobPolicy,
  scaledObjectPolicy,
} from "../simulator/index.ts";
import { readSpecs, type ScaledObject, type SpecSet } from "../specs/index.ts";
import { replicaWindow } from "../triggers/index.ts";
import { say } from "./terminal.ts";

/** What may stand after `--against`. */
export const againstForms =
  "backlog, backlog:MESSAGES-PER-WORKER, fixed:COUNT, objective or objective:MODE (cost, balanced, latency)";

/** The policies of the objects in the files, and what the reader should know of them. */
export async function policiesOfFiles(files: readonly string[]): Promise<readonly Policy[]> {
  if (files.length === 0) return [];
  const specs = await readSpecs(files);
  for (const { source, message } of specs.warnings)
    say(`warning ${source.file}:${source.line}: ${message}`);
  const policies = policiesOfSpecs(specs);
  if (policies.length > 0) return policies;
  throw new SluiceError(
    "OPTION_INVALID",
    `--file must name at least one ScaledObject or ScaledJob; ${files.join(", ")} has none.`,
  );
}

function policiesOfSpecs({ scaledObjects, scaledJobs }: SpecSet): readonly Policy[] {
  return [...scaledObjects.map(policyOfObject), ...scaledJobs.map((job) => scaledJobPolicy(job))];
}

/** KEDA and the HPA, or the wait objective where its annotation asks for that, with the windows of its cron triggers. */
function policyOfObject(object: ScaledObject): Policy {
  if (!followsObjective(object)) return scaledObjectPolicy(object);
  const triggers = object.spec.triggers.map(({ type, metadata }, index) => ({
    ...{ type, index },
    ...(type === "cron" && { window: windowOf(metadata) }),
  }));
  return annotatedPolicy(object, { triggers });
}

function windowOf(metadata: Readonly<Record<string, string>>): ReplicaWindow {
  const { timezone = "", start = "", end = "", desiredReplicas } = metadata;
  return replicaWindow({ timezone, start, end, desiredReplicas: Number(desiredReplicas) });
}

/** What the policies of `--against` are to reckon with. */
export interface AgainstSurroundings {
  readonly max: number;
  readonly maxWaitMs: number;
  /** Jobs that a worker runs at a time. */
  readonly concurrency: number;
}

/** A policy by what stands after `--against`. Throws `OPTION_INVALID`. */
export function policyAgainst(text: string, surroundings: AgainstSurroundings): Policy {
  const { max } = surroundings;
  const [kind = "", number, ...rest] = text.split(":");
  if (kind === "objective" && rest.length === 0) return objectiveAgainst(number, surroundings);
  const count = number === undefined ? null : Number(number);
  const isCount = count === null || (Number.isSafeInteger(count) && count >= 1);
  if (rest.length === 0 && isCount) {
    if (kind === "fixed" && count !== null) return fixedPolicy(count);
    if (kind === "backlog")
      return backlogPolicy({
        maxReplicaCount: max,
        ...(count === null ? {} : { messageCount: count }),
      });
  }
  throw new SluiceError("OPTION_INVALID", `--against must be ${againstForms}; got ${text}.`);
}

function objectiveAgainst(mode: string | undefined, surroundings: AgainstSurroundings): Policy {
  const { max, maxWaitMs, concurrency } = surroundings;
  return objectivePolicy({
    objective: {
      maxWait: `${maxWaitMs}ms`,
      ...(mode === undefined ? {} : { mode: mode as ObjectiveMode }),
    },
    scale: { maxReplicaCount: max },
    concurrency,
  });
}
