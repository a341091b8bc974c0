import { isSluiceError, type ObjectiveMode, SluiceError } from "../core/index.ts";
import {
  checkObjective,
  followsObjective,
  jobObjectiveOf,
  type ObjectiveFacts,
  type ObjectivePolicy,
  objectiveOf,
  type ReplicaWindow,
  toObjectivePolicy,
} from "../scaler/index.ts";
import {
  annotatedPolicy,
  backlogPolicy,
  fixedPolicy,
  jobObjectivePolicy,
  objectivePolicy,
  type Policy,
  type Recording,
  scaledJobPolicy,
  scaledObjectPolicy,
} from "../simulator/index.ts";
import {
  nameOf,
  readSpecs,
  type ScaledJob,
  type ScaledObject,
  type SpecSet,
} from "../specs/index.ts";
import { replicaWindow } from "../triggers/index.ts";
import { processStartupMs } from "./run-scaled.ts";
import { say } from "./terminal.ts";

/** What may stand after `--against`. */
export const againstForms =
  "backlog, backlog:MESSAGES-PER-WORKER, fixed:COUNT, objective or objective:MODE (cost, balanced, latency), recorded";

/** What the files ask for. */
export interface FilePolicies {
  readonly policies: readonly Policy[];
  /** Set where they hold one ScaledJob and nothing else that scales. */
  readonly job: ScaledJob | null;
}

/** The policies of the objects in the files, and what the reader should know of them. */
export async function policiesOfFiles(
  files: readonly string[],
  { facts, concurrency }: Pick<AgainstSurroundings, "facts" | "concurrency">,
): Promise<FilePolicies> {
  if (files.length === 0) return { policies: [], job: null };
  const specs = await readSpecs(files);
  for (const { source, message } of specs.warnings)
    say(`warning ${source.file}:${source.line}: ${message}`);
  for (const object of [...specs.scaledObjects, ...specs.scaledJobs])
    sayOfConcurrency(object, concurrency);
  const policies = policiesOfSpecs(specs, facts);
  const [job = null] = specs.scaledJobs;
  if (policies.length > 0) return { policies, job: policies.length === 1 ? job : null };
  throw new SluiceError(
    "OPTION_INVALID",
    `--file must name at least one ScaledObject or ScaledJob; ${files.join(", ")} has none.`,
  );
}

function policiesOfSpecs(
  { scaledObjects, scaledJobs }: SpecSet,
  facts: ObjectiveFacts,
): readonly Policy[] {
  return [
    ...scaledObjects.map((object) => placed(object, () => policyOfObject(object, facts))),
    ...scaledJobs.map((job) => placed(job, () => policyOfJob(job, facts))),
  ];
}

/** What cannot be simulated is told with its place. */
function placed<T>({ source: { file, line } }: ScaledObject | ScaledJob, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!isSluiceError(error)) throw error;
    throw new SluiceError(error.code, `${file}:${line}: ${error.message}`, { cause: error });
  }
}

/** KEDA's strategies, or the wait objective where its annotation asks for that. */
function policyOfJob(job: ScaledJob, facts: ObjectiveFacts): Policy {
  if (!followsObjective(job)) return scaledJobPolicy(job);
  warnOfReach(job.metadata.name, jobObjectiveOf(job), facts);
  return jobObjectivePolicy(job);
}

/** KEDA and the HPA, or the wait objective where its annotation asks for that, with the windows of its cron triggers. */
function policyOfObject(object: ScaledObject, facts: ObjectiveFacts): Policy {
  if (!followsObjective(object)) return scaledObjectPolicy(object);
  warnOfReach(object.metadata.name, objectiveOf(object), facts);
  const triggers = object.spec.triggers.map(({ type, metadata }, index) => ({
    ...{ type, index },
    ...(type === "cron" && { window: windowOf(metadata) }),
  }));
  return annotatedPolicy(object, { triggers });
}

/** The objective reckons with what its annotation says, whatever the simulated workers do. */
function sayOfConcurrency(object: ScaledObject | ScaledJob, simulated: number): void {
  const { objective } = object.controls;
  const said = objective?.concurrency ?? 1;
  if (objective === null || said === simulated) return;
  say(
    `warning ${nameOf(object)}: its objective reckons with ${said} jobs at a time (concurrency of sluice.dev/objective), the simulated workers run ${simulated} (--concurrency).`,
  );
}

function windowOf(metadata: Readonly<Record<string, string>>): ReplicaWindow {
  const { timezone = "", start = "", end = "", desiredReplicas } = metadata;
  return replicaWindow({ timezone, start, end, desiredReplicas: Number(desiredReplicas) });
}

/** Says when an objective cannot be kept by reaction, whatever the policy does. */
function warnOfReach(name: string, policy: ObjectivePolicy | null, facts: ObjectiveFacts): void {
  if (policy === null) return;
  const { isAttainable, text } = checkObjective(policy, facts);
  if (!isAttainable) say(`warning ${name}: ${text}`);
}

/** What the policies of `--against` are to reckon with. */
export interface AgainstSurroundings {
  readonly max: number;
  readonly maxWaitMs: number;
  /** Jobs that a worker runs at a time. */
  readonly concurrency: number;
  /** How long a worker that is told to go may finish. */
  readonly graceMs: number;
  readonly facts: ObjectiveFacts;
  /** Set: an objective is this ScaledJob's. */
  readonly job: ScaledJob | null;
  readonly recording: Recording | null;
}

/** A policy by what stands after `--against`. Throws `OPTION_INVALID`. */
export function policyAgainst(text: string, surroundings: AgainstSurroundings): Policy {
  const [kind = "", number, ...rest] = text.split(":");
  if (text === "recorded") return recordedPolicy(surroundings);
  if (kind === "objective" && rest.length === 0) return objectiveAgainst(number, surroundings);
  const policy = rest.length === 0 ? countAgainst(kind, number, surroundings) : null;
  if (policy !== null) return policy;
  throw new SluiceError("OPTION_INVALID", `--against must be ${againstForms}; got ${text}.`);
}

function countAgainst(
  kind: string,
  number: string | undefined,
  { max }: AgainstSurroundings,
): Policy | null {
  const count = number === undefined ? null : Number(number);
  if (count !== null && !(Number.isSafeInteger(count) && count >= 1)) return null;
  if (kind === "fixed" && count !== null) return fixedPolicy(count);
  if (kind !== "backlog") return null;
  return backlogPolicy({
    maxReplicaCount: max,
    ...(count === null ? {} : { messageCount: count }),
  });
}

function objectiveAgainst(mode: string | undefined, surroundings: AgainstSurroundings): Policy {
  const { max, maxWaitMs, concurrency, graceMs, facts, job } = surroundings;
  if (job !== null) return jobsAgainst(job, mode, surroundings);
  const objective = {
    maxWait: `${maxWaitMs}ms`,
    ...(mode === undefined ? {} : { mode: mode as ObjectiveMode }),
  };
  const scale = { maxReplicaCount: max };
  const policy = objectivePolicy({ objective, scale, concurrency, graceMs });
  warnOfReach(policy.name, toObjectivePolicy(objective, { pollingInterval: 5 }), facts);
  return policy;
}

/** The jobs of a ScaledJob as an annotation would have them. One at a time is a strategy for jobs that work until they are idle. */
function jobsAgainst(
  job: ScaledJob,
  mode: string | undefined,
  { maxWaitMs, concurrency, facts }: AgainstSurroundings,
): Policy {
  const { objective, sequential } = job.controls;
  const messagesPerJob = objective?.messagesPerJob ?? (sequential === null ? "one" : "many");
  const asked = { maxWaitMs, mode: (mode ?? "cost") as ObjectiveMode, messagesPerJob };
  const many = messagesPerJob === "many" ? { concurrency } : {};
  const controls = { ...job.controls, sequential: null, objective: { ...asked, ...many } };
  const name = mode === undefined ? "objective" : `objective:${mode}`;
  warnOfReach(name, jobObjectiveOf({ ...job, controls }), facts);
  return jobObjectivePolicy({ ...job, controls }, { name });
}

/** What the live run was scaled by. */
function recordedPolicy({ recording, concurrency }: AgainstSurroundings): Policy {
  const scale = recording?.header.scale;
  if (scale === undefined)
    throw new SluiceError(
      "OPTION_INVALID",
      "--against recorded needs a --load that sluice up or sluice demo recorded.",
    );
  const { objective } = scale;
  if (objective === undefined) return { ...backlogPolicy(scale), name: "recorded" };
  const startupMs = processStartupMs;
  const pollingInterval = scale.pollingInterval ?? 1;
  return objectivePolicy({
    ...{ objective, concurrency, startupMs, openWindow: replicaWindow, name: "recorded" },
    scale: { ...scale, pollingInterval },
  });
}
