import type { Decide, ReadingWish } from "../../scaler/index.ts";
import type { PlatformDefaults } from "../engine/models.ts";
import type { Plant, Policy } from "../engine/policy.ts";

/** A decision function of production and how its engine calls it. */
export interface DecidePolicyOptions<S> {
  readonly name: string;
  readonly decide: Decide<S>;
  readonly initialState: S;
  readonly pollingIntervalMs: number;
  /** What readings are asked for, by the state after the last decision. */
  readonly wish?: (state: S) => ReadingWish;
  readonly platform?: PlatformDefaults;
  /** Takes what brings the next look sooner, as `soon` of the engine does. */
  readonly onWake?: (soon: (inMs: number) => void) => void;
}

/** As the engine: at most this often after pushes. */
const pushGapMs = 50;

/**
 * Calls a decision function as the engine of production does: at once, then at every interval, and soon after a message
 * came where the broker tells of it, unless the maximum runs already.
 * `backlogPolicy` is one.
 */
export function decidePolicy<S>(options: DecidePolicyOptions<S>): Policy {
  const { name, platform } = options;
  return {
    name,
    ...(platform ? { platform } : {}),
    start: (plant) => run(options, plant),
  };
}

function run<S>(options: DecidePolicyOptions<S>, plant: Plant) {
  const { decide, initialState, pollingIntervalMs, wish } = options;
  let state = initialState;
  let isFull = false;
  let isTicking = false;
  let tickedAt = Number.NEGATIVE_INFINITY;
  /** From the beginning of the last tick to that of the next. */
  let gapMs = 0;
  /** The tick that counts; one that was armed before it does nothing. */
  let armed = 0;

  function arm(): void {
    armed += 1;
    const mine = armed;
    plant.after(Math.max(0, tickedAt + gapMs - plant.nowMs()), () => {
      if (mine === armed) tick();
    });
  }

  function soon(inMs: number): void {
    const sooner = Math.max(pushGapMs, inMs);
    if (sooner >= gapMs) return;
    gapMs = sooner;
    if (!isTicking) arm();
  }

  function tick(): void {
    isTicking = true;
    gapMs = pollingIntervalMs;
    tickedAt = plant.nowMs();
    const { samples, failure } = plant.read(wish?.(state));
    const seen = { at: tickedAt, samples, status: plant.status(), failure };
    const { state: next, decision } = decide(state, seen);
    state = next;
    isFull = decision.replicas >= decision.maxReplicaCount;
    plant.record(decision);
    if (decision.replicas !== decision.current) plant.scale(decision.replicas);
    isTicking = false;
    arm();
  }

  plant.onArrival(() => {
    if (!isFull) soon(pushGapMs);
  });
  options.onWake?.(soon);
  arm();
}
