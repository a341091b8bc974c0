import { expect, test } from "vitest";
import { decodeDrainMessage, decodeWorkerMessage } from "./protocol.ts";

test("understands what workers say and drops what else comes with it", () => {
  expect(decodeWorkerMessage({ type: "ready", pid: 7 })).toEqual({ type: "ready" });
  const activity = { type: "activity", inFlight: 2, completed: 10, failed: 1 };
  expect(decodeWorkerMessage({ ...activity, note: "x" })).toEqual(activity);
  const running = { ...activity, busyMs: 900, oldestMs: 80 };
  expect(decodeWorkerMessage(running)).toEqual(running);
  expect(decodeWorkerMessage({ ...running, oldestMs: -1, busyMs: "x" })).toEqual(activity);
});

test("passes over anything else that a worker may send", () => {
  const strange = [
    undefined,
    null,
    "ready",
    7,
    [],
    {},
    { type: "hello" },
    { type: "activity" },
    { type: "activity", inFlight: "2", completed: 0, failed: 0 },
    { type: "activity", inFlight: -1, completed: 0, failed: 0 },
    { type: "activity", inFlight: Number.NaN, completed: 0, failed: 0 },
  ];
  for (const value of strange) expect(decodeWorkerMessage(value)).toBeNull();
});

test("understands a drain and nothing else on the worker's side", () => {
  expect(decodeDrainMessage({ type: "drain", graceMs: 500 })).toEqual({
    type: "drain",
    graceMs: 500,
  });
  for (const value of [null, "drain", { type: "drain" }, { type: "drain", graceMs: "5s" }, {}])
    expect(decodeDrainMessage(value)).toBeNull();
});
