import type { Cancel, Clock } from "../../core/index.ts";

/** Clocks that turn over one piece of work; see {@link createSchedule}. */
export interface Schedule<Kind extends string> {
  /** Every kind is due at once. Does nothing when started or stopped before. */
  start(): void;
  /** Makes a kind due in `ms`, unless it is due before. */
  soon(kind: Kind, ms: number): void;
  /** No more turns; resolves when the one under way is over. Idempotent. */
  stop(): Promise<void>;
}

/** What turns, and how often. */
export interface ScheduleOptions<Kind extends string> {
  readonly clock: Clock;
  /** In milliseconds; Infinity for a kind that only `soon` brings, besides the first turn. One of them must be finite. */
  readonly periods: ReadonlyMap<Kind, number>;
  /** Before the first turn. */
  readonly startDelayMs?: number;
  /** One turn. Never rejects. `lateMs` is by how much the turn came later than it was due. */
  readonly turn: (due: ReadonlySet<Kind>, lateMs: number) => Promise<void>;
}

/** Kinds that are due this close together share a turn, and so one reading. */
const togetherMs = 250;

/**
 * Several periods over one timer, and never two turns at a time. A turn that takes longer than a period is followed by the
 * next at once, and missed ones are not made up for.
 *
 * States: new → (start) waiting → (something is due) turning → waiting; from each → (stop) stopped.
 */
export function createSchedule<Kind extends string>(
  options: ScheduleOptions<Kind>,
): Schedule<Kind> {
  const { clock, periods, turn } = options;
  const kinds = [...periods.keys()];
  const dueAt = new Map<Kind, number>();
  let turning: Promise<void> | null = null;
  let cancelTimer: Cancel | null = null;
  let phase: "new" | "running" | "stopped" = "new";

  function arm(): void {
    if (phase !== "running" || turning !== null) return;
    cancelTimer?.();
    // No longer than the shortest period, should the clock be set back.
    const left = Math.min(Math.min(...dueAt.values()) - clock.now(), longest);
    cancelTimer = clock.after(Math.max(0, left), begin);
  }

  function begin(): void {
    cancelTimer = null;
    const now = clock.now();
    const first = Math.min(...dueAt.values());
    const due = kinds.filter(
      (kind) => (dueAt.get(kind) ?? now) <= Math.max(now, first) + togetherMs,
    );
    for (const kind of due)
      dueAt.set(kind, Math.max(now, (dueAt.get(kind) ?? now) + (periods.get(kind) ?? 0)));
    turning = turn(new Set(due), Math.max(0, now - first)).finally(() => {
      turning = null;
      arm();
    });
  }

  const shortest = Math.min(...periods.values());
  const longest = Math.max(shortest, options.startDelayMs ?? 0);

  return {
    start() {
      if (phase !== "new") return;
      phase = "running";
      const at = clock.now() + (options.startDelayMs ?? 0);
      for (const kind of kinds) dueAt.set(kind, at);
      arm();
    },
    soon(kind, ms) {
      if (phase !== "running") return;
      dueAt.set(kind, Math.min(dueAt.get(kind) ?? Number.POSITIVE_INFINITY, clock.now() + ms));
      arm();
    },
    async stop() {
      phase = "stopped";
      cancelTimer?.();
      await turning;
    },
  };
}
