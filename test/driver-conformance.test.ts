/**
 * What every driver owes, case by case against the real thing. A new driver is one more entry of the table.
 */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { memoryDriver } from "../src/drivers/memory/index.ts";
import { sqliteDriver } from "../src/drivers/sqlite/index.ts";
import {
  type ConformanceSubject,
  driverConformance,
  runConformanceCase,
} from "../src/testing/index.ts";

interface Subject extends ConformanceSubject {
  readonly name: string;
}

const store = randomUUID();
const folder = mkdtempSync(join(tmpdir(), "sluice-conformance-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const subjects: readonly Subject[] = [
  { name: "memory", open: async () => memoryDriver({ name: store }) },
  { name: "sqlite", open: () => sqliteDriver({ path: join(folder, "jobs.db") }) },
];

for (const subject of subjects) {
  describe(subject.name, () => {
    for (const entry of driverConformance) {
      // Most cases wait most of the time. Each keeps its own time-out; the runner's must not strike first.
      const concurrent = entry.runsAlone !== true;
      const timeout = (entry.timeoutMs ?? 20_000) + 30_000;
      test(`${entry.area}: ${entry.name}`, { concurrent, timeout }, async ({ skip }) => {
        const result = await runConformanceCase(entry, subject);
        if (result.status === "skipped") skip(result.reason);
        if (result.status === "failed") throw result.error;
      });
    }
  });
}

test("every case has a name of its own", () => {
  const names = driverConformance.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
});
