/** A ScaledObject whose annotation `sluice.dev/objective` asks for a wait: its triggers are read, KEDA's rules are not asked. */
import { SluiceError } from "../../core/index.ts";
import type { ScaledObject, TriggerSpec } from "../../specs/index.ts";
import type { Decision } from "../decision.ts";
import { createEngine, type Engine } from "../engine.ts";
import type { Resolution } from "../explain/explanation.ts";
import { inFlightOf } from "../explain/in-flight.ts";
import type { ScalerEngine, ScalerEngineOptions } from "../keda-engine/index.ts";
import type { ReplicaWindow } from "../replica-window.ts";
import type { ScalerTrigger } from "../scaler-trigger.ts";
import type { Target } from "../target.ts";
import type { ReadingWish, Trigger } from "../trigger.ts";
import { toObjectiveOptions } from "./annotated-options.ts";
import { checkObjective } from "./check-objective.ts";
import {
  checkCounting,
  countsMessages,
  isCount,
  objectivePollingMs,
  sampleOf,
} from "./counting-triggers.ts";
import { type ObjectivePolicy, toObjectivePolicy } from "./objective-policy.ts";
import type { ObjectiveState } from "./objective-state.ts";
import { rememberObjective } from "./remember-objective.ts";
import type { SharedCapMember } from "./shared-cap.ts";

/** A ScaledObject with an objective, and its parts. */
export interface ObjectiveEngineOptions extends ScalerEngineOptions {
  readonly object: Pick<ScaledObject, "spec" | "controls">;
  /** Of its triggers, in order, for those whose values depend on it. Default: none is known. */
  readonly resolutions?: readonly Resolution[];
  readonly target: Target;
  /** The object's part in a cap that it shares. Stays a member when the engine stops, as the workers stay. */
  readonly sharedCap?: SharedCapMember;
  /** Default: a new object's. */
  readonly initialState?: ObjectiveState;
}

/** That a cap keeps an object back is told this often at most. */
const tellEveryMs = 60_000;

/** What a ScaledObject does not say of itself. */
export interface ObjectiveObjectSurroundings {
  /** Its triggers, whose windows are kept. Default: none. */
  readonly triggers?: readonly Pick<ScalerTrigger, "type" | "index" | "window">[];
  /** What a start takes, until enough were measured. Default 1 s, as for processes that load a program. */
  readonly startupMs?: number;
}

/**
 * The policy of a ScaledObject's objective; null where it has none. A polling interval that is longer than a sixth of the
 * wait, or than 5 s, is shortened. Throws `TRIGGER_INVALID` where no trigger counts messages, or a cron trigger has a time
 * zone that is not known.
 */
export function objectiveOf(
  { spec, controls: { objective } }: Pick<ScaledObject, "spec" | "controls">,
  { triggers: built = [], startupMs = 1000 }: ObjectiveObjectSurroundings = {},
): ObjectivePolicy | null {
  if (objective === null) return null;
  const { minReplicaCount, maxReplicaCount, pollingInterval, triggers, fallback } = spec;
  checkCounting(triggers);
  const policy = toObjectivePolicy(
    toObjectiveOptions(objective),
    {
      minReplicaCount: minReplicaCount ?? 0,
      maxReplicaCount: maxReplicaCount ?? 100,
      pollingInterval: `${objectivePollingMs(pollingInterval, objective.maxWaitMs)}ms`,
    },
    {
      startupMs,
      // The grace of its pods is not looked at here: no worker is asked to go that has a job.
      graceMs: 0,
      ...(objective.concurrency && { concurrency: objective.concurrency }),
    },
  );
  // Under the objective there is no formula whose triggers could stand in for one another.
  const usable = fallback?.behavior === "scalingModifiers" ? null : fallback;
  return { ...policy, windows: windowsOf(built), fallback: usable };
}

/**
 * An engine over one ScaledObject that keeps its objective. Throws as {@link objectiveOf} does, and `OPTION_INVALID` for an
 * object without an objective.
 */
export function createObjectiveEngine(
  options: ObjectiveEngineOptions,
): ScalerEngine<ObjectiveState> {
  const { object, target, clock, logger, name, sharedCap, startDelayMs = 0 } = options;
  const policy = objectiveOf(object, options);
  if (policy === null)
    throw new SluiceError("OPTION_INVALID", `${name} must have sluice.dev/objective.`);
  const { isAttainable, text } = checkObjective(policy);
  if (!isAttainable) logger.warn("the objective is out of reach", { object: name, why: text });
  const { pausedScaleIn, pausedScaleOut, sharedCap: asked } = object.controls;
  const yieldsBusy = asked?.yields === "busy";
  const bounds = { pausedScaleIn, pausedScaleOut, yieldsBusy, ...(sharedCap && { sharedCap }) };
  const memory = rememberObjective(policy, options.initialState, bounds);
  let toldAt = Number.NEGATIVE_INFINITY;

  /** A count that a shared cap keeps where it is would leave no line in the log. Room that is about to come is no news. */
  function tellOfCap({ at, rule, current, replicas, reasons }: Decision): void {
    const [reason] = reasons;
    const isKeptBack = rule === "shared-cap" && replicas >= current;
    if (!isKeptBack || replicas < (reason?.figures.share ?? 0) || at - toldAt < tellEveryMs) return;
    toldAt = at;
    logger.info("kept back by a shared cap", { object: name, why: reason?.text });
  }

  const engine: Engine = createEngine<ObjectiveState>({
    ...{ target, clock, logger, initialState: memory.initialState },
    trigger: queueTrigger(options.triggers, {
      specs: object.spec.triggers,
      resolutions: options.resolutions ?? [],
      clock,
      wish: memory.wish,
    }),
    decide(before, seen) {
      const outcome = memory.decide(before, seen);
      tellOfCap(outcome.decision);
      return outcome;
    },
    pollingIntervalMs: policy.pollingIntervalMs,
    ...(options.onDecision && { onDecision: options.onDecision }),
    ...(options.readTimeoutMs && { readTimeoutMs: options.readTimeoutMs }),
  });
  let cancelStart = (): void => undefined;
  return {
    get state() {
      return memory.state;
    },
    start() {
      sharedCap?.onWake(engine.soon);
      if (startDelayMs === 0) engine.start();
      else cancelStart = clock.after(startDelayMs, () => engine.start());
    },
    stop() {
      sharedCap?.onWake(null);
      cancelStart();
      return engine.stop();
    },
  };
}

/** The windows of the cron triggers. */
function windowsOf(
  triggers: readonly Pick<ScalerTrigger, "type" | "index" | "window">[],
): readonly ReplicaWindow[] {
  return triggers
    .filter(({ type }) => type === "cron")
    .map(({ index, window }) => {
      if (window !== undefined) return window;
      throw new SluiceError(
        "TRIGGER_INVALID",
        `trigger ${index} (cron) must have a timezone that is known. Write an IANA name, such as Europe/Berlin.`,
      );
    });
}

interface QueueTriggerTerms {
  readonly specs: readonly TriggerSpec[];
  readonly resolutions: readonly Resolution[];
  readonly clock: { now(): number };
  readonly wish: () => ReadingWish;
}

/** The triggers that count messages, as one reading. */
function queueTrigger(
  triggers: readonly ScalerTrigger[],
  { specs, resolutions, clock, wish }: QueueTriggerTerms,
): Trigger {
  const counting = triggers.filter(countsMessages);
  return {
    name: counting.map(({ type }) => type).join(", "),
    async metrics() {
      const read = await Promise.all(
        counting.map(async (trigger) => {
          const readings = await trigger.read(wish());
          const { index } = trigger;
          const spec = specs[index];
          const isReady = spec !== undefined && inFlightOf(spec, resolutions[index]) === "excluded";
          const terms = { at: clock.now(), isReady };
          return readings.filter(isCount).map((reading) => sampleOf(reading, terms));
        }),
      );
      return read.flat();
    },
    watch(onActive) {
      const cancels = counting.map((trigger) => trigger.watch?.(onActive));
      return () => {
        for (const cancel of cancels) cancel?.();
      };
    },
    close: async () => undefined,
  };
}
