import { type Cancel, type Clock, type Driver, SluiceError, systemClock } from "../core/index.ts";
import type { DueCount, MetricSample, Trigger } from "../scaler/index.ts";

/** What a queue-depth trigger may be given besides its driver and queues. */
export interface QueueDepthOptions {
  /** Stamps the samples. Default: the machine's time. */
  readonly clock?: Clock;
  /** Asked at each reading: up to which times from now delayed messages are counted, where the driver can. Default: none. */
  readonly dueEdgesMs?: () => readonly number[];
}

/**
 * Reads the depth of every queue that a worker serves, one sample each, so that they add up. Pushes where the driver can
 * tell of new messages. Any queue that cannot be read makes the whole reading fail: with the driver's error, or with
 * `OPTION_UNSUPPORTED` where the broker does not count what waits. The driver stays open at `close`.
 *
 * @example
 * const trigger = queueDepthTrigger(sluice.driver, ["resize", "mail.welcome"]);
 */
export function queueDepthTrigger(
  driver: Driver,
  queues: readonly string[],
  options: QueueDepthOptions = {},
): Trigger {
  if (queues.length === 0) {
    const message = "a queue-depth trigger needs at least one queue; got none. Name the queues.";
    throw new SluiceError("OPTION_INVALID", message);
  }
  const clock = options.clock ?? systemClock;
  const watches = new Set<Cancel>();
  let isClosed = false;

  function watch(onActive: () => void): Cancel {
    const cancels = queues.map((queue) => driver.watch?.(queue, onActive));
    const cancel = (): void => {
      watches.delete(cancel);
      for (const one of cancels.splice(0)) one?.();
    };
    watches.add(cancel);
    return cancel;
  }

  return {
    name: "queue-depth",
    async metrics() {
      if (isClosed) throw new SluiceError("CLOSED", "the queue-depth trigger was closed.");
      const edgesMs = options.dueEdgesMs?.() ?? [];
      return Promise.all(queues.map((queue) => sample(driver, queue, { clock, edgesMs })));
    },
    ...(driver.watch === undefined ? {} : { watch }),
    async close() {
      isClosed = true;
      for (const cancel of [...watches]) cancel();
    },
  };
}

/**
 * When the delayed messages of a queue become ready, up to each of the times; null where none is delayed, no time is asked
 * for or the driver cannot tell.
 */
export async function readDueTimes(
  driver: Driver,
  queue: string,
  { delayed, edgesMs }: { readonly delayed: number | null; readonly edgesMs: readonly number[] },
): Promise<readonly DueCount[] | null> {
  if (driver.dueWithin === undefined || delayed === 0 || edgesMs.length === 0) return null;
  const counts = await driver.dueWithin(queue, edgesMs);
  return edgesMs.map((inMs, index) => ({ inMs, count: counts[index] ?? 0 }));
}

async function sample(
  driver: Driver,
  queue: string,
  { clock, edgesMs }: { readonly clock: Clock; readonly edgesMs: readonly number[] },
): Promise<MetricSample> {
  const { ready, delayed, oldestAgeMs, ...told } = await driver.depth(queue);
  // A figure that holds the leased ones must not be taken for one that lacks them.
  const isOneFigure = driver.capabilities.depth.ready === "with in flight";
  const inFlight = isOneFigure ? 0 : told.inFlight;
  if (ready === null) {
    const why = told.reason === undefined ? "" : ` (${told.reason})`;
    throw new SluiceError(
      "OPTION_UNSUPPORTED",
      `scaling by depth needs the number of waiting messages; the ${driver.name} driver does not tell it for ${queue}${why}. Run a fixed number of workers, or use another queue URL.`,
    );
  }
  const value = ready + (inFlight ?? 0);
  const at = clock.now();
  const due = await readDueTimes(driver, queue, { delayed, edgesMs });
  return {
    ...{ name: queue, value, at, ready, inFlight, delayed, oldestAgeMs },
    ...(due && { due }),
  };
}
