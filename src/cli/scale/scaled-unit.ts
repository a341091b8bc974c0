/** One ScaledObject or ScaledJob at work on this machine: its triggers, its target and the engine between them. */
import { type Clock, type Logger, systemClock } from "../../core/index.ts";
import {
  type AutoscalerFlags,
  createJobObjectiveEngine,
  createObjectiveEngine,
  createScaledJobEngine,
  createScaledObjectEngine,
  type Decision,
  followsObjective,
  type JobObjectivePolicy,
  type JobObjectiveState,
  type JobTarget,
  jobObjectiveOf,
  type ObjectiveState,
  type Occupancy,
  objectiveOf,
  occupiedBy,
  type ScaledJobState,
  type ScaledObjectState,
  type ScalerEngine,
  type ScalerTrigger,
  type SharedCapMember,
  type Target,
  type TurnFigures,
  toScaledJobPolicy,
  toScaledObjectPolicy,
} from "../../scaler/index.ts";
import {
  nameOf,
  type ResolvedTrigger,
  resolveTrigger,
  type ScaledJob,
  type ScaledObject,
  type SpecSet,
} from "../../specs/index.ts";
import {
  createProcessJobs,
  createProcessTarget,
  type PodCommand,
  type ProcessJobs,
  podCommand,
} from "../../targets/index.ts";
import { colors, say } from "../terminal.ts";
import { openTriggers, type TriggerSurroundings } from "./open-triggers.ts";
import { createPretendJobs, createPretendTarget } from "./pretend-target.ts";
import { occupying, type SharedCaps } from "./shared-caps.ts";

/** What every unit shares. */
export interface UnitOptions extends TriggerSurroundings {
  readonly isDryRun: boolean;
  readonly sharedCaps: SharedCaps;
  /** What a cluster sets for its autoscalers. */
  readonly flags: AutoscalerFlags;
  readonly onDecision: (owner: ScaledObject | ScaledJob, decision: Decision) => void;
  readonly onTurn: (owner: ScaledObject | ScaledJob, turn: TurnFigures) => void;
}

/** One object at work. */
export interface ScaledUnit {
  readonly owner: ScaledObject | ScaledJob;
  start(startDelayMs: number): void;
  /** Takes another spec of the same object, as a change of the file brings. Throws, and goes on as before, if it is wrong. */
  update(set: SpecSet, owner: ScaledObject | ScaledJob): Promise<void>;
  /** Stops deciding, drains the workers and waits for them to leave. */
  close(): Promise<void>;
}

/** Builds an object's parts, without starting them. Throws what is wrong with its triggers or its command. */
export function openUnit(
  set: SpecSet,
  owner: ScaledObject | ScaledJob,
  options: UnitOptions,
): Promise<ScaledUnit> {
  return owner.kind === "ScaledObject"
    ? openObject(set, owner, options)
    : openJob(set, owner, options);
}

/** What another version of an object needs. */
interface Version<Owner> {
  readonly owner: Owner;
  readonly triggers: readonly ScalerTrigger[];
  readonly command: PodCommand | null;
  /** What is resolved of the triggers, where an objective goes by it; else none. */
  readonly resolutions: readonly ResolvedTrigger[];
  readonly jobObjective: JobObjectivePolicy | null;
}

async function prepare<Owner extends ScaledObject | ScaledJob>(
  set: SpecSet,
  owner: Owner,
  options: UnitOptions,
): Promise<Version<Owner>> {
  // What is wrong with the spec is told before anything is opened.
  if (owner.kind === "ScaledObject") objectiveOf(owner);
  const command = options.isDryRun ? null : podCommand(set, owner);
  const triggers = await openTriggers(set, owner, options);
  if (owner.kind === "ScaledObject") objectiveOf(owner, { triggers });
  const resolutions = await resolutionsFor(set, owner);
  const jobObjective = owner.kind === "ScaledJob" ? jobObjectiveOf(owner, { resolutions }) : null;
  return { owner, triggers, command, resolutions, jobObjective };
}

async function resolutionsFor(
  set: SpecSet,
  owner: ScaledObject | ScaledJob,
): Promise<readonly ResolvedTrigger[]> {
  if (owner.controls.objective === null) return [];
  return Promise.all(owner.spec.triggers.map((trigger) => resolveTrigger(set, owner, trigger)));
}

/** The part of a unit that is the same for both kinds: an engine that is replaced when the spec changes. */
interface Work<Owner, State> {
  build(
    version: Version<Owner>,
    earlier: State | null,
    startDelayMs: number,
  ): Promise<ScalerEngine<State>>;
  closeTarget(): Promise<void>;
}

function createUnit<Owner extends ScaledObject | ScaledJob, State>(
  first: Version<Owner>,
  options: UnitOptions,
  work: Work<Owner, State>,
): ScaledUnit {
  let version = first;
  let engine: ScalerEngine<State> | null = null;

  async function run(next: Version<Owner>, startDelayMs: number): Promise<void> {
    await engine?.stop();
    const built = await work.build(next, engine?.state ?? null, startDelayMs);
    const old = version.triggers;
    version = next;
    engine = built;
    engine.start();
    if (old !== next.triggers) await closeAll(old);
  }

  return {
    get owner() {
      return version.owner;
    },
    start(startDelayMs) {
      void run(version, startDelayMs);
    },
    async update(set, owner) {
      // The caller finds the unit by kind and name.
      await run(await prepare(set, owner as Owner, options), 0);
    },
    async close() {
      await engine?.stop();
      await closeAll(version.triggers);
      await work.closeTarget();
    },
  };
}

async function closeAll(triggers: readonly ScalerTrigger[]): Promise<void> {
  await Promise.all(triggers.map((trigger) => trigger.close()));
}

async function openObject(
  set: SpecSet,
  object: ScaledObject,
  options: UnitOptions,
): Promise<ScaledUnit> {
  const first = await prepare(set, object, options);
  const clock = systemClock;
  let command = first.command;
  let target = targetOf(first, options, clock);
  /** Targets of earlier commands, until their workers are gone. */
  const leaving = new Map<Target, Promise<void>>();
  const part = options.sharedCaps.newPart();
  part.follow(object);

  /** Another command is another Deployment's template: new workers take over, the old ones drain. */
  async function follow(version: Version<ScaledObject>): Promise<void> {
    if (JSON.stringify(version.command) === JSON.stringify(command)) return;
    const old = target;
    command = version.command;
    target = targetOf(version, options, clock);
    // Under a shared cap there is room for a new worker when an old one has left.
    if (version.owner.controls.sharedCap === null || !followsObjective(version.owner))
      await target.scale((await old.status()).replicas);
    leaving.set(
      old,
      old.close().finally(() => leaving.delete(old)),
    );
  }

  return createUnit<ScaledObject, ScaledObjectState | ObjectiveState>(first, options, {
    async build(
      version,
      earlier,
      startDelayMs,
    ): Promise<ScalerEngine<ScaledObjectState | ObjectiveState>> {
      await follow(version);
      const sharedCap = part.follow(version.owner);
      const all = withLeaving(target, leaving);
      if (followsObjective(version.owner))
        return createObjectiveEngine({
          ...engineParts(version, options),
          object: version.owner,
          resolutions: version.resolutions,
          target: all,
          startDelayMs,
          ...(sharedCap && { sharedCap }),
          ...(earlier !== null && isObjectiveState(earlier) && { initialState: earlier }),
        });
      const minimum = version.owner.controls.pausedReplicas ?? 0;
      return createScaledObjectEngine({
        ...engineParts(version, options),
        policy: toScaledObjectPolicy(version.owner, options.flags),
        target: sharedCap === null ? target : { ...all, status: noted(all, sharedCap, minimum) },
        startDelayMs,
        ...(earlier !== null && !isObjectiveState(earlier) && { initialState: earlier }),
      });
    },
    async closeTarget() {
      await part.leave(
        withLeaving(target, leaving).status,
        Promise.all([target.close(), ...leaving.values()]),
      );
    },
  });

  function noted(all: Target, member: SharedCapMember, minimum: number): Target["status"] {
    return occupying(all.status, member, { clock, minimum, occupiedBy: (status) => status });
  }
}

/** A target of which those workers are counted as well that an earlier command left behind. */
function withLeaving(target: Target, leaving: ReadonlyMap<Target, unknown>): Target {
  return {
    async status() {
      const status = await target.status();
      const earlier = await Promise.all([...leaving.keys()].map((one) => one.status()));
      const left = earlier.reduce((sum, { replicas, draining }) => sum + replicas + draining, 0);
      return { ...status, draining: status.draining + left };
    },
    scale: (to) => target.scale(to),
    close: () => target.close(),
  };
}

/** A spec that gains or loses its objective begins anew. */
function isObjectiveState(state: ScaledObjectState | ObjectiveState): state is ObjectiveState {
  return "margins" in state;
}

function isJobObjectiveState(
  state: ScaledJobState | JobObjectiveState,
): state is JobObjectiveState {
  return "learned" in state;
}

async function openJob(set: SpecSet, job: ScaledJob, options: UnitOptions): Promise<ScaledUnit> {
  const first = await prepare(set, job, options);
  let generation = 1;
  const processes = first.command === null ? null : processJobs(first, generation);
  const target: JobTarget = processes ?? createPretendJobs(options.clock);
  const part = options.sharedCaps.newPart();
  part.follow(job);

  return createUnit<ScaledJob, ScaledJobState | JobObjectiveState>(first, options, {
    async build(
      version,
      earlier,
      startDelayMs,
    ): Promise<ScalerEngine<ScaledJobState | JobObjectiveState>> {
      if (earlier !== null) {
        generation += 1;
        const plan = planOf(version, generation);
        if (plan !== null) await processes?.update(plan, version.owner.spec.rollout.strategy);
      }
      const parts = { ...engineParts(version, options), target, startDelayMs };
      const { owner, jobObjective } = version;
      const sharedCap = part.follow(owner);
      if (jobObjective !== null && followsObjective(owner))
        return createJobObjectiveEngine({
          ...{ ...parts, policy: jobObjective },
          ...(sharedCap && { sharedCap }),
          ...(earlier !== null && isJobObjectiveState(earlier) && { initialState: earlier }),
        });
      return createScaledJobEngine({
        ...{ ...parts, policy: { ...toScaledJobPolicy(owner), generation } },
        ...(sharedCap && { target: notedJobs(sharedCap) }),
        ...(earlier !== null && !isJobObjectiveState(earlier) && { initialState: earlier }),
      });
    },
    closeTarget: () => part.leave(occupied, target.close()),
  });

  async function occupied(): Promise<Occupancy> {
    return occupiedBy(await target.status());
  }

  function notedJobs(member: SharedCapMember): JobTarget {
    const terms = { clock: options.clock, minimum: 0, occupiedBy };
    return {
      status: occupying(() => target.status(), member, terms),
      create: (count) => target.create(count),
      close: () => target.close(),
    };
  }

  function processJobs(version: Version<ScaledJob>, of: number): ProcessJobs | null {
    const plan = planOf(version, of);
    if (plan === null) return null;
    return createProcessJobs({
      name: job.metadata.name,
      plan,
      logger: options.logger,
      onOutput: (id, _stream, line) => tell(id, line),
    });
  }
}

function planOf({ owner: { spec }, command }: Version<ScaledJob>, generation: number) {
  if (command === null) return null;
  const { jobTargetRef: job, successfulJobsHistoryLimit, failedJobsHistoryLimit } = spec;
  return { generation, command, job, successfulJobsHistoryLimit, failedJobsHistoryLimit };
}

function targetOf(
  { owner, command }: Version<ScaledObject>,
  { logger }: { readonly logger: Logger },
  clock: Clock,
): Target {
  if (command === null) return createPretendTarget(clock, 0);
  const { name } = owner.metadata;
  return createProcessTarget({
    ...command,
    protocol: "optional",
    logger,
    onOutput: (id, _stream, line) => tell(`${name}-${id}`, line),
    onFatal: (error) => logger.error("no worker can be started", { object: nameOf(owner), error }),
  });
}

function tell(id: string, line: string): void {
  say(`${colors(process.stderr).dim(`[${id}]`)} ${line}`);
}

function engineParts(version: Version<ScaledObject | ScaledJob>, options: UnitOptions) {
  const { owner, triggers } = version;
  return {
    ...{ name: nameOf(owner), triggers, clock: options.clock, logger: options.logger },
    onDecision: (decision: Decision) => options.onDecision(owner, decision),
    onTurn: (turn: TurnFigures) => options.onTurn(owner, turn),
  };
}
