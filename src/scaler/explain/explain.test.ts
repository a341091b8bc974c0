import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { isSluiceError, SluiceError } from "../../core/index.ts";
import { parseSpecs, resolveTrigger, type SpecSet } from "../../specs/index.ts";
import { explain } from "./explain.ts";
import type { Explanation } from "./explanation.ts";
import { satisfiedBy } from "./lint-scaled-object.ts";

type Tree = Readonly<Record<string, unknown>>;

/** Explains the one object that scales, as the command does. */
async function explainText(text: string, fault?: string): Promise<Explanation> {
  const set = parseSpecs(text, "test.yaml");
  const object = [...set.scaledObjects, ...set.scaledJobs][0];
  if (object === undefined) throw new Error("nothing scales");
  const resolutions = await Promise.all(
    object.spec.triggers.map((trigger) =>
      resolveTrigger(set, object, trigger).catch((error: unknown) => {
        if (isSluiceError(error)) return error;
        throw error;
      }),
    ),
  );
  const faults = [fault === undefined ? null : new SluiceError("TRIGGER_INVALID", fault)];
  return explain({ set, object, resolutions, faults });
}

interface Row {
  /** The rule, and of which severity its remark is. */
  readonly finds?: string;
  /** Rules that must be silent. */
  readonly silent?: string;
  /** A part of the meaning. */
  readonly means?: string;
  readonly job?: Tree;
  readonly object?: Tree;
  readonly annotations?: Tree;
  /** More documents. */
  readonly beside?: readonly Tree[];
  /** What is wrong with the metadata of its first trigger. */
  readonly fault?: string;
  /** A part of the remark. */
  readonly says?: string;
  /** Where: the path as JSON. */
  readonly at?: readonly (string | number)[];
}

const rows: readonly Row[] = parse(
  readFileSync(new URL("../fixtures/explain.yaml", import.meta.url), "utf8"),
);

function documentsOf({ job, object, annotations = {}, beside = [] }: Row): string {
  const metadata = { name: "worker", annotations };
  const apiVersion = "keda.sh/v1alpha1";
  const template = { spec: { containers: [{ name: "main" }] } };
  const whole = job
    ? { kind: "ScaledJob", spec: { jobTargetRef: { template }, maxReplicaCount: 9, ...job } }
    : {
        kind: "ScaledObject",
        spec: { scaleTargetRef: { name: "worker" }, maxReplicaCount: 9, ...object },
      };
  return [{ apiVersion, metadata, ...whole }, ...beside].map((one) => stringify(one)).join("---\n");
}

describe("remarks", () => {
  const found = rows.filter(({ finds }) => finds !== undefined);
  test.each(found.map((row) => [row.finds, row.says ?? "", row] as const))(
    "%s: %s",
    async (rule, says, row) => {
      const { remarks } = await explainText(documentsOf(row), row.fault);
      const [remark] = remarks.filter((one) => `${one.rule} ${one.severity}` === rule);
      expect(remark?.text).toContain(says);
      if (row.at !== undefined) expect(remark?.path).toEqual(row.at);
    },
  );

  const silent = rows.filter(({ silent: rule }) => rule !== undefined);
  test.each(silent.map((row) => [row.silent, row] as const))("no %s: %#", async (rule, row) => {
    const { remarks } = await explainText(documentsOf(row));
    expect(remarks.filter((one) => one.rule === rule)).toEqual([]);
  });

  test("there is a row for every rule of the documents, and a rule in them for every row", () => {
    const page = readFileSync(
      new URL("../../../docs/5-scaling-with-keda.md", import.meta.url),
      "utf8",
    );
    const section = /## What `sluice explain` finds\n(.*?)\n### /s.exec(page)?.[1] ?? "";
    const documented = [...section.matchAll(/^\| (`.*?`) \|/gm)].flatMap(([, names = ""]) =>
      [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
    );
    const tested = rows.flatMap(({ finds }) => (finds === undefined ? [] : [finds.split(" ")[0]]));
    expect([...new Set(tested)].sort()).toEqual([...documented].sort());
  });
});

test.each([
  [45, 41, 50],
  [30, 28, 33],
  [10, 10, 11],
  [9, 9, 10],
  [1, 1, 1],
])("a cron that asks for %i is satisfied by %i to %i", (desired, least, most) => {
  expect(satisfiedBy(desired, { up: 0.1, down: 0.1 })).toEqual({ least, most });
  expect(satisfiedBy(desired, { up: 0, down: 0 })).toEqual({ least: desired, most: desired });
});

describe("the meaning", () => {
  const jobs = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: scaler}
spec:
  scaleTargetRef: {name: consumer}
  maxReplicaCount: 20
  cooldownPeriod: 30
  fallback: {failureThreshold: 3, replicas: 2}
  triggers:
    - type: postgresql
      metadata: {query: "SELECT COUNT(*) FROM jobs", targetQueryValue: "5", activationTargetQueryValue: "2"}
      authenticationRef: {name: login}
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata: {name: login}
spec: {secretTargetRef: [{parameter: connection, name: db, key: url}]}
---
apiVersion: v1
kind: Secret
metadata: {name: db}
stringData: {url: "postgresql://me:hush@db/jobs"}
`;
  const textOf = ({ meaning }: Explanation): string =>
    meaning.map(({ topic, text }) => `${topic}: ${text}`).join("\n");

  test("of a ScaledObject is told topic by topic, without a secret", async () => {
    const text = textOf(await explainText(jobs));
    expect(text.split("\n")).toEqual([
      "scales: Deployment default/consumer from 0 to 20 replicas; it is in none of these files",
      "on: postgresql: reads the first column of the first row of a query to PostgreSQL: SELECT COUNT(*) FROM jobs",
      "with: TriggerAuthentication login: connection from Secret db, key url (values are not shown)",
      "from zero: from 0 to 1 when postgresql reads more than 2; looked at every 30 s",
      "how many: postgresql / 5, rounded up; no change while that is within 10% of what runs, unless a tolerance says else",
      "up: at most to twice as many or 4, whichever is more, every 15 s (1, 4, 8, 16, …), since there is no behavior",
      "down: the highest need of the last 300 s counts; a need that came back within them also raises the count again",
      "to zero: to 0 when nothing was active for 30 s, from any number in one step, whatever behavior says; a new object that was never active goes there at the first look",
      "if it fails: after more than 3 failed readings in a row: 2",
    ]);
    expect(text).not.toContain("hush");
  });

  const meant = rows.filter(({ means }) => means !== undefined);
  test.each(meant.map((row) => [row.means ?? "", row] as const))("%s", async (text, row) => {
    const meaning = textOf(await explainText(documentsOf(row)));
    expect(meaning).toContain(text);
    expect(meaning).not.toMatch(/hush|undefined|null|NaN/);
  });
});

test("every type of trigger that is known has something to say of itself, whatever its metadata", async () => {
  const { triggerFacts } = await import("./trigger-facts.ts");
  for (const [type, facts] of Object.entries(triggerFacts)) {
    expect(facts.measures({}), type).not.toMatch(/undefined|null/);
    expect(["included", "excluded", "query", "unknown"]).toContain(facts.inFlight({}));
  }
});

test("positions are those of the lines that the remarks are about", async () => {
  const set: SpecSet = parseSpecs(
    "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: a}\nspec:\n  scaleTargetRef: {name: b}\n  minReplicaCount: 5\n  idleReplicaCount: 2\n  triggers: [{type: redis, metadata: {listName: jobs}}]",
    "test.yaml",
  );
  const [object] = set.scaledObjects;
  if (object === undefined) throw new Error("nothing scales");
  const { remarks } = explain({ set, object, resolutions: [] });
  expect(remarks.find(({ rule }) => rule === "idle-flaps")?.source.line).toBe(7);
});
