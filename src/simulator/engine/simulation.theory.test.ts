/** The simulator against queueing theory: closed formulas that it knows nothing of. */
import { describe, expect, test } from "vitest";
import type { Distribution } from "../distribution.ts";
import { constant } from "../distribution.ts";
import { drawServices, poissonArrivals } from "../loads/arrivals.ts";
import { createLoad, second } from "../loads/load.ts";
import { fixedPolicy } from "../policies/fixed.ts";
import { randomStream } from "../random.ts";
import { type Report, toReport } from "../report.ts";
import { simulate } from "./simulation.ts";

interface Station {
  readonly servers: number;
  readonly perSecond: number;
  readonly service: Distribution;
  readonly hours: number;
  readonly concurrency?: number;
  readonly dispatch?: "lifo" | "random" | "roundrobin";
}

function run(station: Station): Report {
  const { servers, perSecond, service, hours, concurrency = 1, dispatch = "lifo" } = station;
  const spanUs = hours * 3600 * second;
  const rate = { perSecond: () => perSecond, peakPerSecond: perSecond };
  const arrivalUs = poissonArrivals(spanUs, rate, randomStream(11, "arrivals"));
  const serviceUs = drawServices(arrivalUs.length, service, randomStream(11, "services"));
  const load = createLoad({ name: "poisson", arrivalUs, serviceUs, spanUs });
  const workers = { initialReplicas: servers, concurrency, dispatch };
  return toReport(simulate({ load, policy: fixedPolicy(servers), workers, columns: 0 }));
}

/** The chance to wait in M/M/c with an offered load of `a` (Erlang C). */
function erlangC(c: number, a: number): number {
  let blocked = 1;
  for (let servers = 1; servers <= c; servers += 1)
    blocked = (a * blocked) / (servers + a * blocked);
  return blocked / (1 - (a / c) * (1 - blocked));
}

const withinOnePercent = (measured: number, theory: number): void => {
  expect(Math.abs(measured / theory - 1)).toBeLessThan(0.01);
};

describe("a station with Poisson arrivals", () => {
  const exponential: Distribution = { kind: "exponential", meanMs: 1000 };

  test.each([
    { servers: 4, perSecond: 2.4, concurrency: 1 },
    { servers: 20, perSecond: 15, concurrency: 1 },
    { servers: 3, perSecond: 7.5, concurrency: 4, dispatch: "random" as const },
  ])("M/M/c waits as Erlang C says: %o", (station) => {
    const { servers, perSecond, concurrency } = station;
    const report = run({ ...station, service: exponential, hours: 3_000_000 / perSecond / 3600 });
    const c = servers * concurrency;
    const waits = erlangC(c, perSecond);
    const drain = c - perSecond;
    withinOnePercent(report.waitMs.mean, (1000 * waits) / drain);
    for (const [share, measured] of [
      [0.95, report.waitMs.p95],
      [0.99, report.waitMs.p99],
    ] as const)
      withinOnePercent(measured, (1000 * Math.log(waits / (1 - share))) / drain);
  });

  test("M/D/1 waits half as long as M/M/1", () => {
    const report = run({ servers: 1, perSecond: 0.7, service: constant(1000), hours: 500 });
    withinOnePercent(report.waitMs.mean, (1000 * 0.7) / (2 * (1 - 0.7)));
  });

  test("M/G/1 waits as Pollaczek and Khinchine say", () => {
    const sigma = 0.8;
    const service: Distribution = { kind: "lognormal", meanMs: 1000, sigma };
    const report = run({ servers: 1, perSecond: 0.6, service, hours: 800 });
    const secondMoment = Math.exp(sigma * sigma);
    withinOnePercent(report.waitMs.mean, (1000 * 0.6 * secondMoment) / (2 * (1 - 0.6)));
  });

  test("M/G/infinity never waits and runs rate times duration", () => {
    const report = run({ servers: 200, perSecond: 20, service: exponential, hours: 20 });
    expect(report.waitMs.max).toBe(0);
    withinOnePercent(report.workerSeconds.busy / report.load.spanSeconds, 20);
  });
});
