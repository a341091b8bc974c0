/** What a policy's cost and late jobs come from: each cause is taken away by itself, and the difference is its share. */
import { autoscalerDefaults } from "../../scaler/index.ts";
import type { Behavior, ScaledObjectSpec } from "../../specs/index.ts";
import { constant } from "../distribution.ts";
import type { BrokerModel, WorkerModel } from "../engine/models.ts";
import type { Policy } from "../engine/policy.ts";
import { simulate } from "../engine/simulation.ts";
import type { Load } from "../loads/load.ts";
import { type ObjectivePolicyOptions, objectivePolicy } from "../policies/objective.ts";
import { scaledObjectPolicy } from "../policies/scaled-object.ts";
import { toReport } from "../report.ts";
import { type TuneSubject, tunableOf } from "./evaluate.ts";
import type { TunableObject } from "./scaled-object-tunable.ts";

/** What is run. */
export interface AttributionOptions {
  readonly subject: TuneSubject;
  readonly load: Load;
  readonly maxWaitMs: number;
  readonly seed: number;
  readonly workers: WorkerModel;
  readonly broker: BrokerModel;
}

/** One cause: the run without it, and what is less then. Both differences can be negative: causes may hide each other. */
export interface Attribution {
  readonly cause: string;
  /** What was done to take it away. */
  readonly without: string;
  readonly latePercent: number;
  readonly workerSeconds: number;
  /** Percentage points of late jobs, and the share of worker-seconds from 0 to 1, that it is responsible for. */
  readonly latePoints: number;
  readonly costShare: number;
}

interface Variant {
  readonly cause: string;
  readonly without: string;
  readonly policy: Policy;
  readonly workers?: WorkerModel;
  readonly broker?: BrokerModel;
}

/** The causes on a load, in the order in which they act. */
export function attribute(options: AttributionOptions): readonly Attribution[] {
  const policy = tunableOf(options.subject).current;
  const base = run(options, { policy });
  return variants(options, policy).map((variant) => {
    const { latePercent, workerSeconds } = run(options, variant);
    return {
      ...{ cause: variant.cause, without: variant.without, latePercent, workerSeconds },
      latePoints: base.latePercent - latePercent,
      costShare: base.workerSeconds === 0 ? 0 : 1 - workerSeconds / base.workerSeconds,
    };
  });
}

function run(options: AttributionOptions, variant: Pick<Variant, "policy" | "workers" | "broker">) {
  const { load, maxWaitMs, seed } = options;
  const { policy, workers = options.workers, broker = options.broker } = variant;
  const outcome = simulate({ load, policy, maxWaitMs, seed, workers, broker, columns: 0 });
  const { jobs, workerSeconds } = toReport(outcome);
  return { latePercent: jobs.latePercent, workerSeconds: workerSeconds.total };
}

function variants(
  { subject, workers, broker }: AttributionOptions,
  policy: Policy,
): readonly Variant[] {
  const startup: Variant = {
    ...{ cause: "start-up", without: "workers are ready at once", policy },
    workers: { ...workers, startup: constant(0) },
  };
  const stale: Variant = {
    ...{ cause: "stale figures", without: "the broker's figures are live", policy },
    broker: { ...broker, metricIntervalMs: 0, metricLagMs: 0 },
  };
  const isStale = (broker.metricIntervalMs ?? 0) + (broker.metricLagMs ?? 0) > 0;
  const own =
    subject.kind === "objective"
      ? objectiveVariants(subject.options)
      : scaledObjectVariants(subject.object);
  return [...own, startup, ...(isStale ? [stale] : [])];
}

function objectiveVariants(options: ObjectivePolicyOptions): readonly Variant[] {
  const { scale } = options;
  const max = (scale?.maxReplicaCount ?? 10) * 10;
  return [
    {
      ...{ cause: "polling", without: "a look every second" },
      policy: objectivePolicy({ ...options, scale: { ...scale, pollingInterval: 1 } }),
    },
    {
      ...{ cause: "maximum", without: "ten times maxReplicaCount" },
      policy: objectivePolicy({ ...options, scale: { ...scale, maxReplicaCount: max } }),
    },
  ];
}

function scaledObjectVariants(object: TunableObject): readonly Variant[] {
  const changed = (spec: Partial<ScaledObjectSpec>): Policy =>
    scaledObjectPolicy({ ...object, spec: { ...object.spec, ...spec } });
  return [
    {
      ...{ cause: "polling", without: "KEDA and the HPA look every second" },
      policy: scaledObjectPolicy(
        { ...object, spec: { ...object.spec, pollingInterval: 1 } },
        { flags: { ...autoscalerDefaults, syncPeriodMs: 1000 } },
      ),
    },
    {
      ...{ cause: "rate limits", without: "scale-out in one step" },
      policy: changed({ advanced: withBehavior(object.spec, unlimitedUp) }),
    },
    {
      ...{ cause: "cool-down", without: "no cooldownPeriod, no stabilisation of scale-in" },
      policy: changed({ cooldownPeriod: 0, advanced: withBehavior(object.spec, promptDown) }),
    },
    {
      ...{ cause: "maximum", without: "ten times maxReplicaCount" },
      policy: changed({ maxReplicaCount: (object.spec.maxReplicaCount ?? 100) * 10 }),
    },
  ];
}

function withBehavior(
  { advanced }: ScaledObjectSpec,
  change: (behavior: Behavior) => Behavior,
): ScaledObjectSpec["advanced"] {
  const { horizontalPodAutoscalerConfig: config } = advanced;
  const behavior = change(config.behavior ?? { scaleUp: null, scaleDown: null });
  return { ...advanced, horizontalPodAutoscalerConfig: { ...config, behavior } };
}

const unlimitedUp = (behavior: Behavior): Behavior => ({
  ...behavior,
  scaleUp: {
    ...{ stabilizationWindowSeconds: 0, selectPolicy: "Max", tolerance: null },
    policies: [{ type: "Pods", value: 1_000_000, periodSeconds: 15 }],
  },
});

/** Scale-out keeps its rates: without a behavior of its own, those of an HPA that has none. */
const promptDown = (behavior: Behavior): Behavior => ({
  ...behavior,
  scaleDown: {
    ...{ stabilizationWindowSeconds: 0, selectPolicy: "Max", policies: null, tolerance: null },
  },
});
