/** Whatever a file holds, reading it yields specs or the one coded error. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import {
  authentication,
  cpu,
  data,
  deployment,
  scaledJob,
  scaledObject,
  trigger,
} from "./fixtures/samples.ts";
import { parseSpecs } from "./parse-specs.ts";
import { SpecError } from "./spec-problem.ts";

const whole = [
  scaledObject(
    {
      minReplicaCount: 1,
      idleReplicaCount: 0,
      fallback: { failureThreshold: 1, replicas: 2 },
      triggers: [trigger({ name: "a", authenticationRef: { name: "login" } }), cpu()],
      advanced: {
        horizontalPodAutoscalerConfig: {
          behavior: { scaleUp: { policies: [{ type: "Pods", value: 1, periodSeconds: 15 }] } },
        },
        scalingModifiers: { formula: "a", target: "2" },
      },
    },
    {
      annotations: {
        "sluice.dev/objective": "30s",
        "sluice.dev/shared-cap": "gpu=10",
        "autoscaling.keda.sh/paused-replicas": "2",
      },
    },
  ),
  scaledJob(
    { scalingStrategy: { strategy: "custom", customScalingRunningJobPercentage: "0.5" } },
    { annotations: { "sluice.dev/strategy": "sequential", "sluice.dev/max-age": "5s" } },
  ),
  authentication({ podIdentity: { provider: "aws" }, env: [{ parameter: "a", name: "B" }] }),
  deployment({ env: [{ name: "A", valueFrom: { secretKeyRef: { name: "s", key: "k" } } }] }),
  data("Secret", "s", { k: "v" }),
];

/** Throws unless reading `text` ends as it may. */
function check(text: string): void {
  try {
    const set = parseSpecs(text, "fuzz.yaml");
    expect(Array.isArray(set.scaledObjects)).toBe(true);
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    expect(error.code).toBe("SPEC_INVALID");
    expect(error.problems.length).toBeGreaterThan(0);
    for (const { source, message } of error.problems) {
      expect(source.line).toBeGreaterThan(0);
      expect(source.line).toBeLessThanOrEqual(text.split("\n").length + 1);
      expect(message).not.toMatch(/undefined|\[object/);
    }
  }
}

type Tree = Readonly<Record<string, unknown>> | readonly unknown[];

/** Every way to a value within a tree. */
function pathsOf(tree: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof tree !== "object" || tree === null) return [path];
  return [path, ...Object.entries(tree).flatMap(([key, one]) => pathsOf(one, [...path, key]))];
}

function replaced(tree: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined) return value;
  if (Array.isArray(tree))
    return tree.map((one, index) => (String(index) === key ? replaced(one, rest, value) : one));
  const branch = tree as Readonly<Record<string, unknown>>;
  return { ...branch, [key]: replaced(branch[key], rest, value) };
}

const strange = fc.oneof(
  fc.constantFrom<unknown>(null, "", 0, -1, 1.5, true, "5", "x".repeat(300), [], {}, [[]], {
    a: null,
  }),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, "\u0000", "__proto__", "$(A)"),
  fc.jsonValue({ maxDepth: 3 }),
);

test("a value of any kind anywhere", () => {
  const mutation = fc.constantFrom(...whole).chain((object: Tree) =>
    fc.record({
      object: fc.constant(object),
      changes: fc.array(fc.record({ path: fc.constantFrom(...pathsOf(object)), value: strange }), {
        minLength: 1,
        maxLength: 3,
      }),
    }),
  );
  fc.assert(
    fc.property(mutation, ({ object, changes }) => {
      const changed = changes.reduce(
        (tree: unknown, { path, value }) =>
          pathsOf(tree).some((one) => one.join("/") === path.join("/"))
            ? replaced(tree, path, value)
            : tree,
        object,
      );
      check(stringify(changed));
    }),
    { numRuns: 200 },
  );
});

test("text that was torn, doubled or written over anywhere", () => {
  const text = whole.map((one) => stringify(one)).join("---\n");
  const position = fc.nat(text.length);
  const junk = fc.oneof(
    fc.constantFrom(
      ": ",
      "- ",
      "\n",
      "\t",
      "'",
      '"',
      "&a ",
      "*a",
      "!!binary ",
      "{",
      "[",
      "|\n",
      "---\n",
      "<<: *a\n",
      "? ",
      "#",
      "%",
    ),
    fc.string({ maxLength: 8, unit: "binary" }),
  );
  fc.assert(
    fc.property(position, fc.nat(40), junk, (at, length, put) => {
      check(text.slice(0, at) + put + text.slice(at + length));
    }),
    { numRuns: 100 },
  );
});

test("any text at all", () => {
  fc.assert(fc.property(fc.string({ maxLength: 200, unit: "binary" }), check), { numRuns: 200 });
});
