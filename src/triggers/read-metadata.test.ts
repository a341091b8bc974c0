import { describe, expect, test } from "vitest";
import { createLogger, type LogEntry, systemClock } from "../core/index.ts";
import { createConnections, type TriggerContext } from "../scaler/index.ts";
import {
  choice,
  choiceList,
  duration,
  flag,
  integer,
  list,
  number,
  pairs,
  removed,
  text,
} from "./metadata-key.ts";
import { readMetadata } from "./read-metadata.ts";

const logged: LogEntry[] = [];

function contextOf(
  metadata: Readonly<Record<string, string>>,
  more: Partial<TriggerContext> = {},
): TriggerContext {
  logged.length = 0;
  return {
    spec: {
      type: "thing",
      name: "depth",
      metadata,
      useCachedMetrics: false,
      metricType: null,
      authenticationRef: null,
    },
    index: 3,
    owner: { kind: "ScaledJob", namespace: "shop", name: "mailer" },
    parameters: {},
    podIdentity: null,
    env: {},
    isMetricSource: false,
    connections: createConnections(),
    clock: systemClock,
    logger: createLogger("debug", (entry) => logged.push(entry)),
    timeoutMs: 3000,
    ...more,
  };
}

describe("a value", () => {
  const keys = { a: text({ from: "MAE", says: "" }) };

  test.each([
    ["M", { a: "m", aFromEnv: "VAR" }, "m"],
    ["A where the metadata is blank", { a: "  ", aFromEnv: "VAR" }, "p"],
    ["trimmed", { a: "  m " }, "m"],
  ])("comes from %s", (_, metadata, value) => {
    const context = contextOf(metadata, { parameters: { a: "p" }, env: { VAR: "e" } });
    expect(readMetadata(context, keys)).toEqual({ a: value });
  });

  test("comes from the environment last, and is null when nothing has it", () => {
    const env = { VAR: "e" };
    expect(readMetadata(contextOf({ aFromEnv: "VAR" }, { env }), keys)).toEqual({ a: "e" });
    expect(readMetadata(contextOf({ aFromEnv: "OTHER" }, { env }), keys)).toEqual({ a: null });
  });

  test("is not looked for where it may not come from", () => {
    const onlyAuth = { a: text({ from: "A", says: "" }) };
    const context = contextOf({ a: "m", aFromEnv: "VAR" }, { env: { VAR: "e" } });
    expect(readMetadata(context, onlyAuth)).toEqual({ a: null });
  });

  test("may have another name, or a default where it is absent or blank", () => {
    const both = { a: text({ from: "M", aliases: ["b"], fallback: "d", says: "" }) };
    expect(readMetadata(contextOf({ b: "x" }), both)).toEqual({ a: "x" });
    expect(readMetadata(contextOf({ a: " " }), both)).toEqual({ a: "d" });
  });

  test("does not come from what every object has", () => {
    const keys = { constructor: text({ from: "MAE", says: "" }) };
    expect(readMetadata(contextOf({}), keys)).toEqual({ constructor: null });
  });
});

const kinds = {
  int: integer({ from: "M", says: "" }),
  num: number({ from: "M", says: "" }),
  bool: flag({ from: "M", says: "" }),
  time: duration({ from: "M", says: "" }),
  items: list({ from: "M", says: "" }),
  map: pairs({ from: "M", says: "" }),
  one: choice(["sum", "max"], { from: "M", says: "" }),
  some: choiceList(["a", "b"], { from: "M", says: "" }),
};

describe("kinds of value", () => {
  test.each([
    ["int", "5", 5],
    ["int", "-5", -5],
    ["num", "5", 5],
    ["num", "-0.5e2", -50],
    ["bool", "T", true],
    ["bool", "0", false],
    ["time", "300ms", 300],
    ["time", "1m30s", 90_000],
    ["time", "1.5h", 5_400_000],
    ["time", "250", 250],
    ["items", "a, b,,c", ["a", "b", "", "c"]],
    [
      "map",
      "a=1, b = 2",
      new Map([
        ["a", "1"],
        ["b", "2"],
      ]),
    ],
    ["one", "max", "max"],
    ["some", "b,a", ["b", "a"]],
  ])("%s takes %s", (name, given, value) => {
    expect(readMetadata(contextOf({ [name]: given }), kinds)).toMatchObject({ [name]: value });
  });

  test.each([
    ["int", "05"],
    ["int", "+5"],
    ["int", "5.0"],
    ["int", "5e1"],
    ["int", "0x5"],
    ["int", "99999999999999999999"],
    ["num", "05"],
    ["num", "+5"],
    ["num", ".5"],
    ["num", "5."],
    ["num", "NaN"],
    ["num", "1e999"],
    ["num", "five"],
    ["bool", "yes"],
    ["bool", "tRUE"],
    ["time", "5 s"],
    ["time", "-5s"],
    ["time", "-1"],
    ["time", "5d"],
    ["map", "a"],
    ["map", "a=b=c"],
    ["one", "Sum"],
    ["some", "a,c"],
  ])("%s refuses %s", (name, given) => {
    expect(() => readMetadata(contextOf({ [name]: given }), kinds)).toThrow(
      expect.objectContaining({
        code: "TRIGGER_INVALID",
        message: expect.stringContaining(`${name} must be `),
      }),
    );
  });
});

describe("the error", () => {
  const keys = {
    host: text({ from: "MAE", required: true, says: "" }),
    count: integer({ from: "M", required: true, says: "" }),
    secret: integer({ from: "A", says: "" }),
    type: removed("write metricType instead"),
  };

  test("names trigger and owner, tells every problem, and shows no secret", () => {
    const context = contextOf(
      { hostFromEnv: "HOST", count: "five", type: "Value" },
      { parameters: { secret: "hunter2" } },
    );
    expect(() => readMetadata(context, keys)).toThrow(
      'trigger 3 (thing "depth") of ScaledJob shop/mailer: host is required, and the variable HOST that hostFromEnv names is not set in the target\'s container; count must be a whole number such as 5, without leading zero, plus sign or decimal point; got "five"; secret must be a whole number such as 5, without leading zero, plus sign or decimal point; got something else; type is gone: write metricType instead.',
    );
  });

  test("tells what is wrong with values together", () => {
    const pair = { a: text({ from: "M", says: "" }), b: text({ from: "M", says: "" }) };
    const check = ({ a, b }: { a: string | null; b: string | null }) =>
      a !== null && b !== null ? ["a and b exclude each other"] : [];
    expect(() => readMetadata(contextOf({ a: "1", b: "2" }), pair, { check })).toThrow(
      "a and b exclude each other",
    );
  });
});

test("an unknown key is warned of, with the key that was probably meant", () => {
  const keys = { queueName: text({ from: "M", says: "" }), host: text({ from: "ME", says: "" }) };
  readMetadata(contextOf({ queuename: "a", hostFromENV: "X", hostFromEnv: "Y", zebra: "" }), keys);
  expect(logged.map(({ fields }) => [fields.key, fields.meant])).toEqual([
    ["queuename", "queueName"],
    ["hostFromENV", "hostFromEnv"],
    ["zebra", undefined],
  ]);
  expect(logged[0]?.fields).toMatchObject({ owner: "shop/mailer", index: 3, type: "thing" });
});
