/**
 * Jobs as processes of this machine: each runs a command until it succeeds, and nothing scales them in. They run in
 * process groups of their own, so Ctrl-C in a terminal reaches only the program that owns the target; that program closes
 * it. When it dies instead, jobs that are `sluice work` drain; others run on to their end.
 */
import { type Clock, type Logger, SluiceError, systemClock } from "../../core/index.ts";
import {
  type EndedJobs,
  type JobStatus,
  type JobTarget,
  type JobTargetStatus,
  jobsToForget,
  jobsToReplace,
  toJobTargetStatus,
} from "../../scaler/index.ts";
import type { JobSpec } from "../../specs/index.ts";
import { type FailureReason, JobRun } from "./job-run.ts";
import type { PodCommand } from "./pod-command.ts";
import { workerIdVariable } from "./protocol.ts";
import { configurationError, describeExit, type WorkerExit } from "./worker-exit.ts";
import type { OutputStream } from "./worker-process.ts";

/** What every job of a generation runs, and how. */
export interface JobPlan {
  /** Of the spec that this comes from. */
  readonly generation: number;
  readonly command: PodCommand;
  readonly job: Pick<
    JobSpec,
    "backoffLimit" | "activeDeadlineSeconds" | "parallelism" | "completions"
  >;
  /** Finished jobs to remember. */
  readonly successfulJobsHistoryLimit: number;
  readonly failedJobsHistoryLimit: number;
}

/** Whose jobs, and how patiently. */
export interface ProcessJobsOptions {
  /** The name of the ScaledJob; job ids begin with it. */
  readonly name: string;
  readonly plan: JobPlan;
  /** The most jobs at a time, which `room` tells of. Default: as many as come. */
  readonly maxProcesses?: number;
  /** The first and the longest pause before a failed job is tried again. Default Kubernetes' 10 s and 6 min. */
  readonly retryBackoffMs?: { readonly first: number; readonly most: number };
  readonly clock?: Clock;
  /** For job ids, from 0 up to 1. Default Math.random. */
  readonly random?: () => number;
  readonly logger: Logger;
  /** Gets each line that a job writes. Default: to standard error, with the job's id in front. */
  readonly onOutput?: (jobId: string, stream: OutputStream, line: string) => void;
}

/** A target of jobs whose spec may change. */
export interface ProcessJobs extends JobTarget {
  /**
   * From now on jobs are made from `plan`. `immediate` stops and forgets all jobs of other generations, as KEDA does on a
   * change of the spec; `gradual` lets them be.
   */
  update(plan: JobPlan, rollout: "gradual" | "immediate"): Promise<void>;
}

/**
 * A target of local jobs; see the top of this file. Throws `SPEC_UNSUPPORTED` for a plan of several pods per job.
 * `create` rejects with `COMMAND_NOT_FOUND` once a job could not be started at all, until the plan changes.
 *
 * @example
 * const jobs = createProcessJobs({
 *   name: "resize",
 *   plan: {
 *     generation: 1,
 *     command: { command: ["node", "job.js"], env: process.env, graceMs: 30_000 },
 *     job: { backoffLimit: 6, activeDeadlineSeconds: null, parallelism: 1, completions: null },
 *     successfulJobsHistoryLimit: 100,
 *     failedJobsHistoryLimit: 100,
 *   },
 *   logger: stderrLogger,
 * });
 * await jobs.create(2);
 * await jobs.close();
 */
export function createProcessJobs(options: ProcessJobsOptions): ProcessJobs {
  return new LocalJobs(options);
}

class LocalJobs implements ProcessJobs {
  readonly #options: ProcessJobsOptions;
  readonly #clock: Clock;
  readonly #jobs = new Map<string, JobRun>();
  /** Stopped ones that are not gone yet, and are no longer listed. */
  readonly #leaving = new Set<JobRun>();
  readonly #whenEmpty = new Set<() => void>();
  #plan: JobPlan;
  #fatal: SluiceError | null = null;
  #ended: EndedJobs = { succeeded: 0, failed: 0 };
  #closing: Promise<void> | null = null;

  constructor(options: ProcessJobsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#plan = checkPlan(options.plan);
  }

  async status(): Promise<JobTargetStatus> {
    const { maxProcesses } = this.#options;
    const room = maxProcesses === undefined ? null : Math.max(0, maxProcesses - this.#unfinished());
    return { ...toJobTargetStatus(this.#statuses(), room), ended: this.#ended };
  }

  async create(count: number): Promise<void> {
    checkCount(count);
    if (this.#closing !== null) throw new SluiceError("CLOSED", "the target of jobs was closed.");
    if (this.#fatal !== null) throw this.#fatal;
    for (let made = 0; made < count; made += 1) this.#add();
  }

  async update(plan: JobPlan, rollout: "gradual" | "immediate"): Promise<void> {
    this.#plan = checkPlan(plan);
    this.#fatal = null;
    const { generation } = plan;
    for (const id of jobsToReplace(this.#statuses(), { rollout, generation })) {
      const job = this.#jobs.get(id);
      if (job === undefined) continue;
      this.#jobs.delete(id);
      if (job.status.endedAt === null) this.#leaving.add(job);
      job.stop();
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#stopAll();
    return this.#closing;
  }

  #statuses(): readonly JobStatus[] {
    return [...this.#jobs.values()].map((job) => job.status);
  }

  #unfinished(): number {
    return this.#statuses().filter((job) => job.endedAt === null).length;
  }

  #add(): void {
    const { name, onOutput = writePrefixed, random = Math.random } = this.#options;
    const { first, most } = this.#options.retryBackoffMs ?? { first: 10_000, most: 360_000 };
    const { command: pod, job, generation } = this.#plan;
    const id = freshId(name, { taken: this.#jobs, random });
    const { command, env, cwd, graceMs } = pod;
    const run: JobRun = new JobRun({
      id,
      generation,
      command: {
        command,
        env: { ...env, [workerIdVariable]: id },
        ...(cwd === undefined ? {} : { cwd }),
      },
      backoffLimit: job.backoffLimit,
      retryDelayMs: (failures) => Math.min(most, first * 2 ** (failures - 1)),
      deadlineMs: job.activeDeadlineSeconds === null ? null : job.activeDeadlineSeconds * 1000,
      graceMs,
      clock: this.#clock,
      onLine: (stream, line) => onOutput(id, stream, line),
      onEnd: (exit) => this.#onEnd(run, exit),
    });
    this.#jobs.set(id, run);
  }

  #onEnd(run: JobRun, exit: WorkerExit | null): void {
    this.#leaving.delete(run);
    const { id, state, reason, failures, generation } = run.status;
    if (this.#jobs.has(id) && (state === "succeeded" || state === "failed"))
      this.#ended = { ...this.#ended, [state]: this.#ended[state] + 1 };
    if (reason !== undefined) {
      const how = exit === null ? {} : { exit: describeExit(exit) };
      this.#options.logger.warn("job failed", { job: id, reason, failures, ...how });
    }
    const isFatal = reason === ("StartError" satisfies FailureReason) && exit !== null;
    if (isFatal && generation === this.#plan.generation)
      this.#fatal ??= configurationError(this.#plan.command.command, exit);
    const { successfulJobsHistoryLimit: successful, failedJobsHistoryLimit: failed } = this.#plan;
    for (const id of jobsToForget(this.#statuses(), { successful, failed })) this.#jobs.delete(id);
    if (this.#unfinished() > 0 || this.#leaving.size > 0) return;
    for (const resolve of this.#whenEmpty) resolve();
  }

  async #stopAll(): Promise<void> {
    const empty = new Promise<void>((resolve) => this.#whenEmpty.add(resolve));
    for (const job of [...this.#jobs.values()]) job.stop();
    if (this.#unfinished() > 0 || this.#leaving.size > 0) await empty;
  }
}

interface IdSource {
  readonly taken: ReadonlyMap<string, unknown>;
  readonly random: () => number;
}

/** The letters that Kubernetes' own generated names have: none that make words. */
const letters = "bcdfghjklmnpqrstvwxz2456789";

function freshId(name: string, { taken, random }: IdSource): string {
  const letter = (): string => letters[Math.floor(random() * letters.length)] ?? "b";
  const id = `${name}-${Array.from({ length: 5 }, letter).join("")}`;
  return taken.has(id) ? freshId(name, { taken, random }) : id;
}

function checkPlan(plan: JobPlan): JobPlan {
  const { parallelism, completions } = plan.job;
  if (parallelism === 1 && (completions === null || completions === 1)) return plan;
  throw new SluiceError(
    "SPEC_UNSUPPORTED",
    `jobTargetRef must ask for one pod per job on this machine; got parallelism ${parallelism}, completions ${completions ?? "not set"}. Write 1 for both, or leave them out.`,
  );
}

function checkCount(count: number): void {
  if (Number.isSafeInteger(count) && count >= 0) return;
  throw new SluiceError("OPTION_INVALID", `create takes a whole number from 0; got ${count}.`);
}

function writePrefixed(id: string, _stream: OutputStream, line: string): void {
  process.stderr.write(`[${id}] ${line}\n`);
}
