import { expect, test } from "vitest";
import { createUsageMeter } from "./usage-meter.ts";

test("adds up the seconds of processes that ended and of those that still run", () => {
  let now = 0;
  const meter = createUsageMeter({ now: () => now, after: () => () => undefined });
  const endFirst = meter.begin();
  now = 2000;
  meter.begin();
  now = 3000;
  endFirst();
  endFirst();
  meter.crashed();
  now = 5000;
  expect(meter.stats()).toEqual({ started: 2, peak: 2, workerSeconds: 6, crashes: 1 });
});
