/** What KEDA's admission and its controller check of one ScaledObject beyond the shape of its fields. */
import { below, isMapping, type Place } from "./field.ts";
import type { ObjectMeta } from "./object-meta.ts";
import type { ScaledObjectSpec } from "./scaled-object.ts";
import { checkTriggers, isResourceTrigger } from "./trigger-rules.ts";

/** What is checked: `written` is the spec as the file has it. `at` is the object's own place. */
export interface ScaledObjectToCheck {
  readonly metadata: ObjectMeta;
  readonly spec: ScaledObjectSpec;
  readonly written: unknown;
}

/** The default of `maxReplicaCount`. */
export const defaultMaxReplicas = 100;
/** A label of Kubernetes has no more characters, and KEDA puts the name into one. */
const longestLabel = 63;
const autoscalerPrefix = "keda-hpa-";

/** The name of the HorizontalPodAutoscaler that KEDA makes. */
export function autoscalerName(metadata: Pick<ObjectMeta, "name">, spec: ScaledObjectSpec): string {
  return spec.advanced.horizontalPodAutoscalerConfig.name ?? `${autoscalerPrefix}${metadata.name}`;
}

/** Reports all that is wrong with a ScaledObject by itself. */
export function checkScaledObject(object: ScaledObjectToCheck, at: Place): void {
  const spec = below(at, "spec");
  checkNameLengths(object, at);
  checkBounds(object.spec, spec);
  checkTriggers(object.spec.triggers, below(spec, "triggers"));
  checkResourcesOnly(object.spec, spec);
  checkFallback(object.spec, spec);
  checkModifiers(object.spec, spec);
  warnOfIdleClocks(object, spec);
}

function checkNameLengths({ metadata, spec }: ScaledObjectToCheck, at: Place): void {
  const { name } = metadata;
  const own = spec.advanced.horizontalPodAutoscalerConfig.name;
  const most = own === null ? longestLabel - autoscalerPrefix.length : longestLabel;
  if (name.length > most)
    at.report.error(
      [...at.path, "metadata", "name"],
      `must have at most ${most} characters; got ${name.length}.${own === null && name.length <= longestLabel ? ` The autoscaler is named ${autoscalerPrefix}… and takes ${longestLabel}: shorten the name, or set advanced.horizontalPodAutoscalerConfig.name.` : " Shorten it."}`,
    );
  if (own !== null && own.length > longestLabel)
    at.report.error(
      [...at.path, "spec", "advanced", "horizontalPodAutoscalerConfig", "name"],
      `must have at most ${longestLabel} characters; got ${own.length}. Shorten it.`,
    );
}

function checkBounds(spec: ScaledObjectSpec, at: Place): void {
  const { idleReplicaCount: idle, minReplicaCount: min, maxReplicaCount: max } = spec;
  const most = max ?? defaultMaxReplicas;
  if ((min ?? 0) > most)
    at.report.error(
      [...at.path, "minReplicaCount"],
      `must not exceed maxReplicaCount, which is ${most}${max === null ? " where it is not set" : ""}; got ${min}. Raise maxReplicaCount.`,
    );
  if (idle === null) return;
  // KEDA's quirk: the minimum that it compares with is 0 when not set, but 1 when written as 0.
  const least = min === null ? 0 : Math.max(1, min);
  if (idle < least) return;
  const cure =
    idle === 0
      ? "Write minReplicaCount: 0 as well, or leave idleReplicaCount out: without it an idle object goes to 0 too."
      : `Raise minReplicaCount above ${idle}, or lower idleReplicaCount.`;
  at.report.error(
    [...at.path, "idleReplicaCount"],
    `must be less than minReplicaCount, which ${min === null ? "is not set and counts as 0 here" : `counts as ${least} here`}; got ${idle}. ${cure}`,
  );
}

function checkResourcesOnly(spec: ScaledObjectSpec, at: Place): void {
  const { kind } = spec.scaleTargetRef;
  const resources = spec.triggers.filter(isResourceTrigger);
  if (resources.length === 0) return;
  if (kind !== "Deployment" && kind !== "StatefulSet")
    at.report.error(
      [...at.path, "scaleTargetRef", "kind"],
      `must be Deployment or StatefulSet for the triggers cpu and memory; got ${kind}.`,
    );
  if (resources.length === spec.triggers.length && (spec.minReplicaCount ?? 0) < 1)
    at.report.error(
      [...at.path, "minReplicaCount"],
      "must be at least 1 where all triggers are cpu or memory: with no replica there is nothing to measure. Write minReplicaCount: 1, or add another trigger.",
    );
}

function checkFallback({ fallback, triggers, advanced }: ScaledObjectSpec, at: Place): void {
  if (fallback === null) return;
  const hasModifiers = advanced.scalingModifiers !== null;
  if (!hasModifiers && triggers.every(isResourceTrigger))
    at.report.error(
      [...at.path, "fallback"],
      "needs a trigger that is neither cpu nor memory; KEDA does not read those itself. Leave fallback out.",
    );
  if (fallback.behavior === "scalingModifiers" && !hasModifiers)
    at.report.error(
      [...at.path, "fallback", "behavior"],
      "scalingModifiers needs a formula under advanced.scalingModifiers.",
    );
}

function checkModifiers({ advanced, triggers }: ScaledObjectSpec, at: Place): void {
  if (advanced.scalingModifiers === null) return;
  const external = triggers.filter((trigger) => !isResourceTrigger(trigger));
  for (const [index, trigger] of triggers.entries()) {
    if (trigger.name !== "" || isResourceTrigger(trigger)) continue;
    at.report.error(
      [...at.path, "triggers", index],
      "needs a name, since a formula under advanced.scalingModifiers can only use named triggers.",
    );
  }
  if (external.length === 0)
    at.report.error(
      [...at.path, "advanced", "scalingModifiers"],
      "needs a trigger that is neither cpu nor memory.",
    );
}

/** KEDA warns of these two: their clocks move nothing while the minimum is above 0. */
function warnOfIdleClocks({ spec, written }: ScaledObjectToCheck, at: Place): void {
  if ((spec.minReplicaCount ?? 0) === 0 || spec.idleReplicaCount !== null) return;
  if (!isMapping(written)) return;
  const why = "has no effect while minReplicaCount is above 0 and idleReplicaCount is not set";
  if (written.cooldownPeriod !== undefined)
    at.report.warn(
      [...at.path, "cooldownPeriod"],
      `${why}: it only delays the step to 0. How soon replicas leave is behavior.scaleDown's to say.`,
    );
  const isCached = spec.triggers.some((trigger) => trigger.useCachedMetrics);
  if (written.pollingInterval !== undefined && !isCached)
    at.report.warn(
      [...at.path, "pollingInterval"],
      `${why}, and no trigger has useCachedMetrics: the autoscaler asks every 15 s by itself.`,
    );
}
