import type { Behavior, ScalingRules } from "../../specs/index.ts";

/** How fast the autoscaler adds replicas. */
export function describeUp(behavior: Behavior | null): string {
  if (behavior === null)
    return "at most to twice as many or 4, whichever is more, every 15 s (1, 4, 8, 16, …), since there is no behavior";
  const { scaleUp } = behavior;
  return rules(scaleUp, {
    word: "more",
    standardWindow: 0,
    standard: "4 pods or 100% every 15 s, whichever is more (1, 5, 10, 20, …)",
  });
}

/** How fast it takes them away. */
export function describeDown(behavior: Behavior | null): string {
  if (behavior === null)
    return "the highest need of the last 300 s counts; a need that came back within them also raises the count again";
  const { scaleDown } = behavior;
  return rules(scaleDown, {
    word: "fewer",
    standardWindow: standardDownWindow,
    standard: "all at once",
  });
}

/** The standard stabilisation of an autoscaler on the way down, in seconds. */
export const standardDownWindow = 300;

interface Direction {
  readonly word: "more" | "fewer";
  readonly standardWindow: number;
  /** What the standard policies allow. */
  readonly standard: string;
}

function rules(given: ScalingRules | null, { word, standardWindow, standard }: Direction): string {
  if (given?.selectPolicy === "Disabled") return `never ${word}: selectPolicy is Disabled`;
  const window = given?.stabilizationWindowSeconds ?? standardWindow;
  const held =
    window === 0
      ? "at once"
      : `when ${word === "more" ? "more" : "as few"} were enough for all of the last ${window} s`;
  const policies = given?.policies ?? null;
  if (policies === null) return `${held}; ${standard}`;
  const steps = policies.map(({ type, value, periodSeconds }) => {
    const amount = type === "Pods" ? `${value} pod${value === 1 ? "" : "s"}` : `${value}%`;
    return `${amount} every ${periodSeconds} s`;
  });
  const which = given?.selectPolicy === "Min" ? "the smallest change" : "the biggest change";
  const choice = steps.length > 1 ? `, whichever is ${which}` : "";
  return `${held}; at most ${steps.join(" or ")}${choice}`;
}
