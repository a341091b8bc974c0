import { describe, expect, test } from "vitest";
import { triggerSpec } from "../../src/scaler/keda/fixtures/scaled.ts";
import { steer } from "./steered-object.ts";

const second = 1000;

describe("an engine of a ScaledObject", () => {
  test("runs both halves over one count: 0, 1, 4, 8, 16 without waiting for anything but their clocks", async () => {
    const { clock, trigger, target, engine } = steer();
    trigger.value = 10_000;
    engine.start();
    await clock.advance(45 * second);
    expect(target.calls).toEqual([1, 4, 8, 16, 32]);
    await engine.stop();
    expect(clock.armedTimers).toBe(0);
  });

  test("reads once for both clocks when they are due together", async () => {
    const { clock, trigger, engine, decisions } = steer();
    trigger.value = 1;
    engine.start();
    await clock.advance(60 * second);
    // At 0, 15, 30, 45 and 60 s; at 0, 30 and 60 s for both.
    expect(trigger.reads).toBe(5);
    expect(decisions.map(({ controller }) => controller).join(" ")).toBe(
      "keda hpa hpa keda hpa hpa keda hpa",
    );
    await engine.stop();
  });

  test("asks nothing for the autoscaler at zero", async () => {
    const { clock, trigger, engine } = steer();
    engine.start();
    await clock.advance(59 * second);
    expect(trigger.reads).toBe(2);
    await engine.stop();
  });

  test("reads cached metrics at the loop's polls alone, and serves them to the autoscaler", async () => {
    const triggers = [triggerSpec({ useCachedMetrics: true })];
    const { clock, trigger, target, engine } = steer({ triggers });
    trigger.value = 100;
    engine.start();
    await clock.advance(29 * second);
    expect([trigger.reads, target.replicas]).toEqual([1, 8]);
    await engine.stop();
  });

  test("never overlaps turns, and follows a slow one at once", async () => {
    const { clock, trigger, engine } = steer();
    let [open, most] = [0, 0];
    trigger.answer = () => {
      open += 1;
      most = Math.max(most, open);
      return new Promise((resolve) => {
        clock.after(25 * second, () => {
          open -= 1;
          resolve();
        });
      });
    };
    trigger.value = 1;
    engine.start();
    await clock.advance(110 * second);
    // From 0 to 25, and as what was due at 15 is late by then, from 25 to 50, and so on.
    expect([most, trigger.reads]).toEqual([1, 5]);
    trigger.answer = null;
    await clock.advance(25 * second);
    await engine.stop();
  });
});

describe("an engine of a ScaledObject in trouble", () => {
  test("gives up a reading that ignores its time-out, and holds the count", async () => {
    const { clock, trigger, target, engine, decisions } = steer();
    target.replicas = 3;
    trigger.answer = () => new Promise(() => undefined);
    engine.start();
    await clock.advance(31 * second);
    expect(decisions[0]?.kedaRule).toBe(5);
    expect(decisions[0]?.reasons[0]?.text).toContain("must answer within 30000 ms");
    expect(target.calls).toEqual([]);
    void engine.stop();
    await clock.advance(60 * second);
  });

  test("tells of a failing trigger once, and once that it works again", async () => {
    const { clock, trigger, engine, logger } = steer();
    trigger.failure = "no route to host";
    engine.start();
    await clock.advance(100 * second);
    expect(logger.messages("error")).toEqual(["reading trigger 0 (metrics-api) failed"]);
    expect(logger.entries[0]?.fields).toMatchObject({ object: "ScaledObject default/app" });
    trigger.failure = null;
    await clock.advance(60 * second);
    expect(logger.messages("info")).toEqual(["reading trigger 0 (metrics-api) works again"]);
    await engine.stop();
  });

  test("tries a count again that could not be written, and counts no activity meanwhile", async () => {
    const { clock, trigger, target, engine, logger } = steer({ cooldownPeriod: 0 });
    trigger.value = 4;
    target.failure = "no more processes";
    engine.start();
    await clock.advance(31 * second);
    expect(target.calls).toEqual([1, 1]);
    expect(logger.messages("error")).toEqual(["scaling failed"]);
    target.failure = null;
    await clock.advance(30 * second);
    expect(target.replicas).toBe(1);
    expect(logger.messages("info")).toEqual(["scaling works again", "scaled"]);
    await engine.stop();
  });
});

describe("an engine of a ScaledObject that is stopped or paused", () => {
  test("changes nothing any more once it is stopped", async () => {
    const { clock, trigger, target, engine } = steer();
    trigger.value = 100;
    trigger.answer = () => new Promise((resolve) => clock.after(second, resolve));
    engine.start();
    const stopped = engine.stop();
    await clock.advance(60 * second);
    await stopped;
    expect(target.calls).toEqual([]);
    expect(clock.armedTimers).toBe(0);
  });

  test("reads no trigger of a paused object, and holds it at paused-replicas", async () => {
    const { clock, trigger, target, engine } = steer({}, { pausedReplicas: 2 });
    trigger.value = 100;
    engine.start();
    await clock.advance(60 * second);
    expect([trigger.reads, target.calls]).toEqual([0, [2]]);
    await engine.stop();
  });
});

describe("a push", () => {
  test("brings the next poll at once while there is nothing", async () => {
    const { clock, trigger, target, engine } = steer();
    engine.start();
    await clock.advance(5 * second);
    trigger.value = 1;
    trigger.push();
    await clock.advance(50);
    expect(target.replicas).toBe(1);
    await engine.stop();
  });

  test("at any rate makes one poll, and none once there are workers", async () => {
    const { clock, trigger, engine } = steer();
    engine.start();
    await clock.advance(5 * second);
    trigger.value = 1;
    for (let pushes = 0; pushes < 1000; pushes += 1) trigger.push();
    await clock.advance(second);
    expect(trigger.reads).toBe(2);
    for (let pushes = 0; pushes < 1000; pushes += 1) trigger.push();
    await clock.advance(second);
    expect(trigger.reads).toBe(2);
    await engine.stop();
  });

  test("of external-push activates by itself, whatever the metric says", async () => {
    const { clock, trigger, target, engine, decisions } = steer({
      triggers: [triggerSpec({ type: "external-push", name: "bell" })],
    });
    engine.start();
    await clock.advance(5 * second);
    trigger.push();
    await clock.advance(50);
    expect(target.calls).toEqual([1]);
    expect(decisions.at(-2)?.reasons[0]?.text).toBe("from 0 to 1, triggered by bell");
    await engine.stop();
  });
});
