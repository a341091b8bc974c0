import { describe, expect, test } from "vitest";
import { isSluiceError } from "../core/index.ts";
import { data, problemsOf, read, scaledObject, texts, trigger } from "./fixtures/samples.ts";
import { parseSpecs } from "./parse-specs.ts";
import { SpecError } from "./spec-problem.ts";

function errorOf(text: string): SpecError {
  try {
    parseSpecs(text, "test.yaml");
  } catch (error) {
    if (error instanceof SpecError) return error;
    throw error;
  }
  throw new Error("nothing was wrong");
}

const wrong = `# a comment
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  name: worker
spec:
  scaleTargetRef:
    nam: worker
  maxReplicaCount: "5"
  minReplicaCount: 6
  triggers:
    - type: redis
      metadata:
        listName: jobs
        listLength: 5
---
apiVersion: v1
kind: Secret
metadata:
  name: login
data:
  password: "not base64"
  port: 5432
`;

describe("an error", () => {
  test("lists all problems of all documents in their order, each with file, line, object and path", () => {
    expect(errorOf(wrong).message.split("\n")).toEqual([
      "the YAML has 5 problems:",
      "  test.yaml:7 (document 1, ScaledObject default/worker) spec.scaleTargetRef.name: is missing; it must be a text that is not empty.",
      '  test.yaml:9 (document 1, ScaledObject default/worker) spec.maxReplicaCount: must be a whole number from 1; got "5". Write it without quotes: 5.',
      '  test.yaml:15 (document 1, ScaledObject default/worker) spec.triggers[0].metadata.listLength: must be a text; got 5. Put it in quotes: "5"; Kubernetes takes only texts here.',
      "  test.yaml:22 (document 2, Secret default/login) data.password: must be base64. Put plain text under stringData.",
      "  test.yaml:23 (document 2, Secret default/login) data.port: must be a text; got a number. Put it in quotes; Kubernetes takes only texts here.",
      "and, with less weight:",
      "  test.yaml:8 (document 1, ScaledObject default/worker) spec.scaleTargetRef.nam: is unknown and has no effect. Did you mean name?",
    ]);
  });

  test("is one of Sluice's, with the problems for programs", () => {
    const error = errorOf(wrong);
    expect(isSluiceError(error)).toBe(true);
    expect(error.code).toBe("SPEC_INVALID");
    expect(error.problems[1]).toEqual({
      source: { file: "test.yaml", document: 1, line: 9 },
      object: "ScaledObject default/worker",
      path: "spec.maxReplicaCount",
      message: 'must be a whole number from 1; got "5". Write it without quotes: 5.',
    });
  });

  test("finds what lies behind a slip whose meaning is plain", () => {
    const spec = {
      minReplicaCount: 6,
      maxReplicaCount: "5",
      triggers: [trigger({ metadata: { a: 1 } })],
    };
    expect(texts(problemsOf(scaledObject(spec))).join("\n")).toContain(
      "must not exceed maxReplicaCount, which is 5; got 6",
    );
  });

  test("never shows the values of a Secret", () => {
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" } };
    for (const values of [
      { data: { a: 31337 } },
      { data: "31337" },
      { stringData: 31337 },
      { data: { a: "31337?" } },
      { stringData: { a: 31337 } },
    ])
      expect(texts(problemsOf({ ...secret, ...values })).join()).not.toContain("31337");
    const metadata = { listName: "jobs", password: 31337 };
    const said = texts(problemsOf(scaledObject({ triggers: [trigger({ metadata })] })));
    expect(said.join()).toContain("password must be a text; got a number. Put it in quotes;");
    for (const torn of [
      '{a: "31337',
      "{a: b} 31337",
      "\n  a: |31337\n",
      "\n a: 'b' 31337",
      "\n}31337",
    ])
      expect(errorOf(`kind: Secret\nstringData: ${torn}`).message).not.toContain("31337");
  });
});

describe("text that is no YAML", () => {
  test.each([
    ["a: [", 1, "no YAML or JSON"],
    ["a: 1\na: 2", 2, "Map keys must be unique"],
    ["a: b\nc: d\n  e: f", 2, "no YAML or JSON"],
    ["x: *nothing", 1, "Unresolved alias"],
    ["---\nkind: X\n---\n\tkind: X", 4, "no YAML or JSON"],
    ["[".repeat(20_000), 1, "no YAML or JSON"],
  ])("%# is refused at its line", (text, line, message) => {
    const [problem] = errorOf(text).problems;
    expect(problem?.source.line).toBe(line);
    expect(problem?.message).toContain(message);
  });

  test("aliases that multiply without end are refused and not followed", () => {
    const level = (n: number) => `a${n}: &a${n} [${`*a${n - 1},`.repeat(10)}]`;
    const bomb = ["a0: &a0 [1]", ...Array.from({ length: 9 }, (_, n) => level(n + 1))].join("\n");
    expect(errorOf(bomb).message).toContain("Excessive alias count");
  });
});

describe("documents", () => {
  test("of other kinds, of other groups and of none are passed over, and noted", () => {
    const { notes, scaledObjects } = parseSpecs(
      `kind: Service\n---\n---\nname: x\n---\n[1]\n---\nkind: Job\napiVersion: example.com/v1\n---\n${JSON.stringify(scaledObject())}`,
      "test.yaml",
    );
    expect(scaledObjects).toHaveLength(1);
    expect(notes.map(({ source, message }) => `${source.line} ${message}`)).toEqual([
      "1 Service is of no concern here and was passed over.",
      "4 is no object of Kubernetes and was passed over: it has no kind.",
      "6 is no object of Kubernetes and was passed over: it has no kind.",
      "8 Job is of no concern here and was passed over.",
    ]);
  });

  test("may be a List, as kubectl prints it", () => {
    const items = [
      scaledObject(),
      data("Secret", "s", { a: "b" }),
      scaledObject({ minReplicaCount: -1 }),
    ];
    const list = { apiVersion: "v1", kind: "List", items };
    expect(texts(problemsOf(list))).toEqual([
      "spec.minReplicaCount must be a whole number from 0; got -1.",
    ]);
    expect(read({ ...list, items: items.slice(0, 2) }).data).toHaveLength(1);
  });

  test("of KEDA 1 are refused with what to write today", () => {
    const old = { ...scaledObject(), apiVersion: "keda.k8s.io/v1alpha1" };
    expect(texts(problemsOf(old))).toEqual([
      "apiVersion is of KEDA 1. Write keda.sh/v1alpha1, scaleTargetRef.name for deploymentName, and today's keys of each trigger.",
    ]);
  });

  test("of a version of KEDA that is none are refused", () => {
    expect(texts(problemsOf({ ...scaledObject(), apiVersion: "keda.sh/v1" })).join()).toContain(
      'apiVersion must be keda.sh/v1alpha1; got "keda.sh/v1".',
    );
  });

  test("may use anchors and merge keys; a value's line is where it is written", () => {
    const text = [
      "x: &base {type: redis, metadata: {listName: jobs}}",
      "apiVersion: keda.sh/v1alpha1",
      "kind: ScaledObject",
      "metadata: {name: worker}",
      "spec:",
      "  scaleTargetRef: {name: worker}",
      "  triggers:",
      "    - <<: *base",
      "      name: 7",
    ].join("\n");
    const [problem] = errorOf(text).problems;
    expect(problem).toMatchObject({ path: "spec.triggers[0].name", source: { line: 9 } });
  });

  test("take yes, no, on and off for truth values, as kubectl does", () => {
    const text = (value: string) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: ${value}}`;
    for (const value of ["yes", "No", "ON", "off", "true"])
      expect(errorOf(text(value)).message).toContain("must be a text; got");
    expect(parseSpecs(text("y"), "-").data[0]?.data).toEqual({ a: "y" });
  });
});

test("every object knows its place, and that of what is in it", () => {
  const set = parseSpecs(
    `---\n${wrong.split("---")[0]?.replace("nam:", "name:").replace('"5"', "9").replace("listLength: 5", 'listLength: "5"')}`,
    "dir/test.yaml",
  );
  const [object] = set.scaledObjects;
  expect(object?.source).toEqual({ file: "dir/test.yaml", document: 1, line: 3 });
  if (object === undefined) throw new Error("nothing was read");
  expect(set.locate(object, ["spec", "triggers", 0, "metadata", "listLength"]).line).toBe(16);
  expect(set.locate(object, ["spec", "cooldownPeriod"]).line).toBe(7);
});

test("names that JavaScript knows are keys like any other", () => {
  const metadata = JSON.parse('{"__proto__": "a", "constructor": "b", "toString": "c"}');
  const [object] = read(scaledObject({ triggers: [trigger({ metadata })] })).scaledObjects;
  const read1 = object?.spec.triggers[0]?.metadata ?? {};
  expect(Object.entries(read1).sort()).toEqual([
    ["__proto__", "a"],
    ["constructor", "b"],
    ["toString", "c"],
  ]);
  const { warnings } = read({ ...scaledObject(), hasOwnProperty: 1 });
  expect(texts(warnings)).toEqual(["hasOwnProperty is unknown and has no effect."]);
});
