import { expect, test } from "vitest";
import type { WorkerState, WorkerStatus } from "../../scaler/index.ts";
import { pickVictims } from "./victims.ts";

function worker(id: string, state: WorkerState, figures: Partial<WorkerStatus> = {}): WorkerStatus {
  return { id, state, startedAt: 0, since: 0, ...figures };
}

test("lets crashed ones go first, then idle, starting and busy ones", () => {
  const workers = [
    worker("busy", "busy"),
    worker("starting", "starting"),
    worker("idle", "idle"),
    worker("crashed", "crashed"),
  ];
  expect(pickVictims(workers, 0)).toEqual(["crashed", "idle", "starting", "busy"]);
  expect(pickVictims(workers, 3)).toEqual(["crashed"]);
  expect(pickVictims(workers, 4)).toEqual([]);
  expect(pickVictims(workers, 9)).toEqual([]);
});

test("lets the longest idle one go first", () => {
  const workers = [worker("fresh", "idle", { since: 9 }), worker("stale", "idle", { since: 1 })];
  expect(pickVictims(workers, 1)).toEqual(["stale"]);
});

test("lets the newest of those that start go first", () => {
  const workers = [
    worker("older", "starting", { startedAt: 1 }),
    worker("newer", "starting", { startedAt: 9 }),
  ];
  expect(pickVictims(workers, 1)).toEqual(["newer"]);
});

test("lets the busy one with the fewest jobs go first", () => {
  const workers = [
    worker("full", "busy", { inFlight: 8 }),
    worker("nearly-done", "busy", { inFlight: 1 }),
  ];
  expect(pickVictims(workers, 1)).toEqual(["nearly-done"]);
});

test("neither counts nor chooses those that drain", () => {
  const workers = [worker("a", "draining"), worker("b", "idle"), worker("c", "idle")];
  expect(pickVictims(workers, 2)).toEqual([]);
  expect(pickVictims(workers, 0)).toEqual(["b", "c"]);
});
