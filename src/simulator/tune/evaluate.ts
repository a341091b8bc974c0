/** What a thread of the tuner does: run candidates on folds. Everything that goes in and out is plain data. */
import type { ScaledJob } from "../../specs/index.ts";
import type { BrokerModel, WorkerModel } from "../engine/models.ts";
import type { Policy } from "../engine/policy.ts";
import { simulate } from "../engine/simulation.ts";
import { type Load, sliceLoad } from "../loads/load.ts";
import type { ObjectivePolicyOptions } from "../policies/objective.ts";
import { toReport } from "../report.ts";
import type { TunableObject } from "./object-parameter.ts";
import { type Annotated, annotatedTunable, objectiveTunable } from "./objective-tunable.ts";
import type { Setting, Tunable } from "./parameter.ts";
import { scaledJobTunable } from "./scaled-job-tunable.ts";
import { scaledObjectTunable } from "./scaled-object-tunable.ts";

/** What all candidates share. */
export interface TuneSetup {
  readonly subject: TuneSubject;
  readonly load: Load;
  /** Where the folds of the load begin, and where the last ends, in microseconds. */
  readonly foldEdgesUs: readonly number[];
  readonly maxWaitMs: number;
  readonly seed: number;
  readonly workers: WorkerModel;
  readonly broker: BrokerModel;
}

/** Whose parameters are searched. `annotated` is an object under its annotation `sluice.dev/objective`. */
export type TuneSubject =
  | { readonly kind: "scaled-object"; readonly object: TunableObject }
  | { readonly kind: "scaled-job"; readonly job: ScaledJob }
  | { readonly kind: "annotated"; readonly object: Annotated }
  | { readonly kind: "objective"; readonly options: ObjectivePolicyOptions };

/** The tunable of a subject. */
export function tunableOf(subject: TuneSubject): Tunable {
  switch (subject.kind) {
    case "scaled-object":
      return scaledObjectTunable(subject.object);
    case "scaled-job":
      return scaledJobTunable(subject.job);
    case "annotated":
      return annotatedTunable(subject.object);
    case "objective":
      return objectiveTunable(subject.options);
  }
}

/** One run that is wanted: a candidate's values, or null for the policy as it is, on one fold. */
export interface Trial {
  readonly values: readonly Setting[] | null;
  readonly fold: number;
}

/** What came of a trial. */
export interface TrialResult {
  readonly jobs: number;
  readonly late: number;
  readonly workerSeconds: number;
  readonly starts: number;
  readonly kills: number;
  readonly p95WaitMs: number;
}

/** A function that runs trials; the folds are cut once. */
export function createEvaluator(setup: TuneSetup): (trial: Trial) => TrialResult {
  const tunable = tunableOf(setup.subject);
  const folds = setup.foldEdgesUs.slice(1).map((to, place) => {
    return sliceLoad(setup.load, setup.foldEdgesUs[place] ?? 0, to);
  });
  return ({ values, fold }) => {
    const load = folds[fold];
    if (load === undefined) throw new RangeError(`there is no fold ${fold}`);
    return evaluate(values === null ? tunable.current : tunable.policyOf(values), load, setup);
  };
}

function evaluate(policy: Policy, load: Load, setup: TuneSetup): TrialResult {
  const { maxWaitMs, seed, workers, broker } = setup;
  const outcome = simulate({ load, policy, maxWaitMs, seed, workers, broker, columns: 0 });
  const report = toReport(outcome);
  return {
    jobs: report.load.jobs,
    late: report.jobs.late,
    workerSeconds: report.workerSeconds.total,
    starts: report.workers.starts,
    kills: report.workers.kills,
    p95WaitMs: report.waitMs.p95,
  };
}
