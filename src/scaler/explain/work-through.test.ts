import { describe, expect, test } from "vitest";
import type { ScaledObject } from "../../specs/index.ts";
import { noControls, objectSpec, scaledJob, triggerSpec } from "../keda/fixtures/scaled.ts";
import { type Situation, workThrough } from "./work-through.ts";

const rabbitmq = triggerSpec({
  type: "rabbitmq",
  name: "queue",
  metadata: { mode: "QueueLength", value: "5", activationValue: "2" },
});
const cron = triggerSpec({ type: "cron", metadata: { desiredReplicas: "3" } });

function scaledObject(spec: Parameters<typeof objectSpec>[0]): ScaledObject {
  const { metadata, source } = scaledJob();
  const kind = { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject" } as const;
  return { ...kind, metadata, source, controls: noControls, spec: objectSpec(spec) };
}

function work(object: Parameters<typeof workThrough>[0], situation: Partial<Situation>) {
  const given = { values: new Map([["", 37]] as const), replicas: 4, ...situation };
  const { decisions } = workThrough(object, given, 1_000_000);
  return decisions.map(({ controller, replicas }) => `${controller} ${replicas}`);
}

describe("working through", () => {
  const one = scaledObject({ triggers: [rabbitmq] });

  test("shows the autoscaler what KEDA's half makes of the count", () => {
    expect(work(one, { replicas: 0 })).toEqual(["keda 1", "hpa 4"]);
  });

  test("compares with the activation value that the metadata gives", () => {
    expect(work(one, { values: new Map([["queue", 2]]), replicas: 0 })).toEqual([
      "keda 0",
      "hpa 0",
    ]);
  });

  test("counts the cooldown from the inactivity that is supposed", () => {
    const values = new Map([["", 0]]);
    expect(work(one, { values, inactiveMs: 299_000 })).toEqual(["keda 4", "hpa 1"]);
    expect(work(one, { values, inactiveMs: 301_000 })).toEqual(["keda 0", "hpa 0"]);
  });

  test("takes values by name, type and index", () => {
    const two = scaledObject({ triggers: [rabbitmq, cron] });
    const values = new Map([
      ["queue", 5],
      ["1", 6],
    ]);
    expect(work(two, { values })).toEqual(["keda 4", "hpa 6"]);
    expect(
      work(two, {
        values: new Map([
          ["cron", 6],
          ["rabbitmq", 1],
        ]),
      }),
    ).toEqual(["keda 4", "hpa 6"]);
  });

  test("holds on a reading that is supposed to fail", () => {
    expect(work(one, { values: new Map([["", "failed"]] as const) })).toEqual(["keda 4", "hpa 4"]);
  });

  test("of a ScaledJob is one poll", () => {
    const sequential = { threshold: 20, maxAgeMs: 30_000 };
    const job = scaledJob({ triggers: [rabbitmq] }, { sequential });
    expect(work(job, { replicas: 2 })).toEqual(["job 3"]);
    expect(work(job, { replicas: 2, ready: 1 })).toEqual(["job 2"]);
    expect(work(job, { values: new Map([["", 1]]), oldestAgeMs: 31_000 })).toEqual(["job 5"]);
  });

  test.each([
    [one, new Map([["nobody", 1]]), "(queue); got nobody"],
    [
      scaledObject({ triggers: [rabbitmq, cron] }),
      new Map([["cron", 1]]),
      "trigger queue needs a value",
    ],
    [
      scaledObject({ triggers: [triggerSpec({ type: "external" })] }),
      new Map([["", 1]]),
      "does not tell the target",
    ],
    [
      scaledObject({ triggers: [triggerSpec({ type: "cpu" })] }),
      new Map([["", 1]]),
      "cpu and memory alone",
    ],
  ])("refuses what cannot be worked out", (object, values, problem) => {
    expect(() => work(object, { values })).toThrow(problem);
  });
});
