/**
 * A ScaledObject at work: KEDA's loop every `pollingInterval` and the autoscaler every 15 s, over one replica count. Both
 * begin at once and share a turn, and one reading, when they are due together; a turn of the autoscaler alone reads
 * nothing at zero replicas, and no trigger whose metrics the loop keeps for it.
 */
import { describeError } from "../../core/index.ts";
import { type Decision, explainDecision } from "../decision.ts";
import type { FailureLog } from "../failure-log.ts";
import {
  initialScaledObjectState,
  isPaused,
  observeObject,
  pollScaledObject,
  pushScaledObject,
  type ScaledObjectPolicy,
  type ScaledObjectState,
  syncAutoscaler,
} from "../keda/index.ts";
import type { ScalerTrigger } from "../scaler-trigger.ts";
import { type Target, type TargetStatus, toTargetStatus } from "../target.ts";
import { createEngineFrame, toFigures } from "./engine-frame.ts";
import type { TimedReading } from "./read-triggers.ts";
import { pushGapMs, type ScalerEngine, type ScalerEngineOptions } from "./scaler-engine.ts";

/** A ScaledObject's parts. */
export interface ScaledObjectEngineOptions extends ScalerEngineOptions {
  readonly policy: ScaledObjectPolicy;
  readonly target: Target;
  /** Default: a new object's. */
  readonly initialState?: ScaledObjectState;
}

type Kind = "poll" | "sync";

/**
 * An engine over one ScaledObject; see the top of this file.
 *
 * @example
 * const engine = createScaledObjectEngine({
 *   name: "ScaledObject default/worker",
 *   policy: toScaledObjectPolicy(scaledObject),
 *   triggers,
 *   target,
 *   clock: systemClock,
 *   logger: stderrLogger,
 * });
 * engine.start();
 */
export function createScaledObjectEngine(
  options: ScaledObjectEngineOptions,
): ScalerEngine<ScaledObjectState> {
  const { policy, triggers, target, clock } = options;
  const frame = createEngineFrame<Kind>(options);
  /** The triggers whose streams said since the last turn that they are active. */
  const pushed = new Set<number>();
  const up = Math.max(1, policy.minReplicaCount);
  let state = options.initialState ?? initialScaledObjectState(clock.now());
  let status: TargetStatus = toTargetStatus([]);
  let targetFailure: string | null = null;

  async function turn(due: ReadonlySet<Kind>) {
    await readStatus();
    for (const index of [...pushed]) {
      pushed.delete(index);
      await decide([], (...given) => pushScaledObject(...given, index));
    }
    const readings = await readDue(due);
    if (due.has("poll")) await decide(readings, pollScaledObject);
    if (due.has("sync")) await decide(readings, syncAutoscaler);
    return readings.map(toFigures);
  }

  async function readStatus(): Promise<void> {
    const read = await frame.read("reading the target", () => target.status());
    targetFailure = read.failure;
    if (read.failure === null) status = read.value;
  }

  async function readDue(due: ReadonlySet<Kind>): Promise<readonly TimedReading[]> {
    if (isPaused(policy)) return [];
    if (due.has("poll")) return frame.readTriggers(triggers);
    if (status.replicas === 0) return [];
    const isKept = ({ index }: ScalerTrigger): boolean =>
      policy.triggers[index]?.useCachedMetrics === true;
    const live = await frame.readTriggers(triggers.filter((trigger) => !isKept(trigger)));
    return [...live, ...(await Promise.all(triggers.filter(isKept).map(specsOf)))];
  }

  async function decide(
    readings: readonly TimedReading[],
    by: typeof pollScaledObject,
  ): Promise<void> {
    if (frame.isStopped) return;
    const failure =
      targetFailure === null ? null : ({ of: "target", text: targetFailure } as const);
    const seen = observeObject({ at: clock.now(), triggers: readings, status, failure });
    const outcome = by(policy, state, seen);
    options.onDecision?.(outcome.decision);
    const isScaled = await carryOut(outcome.decision, { ...options, failures: frame.failures });
    state = isScaled ? outcome.state : outcome.stateIfUnscaled;
    if (isScaled && outcome.decision.replicas !== status.replicas) await readStatus();
  }

  /** A push matters only where KEDA's half would act: it brings up from zero, the rest is the autoscaler's. */
  function onPush({ index }: ScalerTrigger): void {
    if (status.replicas >= up) return;
    if (policy.triggers[index]?.type === "external-push") pushed.add(index);
    frame.soon("poll", pushGapMs);
  }

  const periods = new Map<Kind, number>([
    ["poll", policy.pollingIntervalMs],
    ["sync", policy.autoscaler.flags.syncPeriodMs],
  ]);
  return {
    get state() {
      return state;
    },
    start: () => frame.start({ periods, turn, onPush }),
    stop: frame.stop,
  };
}

/** Whether the target has the count that was decided. */
async function carryOut(
  decision: Decision,
  { target, logger, name, failures }: ScaledObjectEngineOptions & { readonly failures: FailureLog },
): Promise<boolean> {
  const { current: from, replicas: to, controller: by } = decision;
  if (from === to) return true;
  try {
    await target.scale(to);
  } catch (error) {
    failures.note("scaling", describeError(error));
    return false;
  }
  failures.note("scaling", null);
  logger.info("scaled", { object: name, from, to, by, reason: explainDecision(decision) });
  return true;
}

/** Of metrics that the loop keeps for the autoscaler, names and targets are enough. */
async function specsOf(trigger: ScalerTrigger): Promise<TimedReading> {
  const unread = { index: trigger.index, readings: null, tookMs: 0 };
  try {
    return { ...unread, specs: await trigger.metricSpecs(), failure: null };
  } catch (error) {
    return { ...unread, specs: [], failure: describeError(error) };
  }
}
