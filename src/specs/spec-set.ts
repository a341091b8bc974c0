import type { Path } from "./field.ts";
import type { SourcePosition } from "./object-meta.ts";
import type { ScaledJob } from "./scaled-job.ts";
import type { ScaledObject } from "./scaled-object.ts";
import type { SpecProblem } from "./spec-problem.ts";
import type { TriggerAuthentication } from "./trigger-authentication.ts";
import type { DataObject, Job, Workload } from "./workload.ts";

/** Any object that was read. */
export type AnySpec =
  | ScaledObject
  | ScaledJob
  | TriggerAuthentication
  | Workload
  | Job
  | DataObject;

/** All that was read, typed, defaulted and checked. */
export interface SpecSet {
  readonly scaledObjects: readonly ScaledObject[];
  readonly scaledJobs: readonly ScaledJob[];
  /** TriggerAuthentications and ClusterTriggerAuthentications. */
  readonly authentications: readonly TriggerAuthentication[];
  /** Deployments and StatefulSets. */
  readonly workloads: readonly Workload[];
  readonly jobs: readonly Job[];
  /** Secrets and ConfigMaps. */
  readonly data: readonly DataObject[];
  /** What is accepted and yet worth a look: unknown keys, settings without effect. */
  readonly warnings: readonly SpecProblem[];
  /** What was passed over, such as a Service. */
  readonly notes: readonly SpecProblem[];
  /** Where a value of one of these objects stands, such as `["spec", "triggers", 0]`. */
  locate(object: AnySpec, path: Path): SourcePosition;
}

/** The object of a kind, namespace and name, or null. */
export function findObject<T extends Pick<AnySpec, "kind" | "metadata">>(
  objects: readonly T[],
  wanted: { readonly kind: string; readonly namespace: string; readonly name: string },
): T | null {
  const { kind, namespace, name } = wanted;
  const found = objects.find(
    ({ kind: one, metadata }) =>
      one === kind && metadata.name === name && metadata.namespace === namespace,
  );
  return found ?? null;
}

/** How messages name an object: `ScaledObject default/worker`. */
export function nameOf({ kind, metadata }: Pick<AnySpec, "kind" | "metadata">): string {
  return kind === "ClusterTriggerAuthentication"
    ? `${kind} ${metadata.name}`
    : `${kind} ${metadata.namespace}/${metadata.name}`;
}
