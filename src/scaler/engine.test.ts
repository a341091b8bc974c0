import { expect, test } from "vitest";
import type { Clock, LogEntry } from "../core/index.ts";
import { createLogger, SluiceError } from "../core/index.ts";
import { decideByBacklog, initialBacklogState } from "./backlog-policy.ts";
import type { Decision } from "./decision.ts";
import { createEngine, type Engine, type EngineOptions } from "./engine.ts";
import { toBacklogPolicy } from "./scale-options.ts";
import { type Target, toTargetStatus } from "./target.ts";
import type { MetricSample, Trigger } from "./trigger.ts";

/** Stands still until told to move; lint keeps this folder from `src/testing`, which has the full one. */
function createFakeClock(): Clock & { advance(ms: number): Promise<void> } {
  let now = 0;
  let timers: { at: number; callback: () => void }[] = [];
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return {
    now: () => now,
    after(ms, callback) {
      const timer = { at: now + ms, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    async advance(ms) {
      const end = now + ms;
      for (;;) {
        await settle();
        const [next] = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers = timers.filter((other) => other !== next);
        now = next.at;
        next.callback();
      }
      now = end;
    },
  };
}

/** An engine over a trigger and a target that a test steers. */
function createRig(options: Partial<EngineOptions<typeof initialBacklogState>> = {}) {
  const clock = createFakeClock();
  const entries: LogEntry[] = [];
  const decisions: Decision[] = [];
  const rig = {
    clock,
    entries,
    decisions,
    backlog: 0,
    read: async (): Promise<number> => rig.backlog,
    scale: async (to: number): Promise<void> => {
      rig.replicas = to;
    },
    replicas: 0,
    readings: 0,
    readingsAtOnce: 0,
    push: (): void => undefined,
    logged: (level: string) => entries.filter((entry) => entry.level === level),
  };
  const trigger: Trigger = {
    name: "fake",
    async metrics() {
      rig.readings += 1;
      rig.readingsAtOnce += 1;
      try {
        const value = await rig.read();
        return [sample(value, clock.now())];
      } finally {
        rig.readingsAtOnce -= 1;
      }
    },
    watch(onActive) {
      rig.push = onActive;
      return () => {
        rig.push = () => undefined;
      };
    },
    close: async () => undefined,
  };
  const target: Target = {
    status: async () => ({ ...toTargetStatus([]), replicas: rig.replicas }),
    scale: (to) => rig.scale(to),
    close: async () => undefined,
  };
  const engine: Engine = createEngine({
    trigger,
    target,
    decide: decideByBacklog(toBacklogPolicy({ maxReplicaCount: 4 })),
    initialState: initialBacklogState,
    pollingIntervalMs: 1000,
    clock,
    logger: createLogger("debug", (entry) => entries.push(entry)),
    onDecision: (decision) => decisions.push(decision),
    ...options,
  });
  return { rig, engine };
}

function sample(value: number, at: number): MetricSample {
  return { name: "q", value, at, ready: value, inFlight: 0, delayed: 0, oldestAgeMs: 0 };
}

test("ticks at once at the start and then at every interval, until stopped", async () => {
  const { rig, engine } = createRig();
  engine.start();
  await rig.clock.advance(0);
  expect(rig.readings).toBe(1);
  await rig.clock.advance(3000);
  expect(rig.readings).toBe(4);
  await engine.stop();
  await rig.clock.advance(5000);
  expect(rig.readings).toBe(4);
});

test("scales the target and logs only changes", async () => {
  const { rig, engine } = createRig();
  engine.start();
  await rig.clock.advance(2000);
  expect(rig.entries).toEqual([]);
  rig.backlog = 7;
  await rig.clock.advance(3000);
  expect(rig.replicas).toBe(2);
  expect(rig.logged("info")).toHaveLength(1);
  expect(rig.logged("info")[0]?.fields).toMatchObject({ from: 0, to: 2 });
  expect(engine.latest).toMatchObject({ current: 2, replicas: 2 });
  await engine.stop();
});

test("ticks at once when the trigger pushes, long before the interval is over", async () => {
  const { rig, engine } = createRig();
  engine.start();
  await rig.clock.advance(500);
  rig.backlog = 1;
  rig.push();
  await rig.clock.advance(0);
  expect(rig.replicas).toBe(1);
  await engine.stop();
});

test("reads at most 20 times a second however often the trigger pushes", async () => {
  const { rig, engine } = createRig();
  engine.start();
  for (let ms = 0; ms < 1000; ms += 1) {
    rig.push();
    await rig.clock.advance(1);
  }
  expect(rig.readings).toBeGreaterThanOrEqual(19);
  expect(rig.readings).toBeLessThanOrEqual(21);
  await engine.stop();
});

test("ignores pushes at the maximum, where more work changes nothing", async () => {
  const { rig, engine } = createRig();
  rig.backlog = 1000;
  engine.start();
  await rig.clock.advance(0);
  expect(rig.replicas).toBe(4);
  for (let ms = 0; ms < 900; ms += 10) {
    rig.push();
    await rig.clock.advance(10);
  }
  expect(rig.readings).toBe(1);
  await engine.stop();
});

test("looks again within the time that it is asked for, also at the maximum and from within a tick", async () => {
  let engine: Engine | null = null;
  const { rig, engine: built } = createRig({ onDecision: () => engine?.soon(250) });
  engine = built;
  built.soon(0);
  rig.backlog = 1000;
  built.start();
  await rig.clock.advance(999);
  expect(rig.readings).toBe(4);
  engine = null;
  await rig.clock.advance(1);
  expect(rig.readings).toBe(5);
  built.soon(5000);
  await rig.clock.advance(900);
  expect(rig.readings).toBe(5);
  built.soon(0);
  await rig.clock.advance(0);
  expect(rig.readings).toBe(6);
  await built.stop();
  built.soon(0);
});

test("runs one tick at a time, and one more after it when pushed meanwhile", async () => {
  const { rig, engine } = createRig();
  let atOnce = 0;
  let finish: () => void = () => undefined;
  rig.read = () => {
    atOnce = Math.max(atOnce, rig.readingsAtOnce);
    return new Promise((resolve) => {
      finish = () => resolve(0);
    });
  };
  engine.start();
  await rig.clock.advance(10);
  for (let push = 0; push < 5; push += 1) rig.push();
  await rig.clock.advance(100);
  expect(rig.readings).toBe(1);
  finish();
  await rig.clock.advance(10);
  expect(rig.readings).toBe(2);
  finish();
  await rig.clock.advance(500);
  expect(rig.readings).toBe(2);
  expect(atOnce).toBe(1);
  await engine.stop();
});

test("makes callers of tick who come during a tick share the next one", async () => {
  const { rig, engine } = createRig();
  const [first, second, third] = await Promise.all([engine.tick(), engine.tick(), engine.tick()]);
  expect(rig.readings).toBe(2);
  expect(second).toBe(third);
  expect(first).not.toBe(second);
  await engine.stop();
});

test("holds the count when the reading fails, and logs each text once", async () => {
  const { rig, engine } = createRig();
  rig.backlog = 10;
  engine.start();
  await rig.clock.advance(500);
  rig.read = () => Promise.reject(new SluiceError("STORE_UNAVAILABLE", "the disk is away"));
  await rig.clock.advance(60_000);
  expect(rig.replicas).toBe(2);
  expect(engine.latest).toMatchObject({ rule: "hold", replicas: 2 });
  expect(rig.logged("error")).toHaveLength(1);
  expect(rig.logged("error")[0]?.fields.error).toContain("the disk is away");
  rig.read = () => Promise.reject(new SluiceError("STORE_BUSY", "locked"));
  await rig.clock.advance(5000);
  expect(rig.logged("error")).toHaveLength(2);
  rig.read = async () => 10;
  await rig.clock.advance(2000);
  expect(rig.logged("info").map((entry) => entry.message)).toContain("reading works again");
  await engine.stop();
});

test("takes a reading that never answers for a failed one, and looks again", async () => {
  const { rig, engine } = createRig({ readTimeoutMs: 5000 });
  rig.read = () => (rig.readings === 1 ? new Promise(() => undefined) : Promise.resolve(20));
  rig.replicas = 3;
  engine.start();
  await rig.clock.advance(5000);
  expect(rig.decisions[0]).toMatchObject({ rule: "hold", replicas: 3 });
  expect(rig.replicas).toBe(4);
  await engine.stop();
});

test("leaves the target alone when its status is unknown", async () => {
  const scaled: number[] = [];
  const target: Target = {
    status: () => Promise.reject(new Error("api is away")),
    scale: async (to) => void scaled.push(to),
    close: async () => undefined,
  };
  const decide = decideByBacklog(toBacklogPolicy({ minReplicaCount: 2 }));
  const { rig, engine } = createRig({ target, decide });
  rig.backlog = 50;
  engine.start();
  await rig.clock.advance(3000);
  expect(scaled).toEqual([]);
  expect(engine.latest?.reasons[0]?.code).toBe("FailedGetScale");
  await engine.stop();
});

test("logs a failing scale once, and the next tick tries again", async () => {
  const { rig, engine } = createRig();
  const obey = rig.scale;
  let tries = 0;
  rig.scale = async () => {
    tries += 1;
    throw new Error("no room");
  };
  rig.backlog = 5;
  engine.start();
  await rig.clock.advance(3000);
  expect(tries).toBe(4);
  expect(rig.logged("error")).toHaveLength(1);
  rig.scale = obey;
  await rig.clock.advance(1000);
  expect(rig.replicas).toBe(1);
  expect(rig.logged("info").map((entry) => entry.message)).toEqual([
    "scaling works again",
    "scaled",
  ]);
  await engine.stop();
});

test("goes on when a decision throws, and logs it once", async () => {
  const { rig, engine } = createRig({
    decide: () => {
      throw new Error("a mistake in the policy");
    },
  });
  engine.start();
  await rig.clock.advance(2000);
  expect(rig.readings).toBe(3);
  expect(rig.logged("error")).toHaveLength(1);
  await engine.stop();
});

test("scales nothing any more once it is stopped, and rejects ticks", async () => {
  const { rig, engine } = createRig();
  let finish: (value: number) => void = () => undefined;
  rig.read = () =>
    new Promise((resolve) => {
      finish = resolve;
    });
  engine.start();
  await rig.clock.advance(0);
  const stopped = engine.stop();
  finish(50);
  await stopped;
  expect(rig.replicas).toBe(0);
  await expect(engine.tick()).rejects.toMatchObject({ code: "CLOSED" });
  expect(() => engine.start()).toThrow(expect.objectContaining({ code: "CLOSED" }));
  await engine.stop();
});

test("hands every decision to onDecision, failed readings included", async () => {
  const { rig, engine } = createRig();
  rig.backlog = 3;
  await engine.tick();
  rig.read = () => Promise.reject(new Error("away"));
  await engine.tick();
  expect(rig.decisions.map((decision) => decision.rule)).toEqual(["backlog", "hold"]);
  await engine.stop();
});
