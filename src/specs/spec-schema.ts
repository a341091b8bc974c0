import type { JsonSchema } from "./field.ts";
import { kindReaders } from "./kinds.ts";

/** The kinds whose schema is Sluice's to tell: of Kubernetes' own it reads a part alone. */
export const schemaKinds = [
  "ScaledObject",
  "ScaledJob",
  "TriggerAuthentication",
  "ClusterTriggerAuthentication",
] as const;

/** One of {@link schemaKinds}. */
export type SchemaKind = (typeof schemaKinds)[number];

const draft = "http://json-schema.org/draft-07/schema#";

/** The JSON Schema (draft 7) of a kind, from the very declaration by which it is read. */
export function specSchema(kind: SchemaKind): JsonSchema {
  return { $schema: draft, title: kind, ...kindReaders[kind].schema };
}

/** One schema for files that mix kinds: each document is checked by its own `kind`, and others are let pass. */
export function mixedSchema(): JsonSchema {
  return {
    $schema: draft,
    title: "KEDA's objects",
    type: "object",
    allOf: schemaKinds.map((kind) => ({
      if: { required: ["kind"], properties: { kind: { const: kind } } },
      // biome-ignore lint/suspicious/noThenProperty: JSON Schema's own word
      then: kindReaders[kind].schema,
    })),
  };
}
