import { type Driver, Sluice } from "../../src/core/index.ts";
import { memoryDriver } from "../../src/drivers/memory/index.ts";
import { seededRandom } from "../../src/testing/seeded-random.ts";
import { createVirtualClock, type VirtualClock } from "../../src/testing/virtual-clock.ts";
import { type RecordingLogger, recordingLogger } from "./recording-logger.ts";

export { createVirtualClock, memoryDriver, seededRandom, type VirtualClock };

/** A connection to memory queues of its own, on a clock that the test moves. */
export interface MemoryBed {
  readonly clock: VirtualClock;
  readonly driver: Driver;
  readonly sluice: Sluice;
  readonly log: RecordingLogger;
}

/** `change` may make the broker misbehave. */
export function memoryBed(change: (driver: Driver) => Driver = (driver) => driver): MemoryBed {
  const clock = createVirtualClock();
  const driver = change(memoryDriver({ clock }));
  const log = recordingLogger();
  return { clock, driver, sluice: new Sluice(driver, { clock, logger: log }), log };
}
