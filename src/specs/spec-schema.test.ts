/** The JSON Schema says what the reader says: both come from one declaration. */
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import {
  authentication,
  data,
  read,
  scaledJob,
  scaledObject,
  trigger,
} from "./fixtures/samples.ts";
import { mixedSchema, type SchemaKind, schemaKinds, specSchema } from "./spec-schema.ts";

const ajv = new Ajv({ allErrors: true, strict: true, strictTypes: false, strictRequired: false });

describe("the schema of", () => {
  test.each(schemaKinds)("%s is a schema, and closed to keys that it does not know", (kind) => {
    const schema = specSchema(kind);
    expect(ajv.validateSchema(schema)).toBe(true);
    expect(schema).toMatchObject({ title: kind, additionalProperties: false });
  });
});

type Tree = Readonly<Record<string, unknown>>;

interface Row {
  readonly passes?: string;
  readonly refuses?: string;
  readonly spec: Tree;
  readonly schema?: "cannot tell";
}

const tables: readonly (readonly [file: string, kind: SchemaKind, whole: (spec: Tree) => Tree])[] =
  [
    ["scaled-object.yaml", "ScaledObject", scaledObject],
    ["scaled-job.yaml", "ScaledJob", scaledJob],
    ["authentication.yaml", "TriggerAuthentication", authentication],
  ];

/** Kubernetes takes null and an empty text for "not given"; a schema for editors has no need to. */
const isOddlyAbsent = (spec: unknown): boolean => /:null|:""/.test(JSON.stringify(spec));

describe.each(tables)("the rows of %s", (file, kind, whole) => {
  const rows: readonly Row[] = parse(
    readFileSync(new URL(`fixtures/${file}`, import.meta.url), "utf8"),
  );
  const accepted = rows.filter(({ passes, spec }) => passes !== undefined && !isOddlyAbsent(spec));
  const validate = ajv.compile(specSchema(kind));

  test.each(accepted.map(({ passes, spec }) => [passes, spec]))("pass: %s", (_, spec) => {
    validate(whole(spec));
    expect(validate.errors).toBeNull();
  });

  test("are refused, but for rules between fields, which a schema cannot tell", () => {
    const overlooked = rows
      .filter(({ refuses, spec }) => refuses !== undefined && validate(whole(spec)))
      .map(({ refuses }) => refuses);
    const known = rows.filter(({ schema }) => schema === "cannot tell");
    expect(overlooked).toEqual(known.map(({ refuses }) => refuses));
  });
});

test("the schema knows Sluice's annotations, and lets others pass", () => {
  const validate = ajv.compile(specSchema("ScaledObject"));
  const annotated = (annotations: Tree) => validate(scaledObject({}, { annotations }));
  expect(annotated({ "sluice.dev/shared-cap": "gpu=10", "example.com/team": "mail" })).toBe(true);
  expect(annotated({ "sluice.dev/shared-cap": "gpu" })).toBe(false);
  expect(annotated({ "sluice.dev/objective": 30 })).toBe(false);
});

test("the schema of mixed files checks each document by its kind, and lets others pass", () => {
  const validate = ajv.compile(mixedSchema());
  expect(validate(scaledObject())).toBe(true);
  expect(validate(scaledObject({ minReplicaCount: "1" }))).toBe(false);
  expect(validate(scaledJob({ triggers: [trigger({ metadata: { a: 1 } })] }))).toBe(false);
  expect(validate({ kind: "Service", anything: 1 })).toBe(true);
});

test("a document that the schema accepts and no rule between fields concerns is read", () => {
  const validate = ajv.compile(mixedSchema());
  const documents = [scaledObject(), scaledJob(), authentication({}), data("Secret", "s", {})];
  expect(documents.every((one) => validate(one))).toBe(true);
  expect(() => read(...documents)).not.toThrow();
});
