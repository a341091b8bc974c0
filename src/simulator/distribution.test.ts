import { describe, expect, test } from "vitest";
import { type Distribution, leastMs, meanMs, parseDistribution, sampler } from "./distribution.ts";
import { randomStream } from "./random.ts";

describe("a distribution in text", () => {
  test.each<[string, Distribution]>([
    ["10s", { kind: "constant", ms: 10_000 }],
    ["exponential:1s", { kind: "exponential", meanMs: 1000 }],
    ["uniform:5s, 15s", { kind: "uniform", fromMs: 5000, toMs: 15_000 }],
    ["lognormal:10s,0.4", { kind: "lognormal", meanMs: 10_000, sigma: 0.4 }],
    ["lognormal:1s,2,10m", { kind: "lognormal", meanMs: 1000, sigma: 2, capMs: 600_000 }],
    [
      "2s*0.9 + 60s*0.1",
      {
        kind: "mixture",
        parts: [
          { weight: 0.9, of: { kind: "constant", ms: 2000 } },
          { weight: 0.1, of: { kind: "constant", ms: 60_000 } },
        ],
      },
    ],
  ])("%s is understood", (text, distribution) => {
    expect(parseDistribution(text, "--startup")).toEqual(distribution);
  });

  test.each([
    "",
    "soon",
    "exponential:1s,2",
    "uniform:5s",
    "uniform:5s,1s",
    "lognormal:1s",
    "lognormal:1s,-1",
    "lognormal:0s,1",
    "weibull:1s",
    "2s*0",
    "2s*1*1",
    "2s,3s",
  ])("%j is refused", (text) => {
    expect(() => parseDistribution(text, "--startup")).toThrow(/--startup must be/);
  });
});

test.each([
  "10s",
  "exponential:1s",
  "uniform:5s,15s",
  "lognormal:10s,0.8",
  "2s*3+uniform:10s,20s*1",
])("samples of %s have its mean and are never below its least", (text) => {
  const distribution = parseDistribution(text, "it");
  const draw = sampler(distribution, randomStream(3, "test"));
  let sum = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let drawn = 0; drawn < 100_000; drawn += 1) {
    const us = draw();
    sum += us;
    least = Math.min(least, us);
  }
  expect(sum / 100_000 / 1000 / meanMs(distribution)).toBeCloseTo(1, 1);
  expect(least).toBeGreaterThanOrEqual(leastMs(distribution) * 1000);
});

test("streams of other purposes and other seeds are other streams, and each is the same again", () => {
  const first = (seed: number, purpose: string): number => randomStream(seed, purpose)();
  expect(first(1, "arrivals")).toBe(first(1, "arrivals"));
  const purposes = [
    "arrivals",
    "services",
    "failures",
    "start-up",
    "dispatch",
    "victims",
    "policy",
  ];
  const seeds = Array.from({ length: 300 }, (_, seed) => seed);
  const starts = seeds.flatMap((seed) => purposes.map((purpose) => first(seed, purpose)));
  expect(new Set(starts).size).toBe(starts.length);
});
