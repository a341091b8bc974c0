/**
 * The clock and the I/O around a pure decision: read the trigger and the target, decide, scale.
 *
 * States: new → (start) running → (stop) stopped. While running: waiting → (interval over, or a push at least
 * `pushGapMs` after the last tick began) ticking → waiting. One tick runs at a time; a push during a tick, or any number
 * of them, makes one more tick after it. A slow tick is followed at once, never overtaken. Pushes are heeded only while
 * the count is below the maximum, since more work cannot change anything at the maximum.
 *
 * A reading that fails or takes longer than `readTimeoutMs` becomes an observation with a failure, for the policy to
 * hold the count. A failing `scale` is logged, and the next tick, which reads afresh, tries again.
 */
import { type Cancel, type Clock, describeError, type Logger, SluiceError } from "../core/index.ts";
import { type Decide, type Decision, explainDecision } from "./decision.ts";
import { createFailureLog, type FailureLog } from "./failure-log.ts";
import { createObserver } from "./observer.ts";
import type { Target } from "./target.ts";
import type { Trigger } from "./trigger.ts";
import { createTurns } from "./turns.ts";

/** The parts of an engine. Trigger and target stay open when it stops; they belong to whoever built them. */
export interface EngineOptions<S> {
  readonly trigger: Trigger;
  readonly target: Target;
  readonly decide: Decide<S>;
  readonly initialState: S;
  readonly pollingIntervalMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Gets every decision, before it is carried out. */
  readonly onDecision?: (decision: Decision) => void;
  /** A reading that takes longer has failed. Default 10 s. */
  readonly readTimeoutMs?: number;
}

/** See the top of this file. */
export interface Engine {
  /** The last decision, or null before the first. */
  readonly latest: Decision | null;
  /** Ticks at once, then at every interval and push. Throws `CLOSED` after `stop`. */
  start(): void;
  /** The next tick comes no later than this after the last one began, whatever the count; nothing where it does not run. */
  soon(inMs: number): void;
  /** One tick now, or right after the one under way; works without `start` too. Rejects with `CLOSED` after `stop`. */
  tick(): Promise<Decision>;
  /** No more ticks; resolves when the one under way is over. It scales nothing any more. Idempotent. */
  stop(): Promise<void>;
}

/** Shortest time from one tick to the next that a push brings: at most 20 readings a second, at any publish rate. */
const pushGapMs = 50;
const defaultReadTimeoutMs = 10_000;

/**
 * An engine over a trigger, a target and a policy.
 *
 * @example
 * const policy = toBacklogPolicy({ maxReplicaCount: 4 });
 * const engine = createEngine({
 *   trigger,
 *   target,
 *   decide: decideByBacklog(policy),
 *   initialState: initialBacklogState,
 *   pollingIntervalMs: policy.pollingIntervalMs,
 *   clock: systemClock,
 *   logger: stderrLogger,
 * });
 * engine.start();
 */
export function createEngine<S>(options: EngineOptions<S>): Engine {
  const failures = createFailureLog(options.logger);
  const ticker = createTicker(options, failures);
  const { clock, trigger } = options;
  let phase: "new" | "running" | "stopped" = "new";
  /** From the beginning of the last tick to that of the next. */
  let gapMs = options.pollingIntervalMs;
  let cancelTimer: Cancel | null = null;
  let cancelWatch: Cancel | null = null;

  /** The next tick comes `gapMs` after the last one began; never later than that from now, should the clock be set back. */
  function arm(): void {
    cancelTimer?.();
    const left = ticker.startedAt + gapMs - clock.now();
    cancelTimer = clock.after(Math.min(Math.max(0, left), gapMs), () => void run());
  }

  async function run(): Promise<void> {
    cancelTimer = null;
    gapMs = options.pollingIntervalMs;
    try {
      await ticker.tick();
      failures.note("deciding", null);
    } catch (error) {
      if (phase === "running") failures.note("deciding", describeError(error));
    }
    if (phase === "running") arm();
  }

  function soon(inMs: number): void {
    const sooner = Math.max(pushGapMs, inMs);
    if (sooner >= gapMs || phase !== "running") return;
    gapMs = sooner;
    if (cancelTimer !== null) arm();
  }

  function onPush(): void {
    const { latest } = ticker;
    if (latest !== null && latest.replicas >= latest.maxReplicaCount) return;
    soon(pushGapMs);
  }

  return {
    get latest() {
      return ticker.latest;
    },
    start() {
      if (phase === "stopped") throw stopped();
      if (phase === "running") return;
      phase = "running";
      cancelWatch = trigger.watch?.(onPush) ?? null;
      void run();
    },
    soon,
    tick: ticker.tick,
    async stop() {
      phase = "stopped";
      cancelTimer?.();
      cancelWatch?.();
      await ticker.stop();
    },
  };
}

interface Ticker {
  readonly latest: Decision | null;
  /** When the last tick began. */
  readonly startedAt: number;
  tick(): Promise<Decision>;
  stop(): Promise<void>;
}

/** What one tick does, one at a time: read, decide, carry out. */
function createTicker<S>(options: EngineOptions<S>, failures: FailureLog): Ticker {
  const readTimeoutMs = options.readTimeoutMs ?? defaultReadTimeoutMs;
  const observe = createObserver({ ...options, readTimeoutMs });
  let state = options.initialState;
  let latest: Decision | null = null;
  let startedAt = Number.NEGATIVE_INFINITY;
  let isStopped = false;

  async function once(): Promise<Decision> {
    if (isStopped) throw stopped();
    startedAt = options.clock.now();
    const seen = await observe();
    failures.note("reading", seen.failure?.text ?? null);
    const { decision, state: next } = options.decide(state, seen);
    state = next;
    latest = decision;
    options.onDecision?.(decision);
    if (!isStopped && decision.replicas !== decision.current) await carryOut(decision);
    return decision;
  }

  async function carryOut(decision: Decision): Promise<void> {
    const { current: from, replicas: to } = decision;
    try {
      await options.target.scale(to);
    } catch (error) {
      failures.note("scaling", describeError(error));
      return;
    }
    failures.note("scaling", null);
    options.logger.info("scaled", { from, to, reason: explainDecision(decision) });
  }

  const turns = createTurns(once);
  return {
    get latest() {
      return latest;
    },
    get startedAt() {
      return startedAt;
    },
    tick: turns.next,
    stop() {
      isStopped = true;
      return turns.idle();
    },
  };
}

function stopped(): SluiceError {
  return new SluiceError("CLOSED", "the engine was stopped.");
}
