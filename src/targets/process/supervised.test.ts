import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { type Clock, silentLogger } from "../../core/index.ts";
import type { WorkerMessage } from "./protocol.ts";
import { superviseWorker } from "./supervised.ts";

/** Stands still until told to move; lint keeps this folder from `src/testing`, which has the full one. */
function createFakeClock(): Clock & { advance(ms: number): void } {
  let now = 0;
  let timers: { at: number; callback: () => void }[] = [];
  return {
    now: () => now,
    after(ms, callback) {
      const timer = { at: now + ms, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance(ms) {
      now += ms;
      const due = timers.filter(({ at }) => at <= now);
      timers = timers.filter(({ at }) => at > now);
      for (const { callback } of due) callback();
    },
  };
}

class FakeChannel extends EventEmitter {
  connected = true;
  readonly sent: WorkerMessage[] = [];
  send(message: WorkerMessage, callback?: (error: Error | null) => void): boolean {
    this.sent.push(message);
    callback?.(null);
    return true;
  }
}

/** A worker under supervision, with everything around it in the test's hands. */
function createRig(isConnected = true) {
  const clock = createFakeClock();
  const channel = new FakeChannel();
  channel.connected = isConnected;
  const exits: number[] = [];
  const drains: number[] = [];
  let listener: () => void = () => undefined;
  const rig = {
    clock,
    channel,
    exits,
    drains,
    finish: (): void => undefined,
    fail: (_error: Error): void => undefined,
    worker: {
      inFlight: 0,
      completed: 0,
      failed: 0,
      oldestSince: null as number | null,
      onActivity(added: () => void) {
        listener = added;
        return () => {
          listener = () => undefined;
        };
      },
      drain(graceMs: number): Promise<void> {
        drains.push(graceMs);
        return new Promise((resolve, reject) => {
          rig.finish = resolve;
          rig.fail = reject;
        });
      },
    },
    act(inFlight: number, completed: number): void {
      rig.worker.inFlight = inFlight;
      rig.worker.completed = completed;
      listener();
    },
  };
  const stop = superviseWorker(rig.worker, {
    channel,
    clock,
    logger: silentLogger,
    outputs: [],
    exit: (code) => exits.push(code),
  });
  return { ...rig, rig, stop };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const activity = (inFlight: number, completed: number, busyMs = 0): WorkerMessage => ({
  type: "activity",
  inFlight,
  completed,
  failed: 0,
  busyMs,
});

test("says that it is ready, and tells at once when it becomes busy or idle", () => {
  const { channel, clock, act } = createRig();
  expect(channel.sent).toEqual([{ type: "ready" }]);
  act(1, 0);
  clock.advance(10);
  act(0, 1);
  expect(channel.sent.slice(1)).toEqual([activity(1, 0), activity(0, 1, 10)]);
});

test("tells how long its oldest job has run", () => {
  const { channel, clock, act, rig } = createRig();
  rig.worker.oldestSince = clock.now();
  act(1, 0);
  clock.advance(250);
  act(2, 0);
  expect(channel.sent.at(-1)).toMatchObject({ inFlight: 2, oldestMs: 250 });
  rig.worker.oldestSince = null;
  clock.advance(250);
  act(0, 2);
  expect(channel.sent.at(-1)).not.toHaveProperty("oldestMs");
});

test("tells mere counts at most every 100 ms, and the last ones in the end", () => {
  const { channel, clock, act } = createRig();
  act(1, 0);
  for (let done = 1; done <= 50; done += 1) {
    clock.advance(1);
    act(1, done);
  }
  expect(channel.sent.slice(1)).toEqual([activity(1, 0)]);
  clock.advance(50);
  expect(channel.sent.slice(1)).toEqual([activity(1, 0), activity(1, 50, 100)]);
});

test("does not tell every change when jobs come and go within milliseconds", () => {
  const { channel, clock, act } = createRig();
  for (let job = 0; job < 1000; job += 1) {
    act(1, job);
    act(0, job + 1);
    clock.advance(1);
  }
  expect(channel.sent.length).toBeLessThanOrEqual(102);
  clock.advance(100);
  expect(channel.sent.at(-1)).toEqual(activity(0, 1000));
});

test("drains when told to, reports its last figures and leaves the exit to the program", async () => {
  const { channel, drains, exits, rig } = createRig();
  channel.emit("message", { type: "drain", graceMs: 5000 });
  channel.emit("message", { type: "drain", graceMs: 1 });
  expect(drains).toEqual([5000]);
  rig.worker.completed = 3;
  rig.finish();
  await settled();
  expect(channel.sent.at(-1)).toEqual(activity(0, 3));
  expect(exits).toEqual([]);
});

test("passes over messages that are none of its own", () => {
  const { channel, drains } = createRig();
  for (const message of ["drain", null, { type: "drain" }, { type: "stop" }])
    channel.emit("message", message);
  expect(drains).toEqual([]);
});

test("drains for two seconds when the parent dies, and then exits", async () => {
  const { channel, drains, exits, rig } = createRig();
  channel.connected = false;
  channel.emit("disconnect");
  expect(drains).toEqual([2000]);
  rig.finish();
  await settled();
  expect(exits).toEqual([0]);
});

test("exits soon after the parent died even if draining does not end", async () => {
  const { channel, clock, exits } = createRig();
  channel.connected = false;
  channel.emit("disconnect");
  clock.advance(3000);
  expect(exits).toEqual([1]);
});

test("shortens a long drain when the parent dies meanwhile", () => {
  const { channel, drains } = createRig();
  channel.emit("message", { type: "drain", graceMs: 600_000 });
  channel.connected = false;
  channel.emit("disconnect");
  expect(drains).toEqual([600_000, 2000]);
});

test("exits when the parent died before it was up", async () => {
  const { channel, drains, exits, rig } = createRig(false);
  expect(drains).toEqual([2000]);
  rig.finish();
  await settled();
  expect(channel.sent).toEqual([]);
  expect(exits).toEqual([0]);
});

test("exits with a failure when the parent is gone and draining fails", async () => {
  const { channel, exits, rig } = createRig();
  channel.connected = false;
  channel.emit("disconnect");
  rig.fail(new Error("no way"));
  await settled();
  expect(exits).toEqual([1]);
});

test("does nothing in a process that no target started", () => {
  const channel = new EventEmitter();
  const { worker } = createRig();
  superviseWorker(worker, { channel, outputs: [] })();
  expect(channel.eventNames()).toEqual([]);
});

test("stops reporting and listening when told to", () => {
  const { channel, drains, act, stop } = createRig();
  stop();
  act(1, 0);
  channel.emit("message", { type: "drain", graceMs: 10 });
  channel.emit("disconnect");
  expect(channel.sent).toEqual([{ type: "ready" }]);
  expect(drains).toEqual([]);
});
