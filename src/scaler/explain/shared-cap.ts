import {
  nameOf,
  type ScaledJob,
  type ScaledObject,
  type SharedCapMembers,
  type SpecSet,
  sharedCapsOf,
} from "../../specs/index.ts";
import type { Remark } from "./explanation.ts";

/** Says where a shared cap cannot do what it is there for. */
export function lintSharedCap(set: SpecSet, object: ScaledObject | ScaledJob): readonly Remark[] {
  const cap = capOf(set, object);
  if (cap === null) return [];
  const { name, maxReplicas, members, minimums } = cap;
  const path = ["metadata", "annotations", "sluice.dev/shared-cap"];
  const remarks: Remark[] = [];
  if (minimums > maxReplicas)
    remarks.push({
      rule: "shared-cap-minimums",
      severity: "warning",
      path,
      text: `The minimums of those that share ${name} add up to ${minimums}, and it allows ${maxReplicas}. Minimums come first: so many run, and none is left for deadlines. Raise it, or lower minReplicaCount.`,
    });
  if (members.length === 1)
    remarks.push({
      rule: "shared-cap-alone",
      severity: "info",
      path,
      text: `No other object in these files shares ${name}: it bounds this one alone, as maxReplicaCount does. Objects share a cap by the same name, within one sluice scale.`,
    });
  return remarks;
}

/** What a shared cap means; null where there is none. */
export function describeSharedCap(set: SpecSet, object: ScaledObject | ScaledJob): string | null {
  const cap = capOf(set, object);
  if (cap === null) return null;
  const others = cap.members.filter((one) => one !== object).map(nameOf);
  const together = others.length === 0 ? "" : ` together with ${others.join(", ")}`;
  return `${cap.name}: at most ${cap.maxReplicas} replicas${together}, the earliest deadline first; ${object.controls.sharedCap?.yields === "busy" ? "its busy ones leave after their jobs where another's deadline is earlier" : "its busy ones stay"}`;
}

function capOf(set: SpecSet, object: ScaledObject | ScaledJob): SharedCapMembers | null {
  return sharedCapsOf(set).find(({ members }) => members.includes(object)) ?? null;
}
