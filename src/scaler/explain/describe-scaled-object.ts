import {
  defaultMaxReplicas,
  isResourceTrigger,
  podTemplateOf,
  type ScaledObject,
  type ScaledObjectSpec,
  type TriggerSpec,
} from "../../specs/index.ts";
import { describeDown, describeUp } from "./describe-behavior.ts";
import { describeTriggers, valueOfKey } from "./describe-triggers.ts";
import type { Explained, Meaning } from "./explanation.ts";
import { describeSharedCap } from "./shared-cap.ts";
import { factsOf } from "./trigger-facts.ts";

/** What a ScaledObject means, topic by topic. */
export function describeScaledObject(explained: Explained<ScaledObject>): readonly Meaning[] {
  const { spec } = explained.object;
  const { behavior } = spec.advanced.horizontalPodAutoscalerConfig;
  const pairs: readonly (readonly [topic: string, text: string | null])[] = [
    ["scales", targetText(explained)],
    ["shared cap", describeSharedCap(explained.set, explained.object)],
    ["paused", pauseText(explained.object)],
  ];
  const rest: readonly (readonly [topic: string, text: string | null])[] = [
    ["from zero", fromZero(spec)],
    ["how many", howMany(spec)],
    ["up", describeUp(behavior)],
    ["down", describeDown(behavior)],
    ["to zero", toZero(spec)],
    ["if it fails", fallbackText(spec)],
  ];
  return [...toMeaning(pairs), ...describeTriggers(explained), ...toMeaning(rest)];
}

/** Leaves out the topics of which there is nothing to say. */
export function toMeaning(
  pairs: readonly (readonly [topic: string, text: string | null])[],
): readonly Meaning[] {
  return pairs.flatMap(([topic, text]) => (text === null ? [] : [{ topic, text }]));
}

function targetText(explained: Explained<ScaledObject>): string {
  const { object } = explained;
  const { scaleTargetRef, minReplicaCount: min, maxReplicaCount: max } = object.spec;
  const { kind, name } = scaleTargetRef;
  const most = max ?? `${defaultMaxReplicas} (maxReplicaCount is not set)`;
  return `${kind} ${object.metadata.namespace}/${name} from ${min ?? 0} to ${most} replicas${runText(explained)}`;
}

/** What a replica runs. Of a command the executable alone: its arguments may be secret. */
function runText({ set, object }: Explained<ScaledObject>): string {
  const { localCommand } = object.controls;
  if (localCommand !== null)
    return `; on this machine a replica runs ${JSON.stringify(localCommand[0])}`;
  const template = podTemplateOf(set, object);
  if (template === null) return "; it is in none of these files";
  const image = template.containers[0]?.image ?? null;
  return image === null ? "" : ` (image ${image})`;
}

function pauseText({ controls }: ScaledObject): string | null {
  if (controls.pausedReplicas !== null)
    return `held at ${controls.pausedReplicas}: nothing below happens while paused-replicas is there`;
  if (controls.paused) return "nothing below happens: replicas stay as they are";
  const parts = [
    ...(controls.pausedScaleIn ? ["no fewer (paused-scale-in)"] : []),
    ...(controls.pausedScaleOut ? ["no more (paused-scale-out)"] : []),
  ];
  return parts.length === 0 ? null : parts.join(", ");
}

function fromZero(spec: ScaledObjectSpec): string {
  const min = spec.minReplicaCount ?? 0;
  const idle = spec.idleReplicaCount;
  if (min > 0 && idle === null) return `never at zero: ${min} at least, whatever the triggers say`;
  const start = Math.max(1, min);
  const from = idle === null || idle === 0 ? "from 0" : `from the idle ${idle}`;
  const modifiers = spec.advanced.scalingModifiers;
  const when =
    modifiers !== null
      ? `the formula gives more than ${modifiers.activationTarget}`
      : spec.triggers.map(activeWhen).join(", or ");
  return `${from} to ${start} when ${when}; looked at every ${spec.pollingInterval} s`;
}

function activeWhen(trigger: TriggerSpec): string {
  if (isResourceTrigger(trigger)) return `${trigger.type} alone never starts from zero`;
  if (trigger.type === "cron") return "cron is within its hours";
  const facts = factsOf(trigger);
  if (facts?.activation === null || facts === null) return `${trigger.type} says so`;
  return `${trigger.type} reads more than ${valueOfKey(trigger, facts.activation)}`;
}

function howMany(spec: ScaledObjectSpec): string {
  const { scalingModifiers: modifiers } = spec.advanced;
  const resources = spec.triggers.filter(isResourceTrigger).map(needOf);
  const external =
    modifiers === null
      ? spec.triggers.filter((trigger) => !isResourceTrigger(trigger)).map(needOf)
      : [share(`(${modifiers.formula})`, { ...modifiers, target: String(modifiers.target) })];
  const needs = [...external, ...resources];
  const most = needs.length > 1 ? "the most of: " : "";
  return `${most}${needs.join("; ")}; no change while that is within 10% of what runs, unless a tolerance says else`;
}

function needOf(trigger: TriggerSpec): string {
  const type = trigger.metricType ?? "AverageValue";
  if (trigger.type === "cron") return `cron's ${trigger.metadata.desiredReplicas ?? "?"}`;
  const facts = factsOf(trigger);
  const target = valueOfKey(trigger, facts?.target(trigger.metadata) ?? null);
  if (target === null) return `what ${trigger.type} reads against its target`;
  if (isResourceTrigger(trigger))
    return `as many as keep ${trigger.type} at ${target}${type === "Utilization" ? "% of the requests" : " on average"}`;
  return share(trigger.type, { metricType: type, target });
}

function share(
  name: string,
  { metricType, target }: { readonly metricType: string; readonly target: string },
): string {
  return metricType === "Value"
    ? `ready pods × (${name} / ${target}), rounded up`
    : `${name} / ${target}, rounded up`;
}

function toZero(spec: ScaledObjectSpec): string {
  const min = spec.minReplicaCount ?? 0;
  const { idleReplicaCount: idle, cooldownPeriod, initialCooldownPeriod } = spec;
  if (min > 0 && idle === null) return "never";
  const first =
    initialCooldownPeriod > 0
      ? `; a new object that was never active waits ${initialCooldownPeriod} s`
      : "; a new object that was never active goes there at the first look";
  return `to ${idle ?? 0} when nothing was active for ${cooldownPeriod} s, from any number in one step, whatever behavior says${first}`;
}

function fallbackText({ fallback }: ScaledObjectSpec): string {
  if (fallback === null) return "a reading that fails leaves the replicas as they are";
  const { failureThreshold, replicas, behavior } = fallback;
  const figures: Readonly<Record<typeof behavior, string>> = {
    static: `${replicas}`,
    currentReplicas: "as many as there are",
    currentReplicasIfHigher: `as many as there are, but at least ${replicas}`,
    currentReplicasIfLower: `as many as there are, but at most ${replicas}`,
    scalingModifiers: `what the formula makes of nil, or ${replicas} if that is nil`,
  };
  return `after more than ${failureThreshold} failed readings in a row: ${figures[behavior]}`;
}
