import type { Driver, SupportName } from "../../core/index.ts";

/** What a driver must declare for a case to apply to it. `fifo` stands for `ordering: "fifo"`. */
export type Requirement = SupportName | "durable" | "shared" | "fifo";

/** What a case uses that no capability declares: methods a driver may lack, and a broker that can be restarted. */
export type Need = "purge" | "queues" | "dueWithin" | "restart";

/** What a case works with. Everything opened through it is closed after the case. */
export interface ConformanceContext {
  /** A connection that is open already. */
  readonly driver: Driver;
  /** The name of a queue that nobody used before. */
  readonly queue: string;
  /** Another such name. */
  freshQueue(): string;
  /** Another connection to the same store. */
  open(): Promise<Driver>;
  /** Stops and starts the broker; resolves when it runs again. */
  readonly restart?: () => Promise<void>;
}

/** One promise of the driver contract, with the code that tries to break it. Any test runner can loop over cases. */
export interface ConformanceCase {
  /** A sentence about behaviour, unique among all cases. */
  readonly name: string;
  readonly area: string;
  /** A driver that does not declare all of these skips the case; one that declares and does not hold them fails it. */
  readonly requires?: readonly Requirement[];
  readonly needs?: readonly Need[];
  /**
   * It loads the machine, holds up the event loop of a driver that works in this process, or looks at the whole process:
   * no other case may run at the same time.
   */
  readonly runsAlone?: boolean;
  /** Default 20 seconds. */
  readonly timeoutMs?: number;
  /** Resolves when the promise was kept; rejects with what was expected and what came. */
  run(context: ConformanceContext): Promise<void>;
}

/** The cases of one area. */
export function casesOf(
  area: string,
  cases: readonly Omit<ConformanceCase, "area">[],
): readonly ConformanceCase[] {
  return cases.map((entry) => ({ ...entry, area }));
}
