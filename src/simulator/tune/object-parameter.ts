/** Parameters that are fields of a ScaledObject or ScaledJob. */
import type { ScaledObject, TriggerSpec } from "../../specs/index.ts";
import { triggerFigure } from "../policies/trigger-figures.ts";
import { type Parameter, parameter, type Setting } from "./parameter.ts";

/** The part of a ScaledObject that a policy is made from; plain data, so that it can be sent to a thread. */
export type TunableObject = Pick<ScaledObject, "spec" | "controls" | "metadata">;

/** A parameter that is a field of an object, and how the object is with another value. */
export interface ObjectParameter<O> extends Parameter {
  /** Where the field stands in the object. */
  readonly path: readonly (string | number)[];
  with(object: O, setting: Setting): O;
  /** The value as YAML has it. */
  written(setting: Setting): unknown;
}

/** A field of an object and its tuned value, for whoever writes it back. */
export interface TunedField {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/** The object with the values of a candidate. */
export function withValues<O>(
  object: O,
  parameters: readonly ObjectParameter<O>[],
  values: readonly Setting[],
): O {
  return changedOf(parameters, values).reduce(
    (changed, [parameter, setting]) => parameter.with(changed, setting),
    object,
  );
}

/** The values of a candidate that are not as they were, as fields. */
export function tunedFields<O>(
  parameters: readonly ObjectParameter<O>[],
  values: readonly Setting[],
): readonly TunedField[] {
  return changedOf(parameters, values).map(([{ path, written }, setting]) => ({
    path,
    value: written(setting),
  }));
}

function changedOf<O>(
  parameters: readonly ObjectParameter<O>[],
  values: readonly Setting[],
): readonly (readonly [ObjectParameter<O>, Setting])[] {
  return parameters.flatMap((one, place) => {
    const setting = values[place];
    return setting === undefined || setting === one.current ? [] : [[one, setting] as const];
  });
}

interface WithSpec {
  readonly spec: object;
}

/** A field of `spec` that is a number. */
export function specNumber<O extends WithSpec>(
  key: keyof O["spec"] & string,
  values: readonly number[],
  described: { readonly current: number; readonly heading: string },
): ObjectParameter<O> {
  return {
    ...parameter(key, values, described),
    path: ["spec", key],
    with: (object, setting) => ({ ...object, spec: { ...object.spec, [key]: setting } }),
    written: (setting) => setting,
  };
}

/** Seconds between two looks. */
export const pollingIntervals: readonly number[] = [1, 2, 5, 10, 15, 30, 60];

/** Counts that are always there, up to a maximum. */
export function minimums(max: number): readonly number[] {
  return [0, 1, 2, 3, 5, 10, 20].filter((min) => min <= max);
}

interface WithTriggers {
  readonly spec: { readonly triggers: readonly TriggerSpec[] };
}

/** How far the targets reach, in messages. */
const targets = [1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 300, 500, 1000];

/** A parameter for the target of each trigger. */
export function triggerTargets<O extends WithTriggers>({
  spec: { triggers },
}: O): readonly ObjectParameter<O>[] {
  return triggers.map((trigger, index) => {
    const { target: current, targetKey, counts } = triggerFigure(trigger);
    const unit = counts === "age" ? "s" : "";
    const path = ["spec", "triggers", index, "metadata", targetKey];
    const heading = triggers.length === 1 ? "target" : `${trigger.name || trigger.type} target`;
    const far = targets.map((target) => target * 10 ** Math.max(0, magnitude(current) - 2));
    return {
      ...parameter(path.slice(1).join("."), far, { current, heading }),
      path,
      with: (object, setting) =>
        withTarget(object, { index, targetKey, value: `${setting}${unit}` }),
      written: (setting) => `${setting}${unit}`,
    };
  });
}

/** The power of ten that a number is at least. */
function magnitude(value: number): number {
  return value > 0 ? Math.floor(Math.log10(value)) : 0;
}

function withTarget<O extends WithTriggers>(
  object: O,
  at: { readonly index: number; readonly targetKey: string; readonly value: string },
): O {
  const triggers = object.spec.triggers.map((trigger, place) => {
    if (place !== at.index) return trigger;
    const metadata = { ...trigger.metadata, [at.targetKey]: at.value };
    return { ...trigger, metadata };
  });
  return { ...object, spec: { ...object.spec, triggers } };
}
