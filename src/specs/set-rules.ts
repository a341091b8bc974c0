/** What is checked between objects: no two of one name, one scaler for each target, what cpu and memory measure. */
import type { Place } from "./field.ts";
import type { ScaledObject } from "./scaled-object.ts";
import { autoscalerName } from "./scaled-object-rules.ts";
import { checkSharedCaps } from "./shared-cap.ts";
import { type AnySpec, findObject, nameOf, type SpecSet } from "./spec-set.ts";
import { isResourceTrigger } from "./trigger-rules.ts";

type PlaceOf = (object: AnySpec) => Place | null;

/** Reports what does not go together. */
export function checkTogether(set: SpecSet, placeOf: PlaceOf): void {
  const all: readonly AnySpec[] = [
    ...set.scaledObjects,
    ...set.scaledJobs,
    ...set.authentications,
    ...set.workloads,
    ...set.jobs,
    ...set.data,
  ];
  forRepeated(all, nameOf, (object, first) =>
    placeOf(object)?.report.error(
      ["metadata", "name"],
      `is the name of another ${object.kind} already, in ${lineOf(first)}. Rename or remove one of them.`,
    ),
  );
  forRepeated(set.scaledObjects, targetOf, (object, first) =>
    placeOf(object)?.report.error(
      ["spec", "scaleTargetRef", "name"],
      `is scaled by ${nameOf(first)} already, in ${lineOf(first)}. A target has one ScaledObject: put all triggers into it.`,
    ),
  );
  forRepeated(set.scaledObjects, autoscalerOf, (object, first) => {
    const isNamed = object.spec.advanced.horizontalPodAutoscalerConfig.name !== null;
    placeOf(object)?.report.error(
      isNamed
        ? ["spec", "advanced", "horizontalPodAutoscalerConfig", "name"]
        : ["metadata", "name"],
      `leads to the autoscaler ${autoscalerName(object.metadata, object.spec)}, which ${nameOf(first)} has already. Name them apart.`,
    );
  });
  checkSharedCaps(set, placeOf);
  for (const object of set.scaledObjects) checkMeasured(object, set, placeOf(object));
}

function forRepeated<T extends AnySpec>(
  objects: readonly T[],
  keyOf: (object: T) => string,
  report: (object: T, first: T) => void,
): void {
  const seen = new Map<string, T>();
  for (const object of objects) {
    const key = keyOf(object);
    const first = seen.get(key);
    if (first === undefined) seen.set(key, object);
    // The same name twice has been said; it would only be said again.
    else if (keyOf === nameOf || nameOf(first) !== nameOf(object)) report(object, first);
  }
}

function lineOf({ source }: AnySpec): string {
  return `${source.file}:${source.line}`;
}

function targetOf({ metadata, spec }: ScaledObject): string {
  return [metadata.namespace, spec.scaleTargetRef.kind, spec.scaleTargetRef.name].join("/");
}

function autoscalerOf({ metadata, spec }: ScaledObject): string {
  return [metadata.namespace, autoscalerName(metadata, spec)].join("/");
}

/** The autoscaler measures cpu and memory against what the containers request. Only where the workload was read too. */
function checkMeasured(object: ScaledObject, set: SpecSet, at: Place | null): void {
  const { scaleTargetRef, triggers } = object.spec;
  const { namespace } = object.metadata;
  const workload = findObject(set.workloads, { ...scaleTargetRef, namespace });
  if (workload === null) return;
  for (const [index, trigger] of triggers.entries()) {
    if (!isResourceTrigger(trigger)) continue;
    const wanted = trigger.metadata.containerName ?? "";
    const { containers } = workload.template;
    const measured = containers.filter(({ name }) => wanted === "" || name === wanted);
    if (measured.length === 0)
      at?.report.error(
        ["spec", "triggers", index, "metadata", "containerName"],
        `must be a container of ${nameOf(workload)}; got ${JSON.stringify(wanted)}. There ${containers.length === 1 ? "is" : "are"} ${containers.map(({ name }) => name).join(", ")}.`,
      );
    const bare = measured.filter(
      ({ resources: { requests, limits } }) => ![...requests, ...limits].includes(trigger.type),
    );
    if (bare.length > 0)
      at?.report.error(
        ["spec", "triggers", index],
        `needs a request or limit of ${trigger.type} on every container; ${nameOf(workload)} has none on ${bare.map(({ name }) => name).join(", ")}. Add resources.requests.${trigger.type}.`,
      );
  }
}
