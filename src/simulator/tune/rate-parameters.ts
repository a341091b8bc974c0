/** Stabilisation and rates: the `behavior` that KEDA hands to the HPA. */
import type { Behavior, ScalingPolicy, ScalingRules } from "../../specs/index.ts";
import type { ObjectParameter, TunableObject } from "./object-parameter.ts";
import { choice, parameter } from "./parameter.ts";

type Direction = keyof Behavior;

const pods = (value: number, periodSeconds: number): ScalingPolicy => ({
  ...({ type: "Pods", value, periodSeconds } as const),
});
const percent = (value: number, periodSeconds: number): ScalingPolicy => ({
  ...({ type: "Percent", value, periodSeconds } as const),
});

/** Sets of policies that are tried, from slow to fast; of a set the one that changes most holds. */
const rates: Readonly<Record<Direction, readonly (readonly ScalingPolicy[])[]>> = {
  scaleUp: [
    [pods(1, 15)],
    [pods(4, 60)],
    [pods(4, 15)],
    [percent(100, 15), pods(4, 15)],
    [percent(100, 15), pods(10, 15)],
    [percent(100, 15), pods(20, 15)],
    [percent(400, 15), pods(50, 15)],
    [percent(900, 15), pods(1000, 15)],
  ],
  scaleDown: [
    [pods(1, 60)],
    [percent(10, 60)],
    [percent(25, 60)],
    [percent(50, 60)],
    [percent(100, 60)],
    [percent(100, 15)],
  ],
};

/** What Kubernetes has where `behavior` says nothing of stabilisation. */
const defaultWindows: Readonly<Record<Direction, number>> = { scaleUp: 0, scaleDown: 300 };
const windows: Readonly<Record<Direction, readonly number[]>> = {
  scaleUp: [0, 15, 30, 60, 120],
  scaleDown: [0, 15, 30, 60, 120, 300, 600],
};

const headings: Readonly<Record<Direction, string>> = { scaleUp: "up", scaleDown: "down" };

/** The window and the policies of both directions. */
export function rateParameters(object: TunableObject): readonly ObjectParameter<TunableObject>[] {
  return (["scaleUp", "scaleDown"] as const).flatMap((direction) => [
    windowParameter(object, direction),
    policiesParameter(object, direction),
  ]);
}

const path = (direction: Direction, key: string): readonly string[] => [
  ...["spec", "advanced", "horizontalPodAutoscalerConfig", "behavior"],
  ...[direction, key],
];

function rulesOf({ spec }: TunableObject, direction: Direction): ScalingRules | null {
  return spec.advanced.horizontalPodAutoscalerConfig.behavior?.[direction] ?? null;
}

function windowParameter(
  object: TunableObject,
  direction: Direction,
): ObjectParameter<TunableObject> {
  const given = rulesOf(object, direction)?.stabilizationWindowSeconds;
  const current = given ?? defaultWindows[direction];
  const heading = `${headings[direction]} window`;
  const name = `behavior.${direction}.stabilizationWindowSeconds`;
  return {
    ...parameter(name, windows[direction], { current, heading }),
    path: path(direction, "stabilizationWindowSeconds"),
    with: (one, setting) =>
      withRules(one, direction, { stabilizationWindowSeconds: Number(setting) }),
    written: (setting) => setting,
  };
}

/** What is there now, whatever it is: a list of its own, or what Kubernetes does without one. */
const asItIs = "as it is";

function policiesParameter(
  object: TunableObject,
  direction: Direction,
): ObjectParameter<TunableObject> {
  const sets = new Map(rates[direction].map((policies) => [labelOf(policies), policies]));
  const given = rulesOf(object, direction)?.policies ?? null;
  const label = given === null ? asItIs : labelOf(given);
  const current = sets.has(label) ? label : asItIs;
  const heading = `${headings[direction]} rate`;
  const name = `behavior.${direction}.policies`;
  const policiesOf = (setting: unknown) => sets.get(String(setting)) ?? given;
  return {
    ...choice(name, [...sets.keys()], { current, heading }),
    path: path(direction, "policies"),
    with: (one, setting) => withRules(one, direction, { policies: policiesOf(setting) }),
    written: policiesOf,
  };
}

/** `100%|4/15s`: by 100 % or 4 pods, whichever is more, within 15 s. */
function labelOf(policies: readonly ScalingPolicy[]): string {
  const periods = [...new Set(policies.map(({ periodSeconds }) => periodSeconds))];
  const amount = ({ type, value }: ScalingPolicy): string =>
    type === "Percent" ? `${value}%` : `${value}`;
  const [period] = periods;
  if (periods.length === 1) return `${policies.map(amount).join("|")}/${period}s`;
  return policies.map((policy) => `${amount(policy)}/${policy.periodSeconds}s`).join("|");
}

const blank: ScalingRules = {
  ...{ stabilizationWindowSeconds: null, selectPolicy: null },
  ...{ policies: null, tolerance: null },
};

/** The object with rules of one direction changed; those of the other, and the rest of this one, stay. */
export function withRules(
  object: TunableObject,
  direction: Direction,
  change: Partial<ScalingRules>,
): TunableObject {
  const { spec } = object;
  const { horizontalPodAutoscalerConfig: config } = spec.advanced;
  const behavior = config.behavior ?? { scaleUp: null, scaleDown: null };
  const rules = { ...(behavior[direction] ?? blank), ...change };
  return {
    ...object,
    spec: {
      ...spec,
      advanced: {
        ...spec.advanced,
        horizontalPodAutoscalerConfig: { ...config, behavior: { ...behavior, [direction]: rules } },
      },
    },
  };
}
