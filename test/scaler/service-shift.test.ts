import { describe, expect, test } from "vitest";
import {
  noShift,
  noteServiceOrShift,
  noteShift,
} from "../../src/scaler/objective/service-shift.ts";
import {
  declaredService,
  meanServiceMs,
  noteService,
} from "../../src/scaler/objective/service-time.ts";
import { seededRandom } from "../../src/testing/index.ts";

type Draw = (random: () => number) => number;

const normal: Draw = (random) =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Times of jobs with a mean of about 1 s. */
const draws: Readonly<Record<string, Draw>> = {
  constant: () => 1000,
  exponential: (random) => -1000 * Math.log(1 - random()),
  "lognormal, sigma 1": (random) => 1000 * Math.exp(normal(random) - 0.5),
  "lognormal, sigma 2": (random) => 1000 * Math.min(600, Math.exp(2 * normal(random) - 2)),
  "Pareto, 1.5": (random) => 333 * (1 - random()) ** (-1 / 1.5),
};

const one = (busyMs: number) => ({ busyMs, ended: 1, pendingMs: 0 });

/** So many jobs after a change by the factor the alarm comes; null where it does not within 1000. */
function alarmAfter(draw: Draw, factor: number, seed: number): number | null {
  const random = seededRandom(seed);
  let shift = noShift;
  for (let job = 0; job < 2000; job += 1) shift = noteShift(shift, one(draw(random))).shift;
  for (let job = 1; job <= 1000; job += 1) {
    const noted = noteShift(shift, one(factor * draw(random)));
    if (noted.since !== null) return job;
    shift = noted.shift;
  }
  return null;
}

const seeds = [...Array(20).keys()].map((index) => 31 + index);

describe("a sudden change of the time that jobs take", () => {
  test.each([
    ["constant", 2, 40],
    ["constant", 0.5, 40],
    ["exponential", 2, 150],
    ["exponential", 0.5, 150],
    ["exponential", 10, 50],
    ["exponential", 0.1, 50],
    ["lognormal, sigma 1", 10, 50],
    ["lognormal, sigma 1", 0.1, 50],
    ["lognormal, sigma 2", 10, 150],
    ["lognormal, sigma 2", 0.1, 150],
  ])("of %s times, by the factor %d, is seen within %i jobs", (name, factor, within) => {
    const draw = draws[name] ?? (() => Number.NaN);
    for (const seed of seeds) {
      const after = alarmAfter(draw, factor, seed);
      expect(after).not.toBeNull();
      expect(after).toBeLessThanOrEqual(within);
    }
  });

  test.each(Object.keys(draws))("of %s times is hardly ever seen where there is none", (name) => {
    const draw = draws[name] ?? (() => Number.NaN);
    const random = seededRandom(5);
    let shift = noShift;
    let alarms = 0;
    const jobs = 200_000;
    for (let job = 0; job < jobs; job += 1) {
      const noted = noteShift(shift, one(draw(random)));
      shift = noted.shift;
      if (noted.since !== null) alarms += 1;
    }
    // Each costs the memory of 200 jobs.
    expect(alarms).toBeLessThan(jobs / 5000);
  });

  test("is not a single job that takes a thousand times as long", () => {
    let shift = noShift;
    const random = seededRandom(9);
    for (let job = 0; job < 5000; job += 1) {
      const ms = job % 1000 === 999 ? 1_000_000 : (draws.exponential?.(random) ?? 0);
      const noted = noteShift(shift, one(ms));
      expect(noted.since).toBeNull();
      shift = noted.shift;
    }
  });

  test("is not jobs that begin all at once and have not ended yet", () => {
    let shift = noShift;
    for (let look = 0; look < 200; look += 1)
      shift = noteShift(shift, { busyMs: 10_000, ended: 10, pendingMs: 5000 }).shift;
    // A hundred workers more begin a job of 5 s each, and end it five looks later.
    for (const pendingMs of [105_000, 205_000, 305_000, 405_000, 505_000]) {
      const noted = noteShift(shift, { busyMs: 110_000, ended: 10, pendingMs });
      expect(noted.since).toBeNull();
      shift = noted.shift;
    }
  });
});

describe("the estimate", () => {
  test.each([
    [1000, 10_000],
    [10_000, 1000],
  ])("of %i ms is near the new time of %i ms long before the past is forgotten", (from, to) => {
    const random = seededRandom(3);
    let noted = { service: declaredService(1000), shift: noShift };
    let slow = noted.service;
    for (let job = 0; job < 1060; job += 1) {
      const done = one(((job < 1000 ? from : to) / 1000) * (draws.exponential?.(random) ?? 0));
      noted = noteServiceOrShift(noted, done);
      slow = noteService(slow, done);
    }
    const off = (ms: number): number => Math.abs(Math.log(ms / to));
    expect(off(meanServiceMs(noted.service))).toBeLessThan(0.3);
    expect(off(meanServiceMs(slow))).toBeGreaterThan(1);
  });
});
