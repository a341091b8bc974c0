/** `sluice.dev/shared-cap`: how it is written, who names the same, and what does not go together. */
import { below, type Place, type Read, refuse } from "./field.ts";
import type { ObjectMeta } from "./object-meta.ts";
import type { ScaledJob } from "./scaled-job.ts";
import type { ScaledObject } from "./scaled-object.ts";
import type { SharedCapControl } from "./scaling-controls.ts";
import { nameOf, type SpecSet } from "./spec-set.ts";

const key = "sluice.dev/shared-cap";

type Member = ScaledObject | ScaledJob;

/** A name as Kubernetes' labels have it, a count from 1 to 999,999,999, and which workers yield. */
export const sharedCapPattern: string =
  "^([A-Za-z0-9](?:[\\w.-]{0,61}[A-Za-z0-9])?)=0*([1-9]\\d{0,8})(?:, *yield=(idle|busy))?$";
const written = new RegExp(sharedCapPattern);

/** What the annotation says. `at` is the place of the annotations. */
export function readSharedCap(
  kind: Member["kind"],
  annotations: ObjectMeta["annotations"],
  at: Place,
): Read<SharedCapControl | null> {
  const value = annotations[key];
  if (value === undefined) return null;
  const [, name = "", count, yields] = written.exec(value) ?? [];
  if (count === undefined)
    return refuse(
      below(at, key),
      `must be a name and the most replicas of all that name it, such as "gpu=10" or "gpu=10,yield=busy" (yield is idle or busy); got ${JSON.stringify(value)}.`,
    );
  if (annotations["sluice.dev/objective"] === undefined)
    return refuse(
      below(at, key),
      "is shared by deadlines, and this object has none. Add sluice.dev/objective, or bound it by maxReplicaCount.",
    );
  if (kind === "ScaledJob" && yields !== undefined)
    return refuse(below(at, key), "yield is for a ScaledObject: jobs leave when they end.");
  return { name, maxReplicas: Number(count), yields: yields === "busy" ? "busy" : "idle" };
}

/** One cap of a set and the objects that share it. */
export interface SharedCapMembers extends Omit<SharedCapControl, "yields"> {
  readonly members: readonly Member[];
  /** What the members keep whatever their deadlines: minimums, and counts that they are paused at. */
  readonly minimums: number;
}

/** The caps of a set, in the order of their first members. */
export function sharedCapsOf({
  scaledObjects,
  scaledJobs,
}: Pick<SpecSet, "scaledObjects" | "scaledJobs">): readonly SharedCapMembers[] {
  const caps = new Map<string, SharedCapMembers>();
  for (const object of [...scaledObjects, ...scaledJobs]) {
    const { sharedCap, pausedReplicas } = object.controls;
    if (sharedCap === null) continue;
    const { members, minimums } = caps.get(sharedCap.name) ?? { members: [], minimums: 0 };
    const { name, maxReplicas } = sharedCap;
    caps.set(name, {
      ...{ name, maxReplicas },
      members: [...members, object],
      minimums: minimums + (pausedReplicas ?? object.spec.minReplicaCount ?? 0),
    });
  }
  return [...caps.values()];
}

/** Reports members of one cap that do not say the same size. */
export function checkSharedCaps(set: SpecSet, placeOf: (object: Member) => Place | null): void {
  for (const { members } of sharedCapsOf(set)) {
    const [first, ...others] = members;
    const size = first?.controls.sharedCap?.maxReplicas;
    for (const object of others) {
      const { sharedCap } = object.controls;
      if (first === undefined || sharedCap === null || sharedCap.maxReplicas === size) continue;
      placeOf(object)?.report.error(
        ["metadata", "annotations", key],
        `must be the same on all that share it: ${nameOf(first)} (${first.source.file}:${first.source.line}) says ${sharedCap.name}=${size}; got ${sharedCap.name}=${sharedCap.maxReplicas}.`,
      );
    }
  }
}
