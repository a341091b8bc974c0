import { expect, test } from "vitest";
import type { Driver } from "../../core/index.ts";
import { memoryDriver } from "../../drivers/memory/index.ts";
import type { ConformanceCase } from "./conformance-case.ts";
import { runConformance, runConformanceCase } from "./run-conformance.ts";

const open = async (): Promise<Driver> => memoryDriver();

function caseOf(fields: Partial<ConformanceCase>): ConformanceCase {
  return { name: "a case", area: "test", run: async () => undefined, ...fields };
}

/** A driver whose capabilities or methods are others than the memory driver's. */
function openAltered(alter: (driver: Driver) => Driver): () => Promise<Driver> {
  return async () => alter(memoryDriver());
}

test("tells for each case whether it passed, failed or was skipped, and why", async () => {
  const cases = [
    caseOf({ name: "fine" }),
    caseOf({ name: "broken", run: () => Promise.reject(new Error("no such luck")) }),
    caseOf({ name: "not declared", requires: ["browse", "durable"] }),
    caseOf({ name: "not there", needs: ["restart"] }),
  ];
  const told: string[] = [];
  const results = await runConformance({
    open,
    cases,
    onResult: ({ case: { name } }) => told.push(name),
  });
  expect(results.map(({ status, reason }) => [status, reason])).toEqual([
    ["passed", ""],
    ["failed", "Error: no such luck"],
    ["skipped", "memory does not declare durable"],
    ["skipped", "restart is not to be had with memory"],
  ]);
  expect(told).toEqual(cases.map(({ name }) => name));
});

test("fails a driver that declares a capability and lacks its method", async () => {
  const without = openAltered(({ peek: _peek, ...driver }) => driver);
  const { status, reason } = await runConformanceCase(caseOf({ requires: ["browse"] }), {
    open: without,
  });
  expect([status, reason]).toEqual([
    "failed",
    "Error: memory declares browse and has no method peek",
  ]);
});

test("fails a case that does not end in time, and closes its connections", async () => {
  let closed = 0;
  const counting = openAltered((driver) => ({
    ...driver,
    async close() {
      closed += 1;
      await driver.close();
    },
  }));
  const stuck = caseOf({
    timeoutMs: 20,
    async run(context) {
      await context.open();
      await new Promise(() => undefined);
    },
  });
  const { status, reason } = await runConformanceCase(stuck, { open: counting });
  expect([status, reason]).toEqual(["failed", "Error: it did not end within 20 ms"]);
  expect(closed).toBe(2);
});

test("fails a case after which a connection cannot be closed", async () => {
  const stuck = openAltered((driver) => ({
    ...driver,
    close: () => Promise.reject(new Error("still busy")),
  }));
  const { status, reason } = await runConformanceCase(caseOf({}), { open: stuck });
  expect([status, reason]).toEqual(["failed", "Error: still busy"]);
});

test("fails a case when no connection can be opened", async () => {
  const refused = { open: () => Promise.reject(new Error("refused")) };
  const { status, reason } = await runConformanceCase(caseOf({}), refused);
  expect([status, reason]).toEqual(["failed", "Error: refused"]);
});

test("stops after the case under way when its signal aborts", async () => {
  const stop = new AbortController();
  const cases = [caseOf({ run: async () => stop.abort() }), caseOf({})];
  const results = await runConformance({ open, cases, signal: stop.signal });
  expect(results.length).toBe(1);
});
