import { type Clock, type Logger, SluiceError } from "../../core/index.ts";
import type { Connections, CreateTrigger, ScalerTrigger } from "../../scaler/index.ts";
import {
  isResourceTrigger,
  nameOf,
  type ResolvedTrigger,
  resolveTrigger,
  type ScaledJob,
  type ScaledObject,
  type SpecSet,
  type TriggerSpec,
} from "../../specs/index.ts";

/** What triggers are built with. */
export interface TriggerSurroundings {
  readonly createTrigger: CreateTrigger;
  readonly connections: Connections;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** KEDA's default for one request to a source (`KEDA_HTTP_DEFAULT_TIMEOUT`). */
const timeoutMs = 3000;

/**
 * The triggers of an object, with what they refer to resolved. Nothing is connected yet. Throws the first problem of each
 * trigger, all of them in one error.
 */
export async function openTriggers(
  set: SpecSet,
  owner: ScaledObject | ScaledJob,
  surroundings: TriggerSurroundings,
): Promise<readonly ScalerTrigger[]> {
  const opened = await Promise.allSettled(
    owner.spec.triggers.map((spec) => openTrigger(set, owner, { ...surroundings, spec })),
  );
  const failed = opened.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  const triggers = opened.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  if (failed.length === 0) return triggers;
  await Promise.all(triggers.map((trigger) => trigger.close()));
  throw failed.length === 1 ? failed[0] : joinErrors(failed);
}

/** Several errors as one, with the code of the first. */
export function joinErrors(errors: readonly unknown[]): unknown {
  const [first] = errors;
  if (errors.length === 1 || !(first instanceof SluiceError)) return first;
  const messages = errors.map((error) => (error instanceof Error ? error.message : String(error)));
  return new SluiceError(first.code, messages.join("\n"), { cause: first });
}

async function openTrigger(
  set: SpecSet,
  owner: ScaledObject | ScaledJob,
  given: TriggerSurroundings & { readonly spec: TriggerSpec },
): Promise<ScalerTrigger> {
  const { spec, createTrigger, ...surroundings } = given;
  const index = owner.spec.triggers.indexOf(spec);
  if (isResourceTrigger(spec)) throw notHere(set, owner, index);
  const resolved = await resolveTrigger(set, owner, spec);
  return createResolved(owner, spec, { ...surroundings, createTrigger, resolved });
}

/** Builds a trigger from what its references resolved to, without connecting it. */
export function createResolved(
  owner: ScaledObject | ScaledJob,
  spec: TriggerSpec,
  given: TriggerSurroundings & { readonly resolved: ResolvedTrigger },
): Promise<ScalerTrigger> {
  const { createTrigger, resolved, ...surroundings } = given;
  const index = owner.spec.triggers.indexOf(spec);
  const { kind, metadata } = owner;
  const isMetricSource = kind === "ScaledObject" && owner.spec.advanced.scalingModifiers !== null;
  return createTrigger({
    ...{ ...surroundings, ...resolved, spec, index, isMetricSource, timeoutMs },
    owner: { kind, namespace: metadata.namespace, name: metadata.name },
  });
}

function notHere(set: SpecSet, owner: ScaledObject | ScaledJob, index: number): SluiceError {
  const { file, line } = set.locate(owner, ["spec", "triggers", index]);
  const type = owner.spec.triggers[index]?.type;
  return new SluiceError(
    "SPEC_UNSUPPORTED",
    `${file}:${line} (${nameOf(owner)}) trigger ${index} (${type}) needs pods that Kubernetes measures; processes of this machine have no requests to compare with. Scale on the work that waits instead, or take the trigger out.`,
  );
}
