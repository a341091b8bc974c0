import { describe, expect, test } from "vitest";
import { type Comparison, comparePolicies } from "../compare.ts";
import { generateLoad } from "../loads/workloads.ts";
import { backlogPolicy } from "../policies/backlog.ts";
import { fixedPolicy } from "../policies/fixed.ts";
import { toHtml } from "./page.ts";
import { durationLabel, linearScale, logScale, timeScale } from "./scale.ts";

const count = (text: string, part: RegExp): number => [...text.matchAll(part)].length;

async function compare(): Promise<Comparison> {
  const odd = { ...fixedPolicy(20), name: '</script><b title="x">' };
  const policies = [odd, backlogPolicy({ maxReplicaCount: 20 })];
  return comparePolicies({ load: generateLoad("spike"), policies, maxWaitMs: 30_000 });
}

describe("the page", () => {
  const html = compare().then((comparison) =>
    toHtml({ comparison, share: 0.95, concurrency: 1, setup: ["a <b> c"], version: "0.0.0" }),
  );

  test("asks nothing of anyone", async () => {
    expect(await html).toContain("default-src 'none'");
    expect(count(await html, /\b(src|href)=|url\(|@import/g)).toBe(0);
    expect(new Set((await html).match(/https?:\/\/[^"')\s]+/g))).toEqual(
      new Set(["http://www.w3.org/2000/svg"]),
    );
  });

  test("shows names as they are, whatever they hold", async () => {
    expect(await html).toContain("&lt;/script&gt;&lt;b title=&quot;x&quot;&gt;");
    expect(count(await html, /<script/g)).toBe(2);
    expect(count(await html, /<\/script>/g)).toBe(2);
    expect(await html).toContain("a &lt;b&gt; c");
  });

  test("draws every plot for wide screens and for phones, and no figure that is none", async () => {
    const wide = count(await html, /<svg class="wide"/g);
    expect(wide).toBe(3 + 2 * 3 + 1);
    expect(count(await html, /<svg class="narrow"/g)).toBe(wide);
    expect(count(await html, /<\/svg>/g)).toBe(2 * wide);
    expect(await html).not.toMatch(/NaN|Infinity|undefined/);
  });
});

describe("axes", () => {
  const line = { from: 0, to: 100, ticks: 5 };
  const labels = ({ ticks }: { readonly ticks: readonly { readonly label: string }[] }) =>
    ticks.map(({ label }) => label);

  test("have round ticks", () => {
    expect(labels(linearScale(87, line))).toEqual(["0", "20", "40", "60", "80", "100"]);
    expect(labels(linearScale(0, line))).toEqual(["0", "0.2", "0.4", "0.6", "0.8", "1"]);
    expect(labels(linearScale(2, { ...line, isWhole: true }))).toEqual(["0", "1", "2"]);
    expect(labels(timeScale(4500, line))).toEqual([
      "0",
      "15 min",
      "30 min",
      "45 min",
      "1 h",
      "1:15 h",
    ]);
    expect(labels(timeScale(3600, line))).toEqual(["0", "15 min", "30 min", "45 min", "1 h"]);
    expect(labels(timeScale(9 * 86_400, line))).toEqual(["0", "2 d", "4 d", "6 d", "8 d"]);
    expect(labels(logScale({ least: 0.01, highest: 100 }, line, durationLabel))).toEqual([
      ...["10 ms", "100 ms", "1 s", "10 s", "100 s"],
    ]);
  });

  test("place values between their ends", () => {
    expect(linearScale(80, line).place(40)).toBeCloseTo(50);
    expect(logScale({ least: 1, highest: 100 }, line).place(10)).toBeCloseTo(50);
    expect(logScale({ least: 1, highest: 100 }, line).place(0)).toBe(0);
  });
});
