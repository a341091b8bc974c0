import type { Cancel, Clock } from "../../core/index.ts";
import type { ActivityMessage } from "./protocol.ts";

/** The figures that are reported. */
export interface ActivitySource {
  readonly inFlight: number;
  readonly completed: number;
  readonly failed: number;
  /** When the oldest of the jobs that run now was begun; null when none runs. */
  readonly oldestSince?: number | null;
  onActivity(listener: () => void): Cancel;
}

/** Says what a worker does, often enough to choose whom to stop, and not at the rate of its jobs. */
export interface ActivityReporter {
  start(): Cancel;
  /** Sends the figures as they are now. */
  flush(): void;
}

/** A change between idle and busy is told at once, unless something was told less than this ago. */
const transitionGapMs = 10;
/** Changes of mere counts are told this often at most. */
const countGapMs = 100;

/** An {@link ActivityReporter} over `send`. */
export function createActivityReporter(
  source: ActivitySource,
  clock: Clock,
  send: (message: ActivityMessage) => void,
): ActivityReporter {
  let isBusyTold = false;
  let busyMs = 0;
  let counted = { inFlight: source.inFlight, at: clock.now() };
  let toldAt = Number.NEGATIVE_INFINITY;
  let timer: { readonly due: number; readonly cancel: Cancel } | null = null;

  /** Each change is heard of, so the time that jobs have run is known to the millisecond. */
  function count(): void {
    const at = clock.now();
    busyMs += counted.inFlight * Math.max(0, at - counted.at);
    counted = { inFlight: source.inFlight, at };
  }

  function report(): void {
    count();
    timer?.cancel();
    timer = null;
    isBusyTold = source.inFlight > 0;
    toldAt = clock.now();
    const { inFlight, completed, failed, oldestSince = null } = source;
    const oldest = oldestSince === null ? {} : { oldestMs: Math.max(0, toldAt - oldestSince) };
    send({ type: "activity", inFlight, completed, failed, busyMs, ...oldest });
  }

  function onActivity(): void {
    count();
    const isTransition = source.inFlight > 0 !== isBusyTold;
    const due = toldAt + (isTransition ? transitionGapMs : countGapMs);
    const now = clock.now();
    if (due <= now || toldAt > now) {
      report();
      return;
    }
    if (timer !== null && timer.due <= due) return;
    timer?.cancel();
    timer = { due, cancel: clock.after(due - now, report) };
  }

  return {
    start() {
      const cancel = source.onActivity(onActivity);
      if (source.inFlight > 0) onActivity();
      return () => {
        cancel();
        timer?.cancel();
        timer = null;
      };
    },
    flush: report,
  };
}
