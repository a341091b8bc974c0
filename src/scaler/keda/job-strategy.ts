/** How many jobs a poll of a ScaledJob creates: KEDA's four strategies. */
import type { ScalingStrategy } from "../../specs/index.ts";

/** What a strategy is asked. */
export interface JobNeed {
  /** What the combined triggers count. */
  readonly queue: number;
  /** M: jobs that the metric asks for, by the triggers' targets and the limit. */
  readonly maxScale: number;
  /** R: jobs that run beyond the minimum. */
  readonly running: number;
  /** P: jobs among all those that run whose pods do not run yet. */
  readonly pending: number;
  /** MAX. */
  readonly limit: number;
}

/** What a strategy answers. */
export interface JobsToCreate {
  /** min(wanted, effective), from 0. */
  readonly create: number;
  /** The strategy that was used: `default` in place of a `custom` without a percentage. */
  readonly strategy: ScalingStrategy["strategy"];
  /** E: how many more the strategy lets run. */
  readonly effective: number;
  /** W: how many the queue asks for. */
  readonly wanted: number;
  readonly text: string;
}

/** Applies the strategy of a spec. */
export function jobsToCreate(strategy: ScalingStrategy, need: JobNeed): JobsToCreate {
  const { maxScale: m, running: r, pending: p, limit } = need;
  const name = effectiveStrategy(strategy);
  if (name === "custom") {
    const deduction = strategy.customScalingQueueLengthDeduction;
    const share = strategy.customScalingRunningJobPercentage ?? 0;
    const effective = Math.min(m - deduction - Math.trunc(r * share), limit);
    return answer(
      name,
      effective,
      need,
      `min(${m} - ${deduction} - trunc(${r} × ${share}), ${limit})`,
    );
  }
  if (name === "accurate") {
    return m + r - p > limit
      ? answer(name, limit - r, need, `${m} + ${r} - ${p} is over ${limit}: ${limit} - ${r}`)
      : answer(name, m - p, need, `${m} - ${p} pending`);
  }
  if (name === "eager") {
    const effective = Math.min(limit - r - p, m);
    return answer(name, effective, { ...need, queue: limit }, `min(${limit} - ${r} - ${p}, ${m})`);
  }
  return answer(name, m - r, need, `${m} - ${r} running`);
}

/** `custom` needs its percentage; without one KEDA uses the default strategy. */
export function effectiveStrategy(strategy: ScalingStrategy): ScalingStrategy["strategy"] {
  const lacksShare = strategy.customScalingRunningJobPercentage === null;
  return strategy.strategy === "custom" && lacksShare ? "default" : strategy.strategy;
}

function answer(
  strategy: JobsToCreate["strategy"],
  raw: number,
  { queue }: JobNeed,
  formula: string,
): JobsToCreate {
  const effective = Math.max(0, raw);
  const create = Math.min(queue, effective);
  const text = `${strategy}: ${formula} = ${raw}, and ${queue} wanted: ${create}`;
  return { create, strategy, effective, wanted: queue, text };
}
