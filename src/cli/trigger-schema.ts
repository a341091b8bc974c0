import { loadTriggerTypes, triggerItemRules } from "../triggers/index.ts";

type Schema = Readonly<Record<string, unknown>>;

/** The schema of KEDA's objects with what each type of trigger takes as its metadata, wherever it has triggers. */
export async function withTriggerMetadata(schema: Schema): Promise<Schema> {
  return fill(schema, triggerItemRules(await loadTriggerTypes())) as Schema;
}

function fill(part: unknown, allOf: readonly unknown[]): unknown {
  if (Array.isArray(part)) return part.map((item) => fill(item, allOf));
  if (typeof part !== "object" || part === null) return part;
  const filled = Object.entries(part).map(([name, value]) => [
    name,
    name === "triggers" && isList(value)
      ? { ...value, items: { ...value.items, allOf } }
      : fill(value, allOf),
  ]);
  return Object.fromEntries(filled);
}

function isList(schema: unknown): schema is { readonly items: Schema } {
  return typeof schema === "object" && schema !== null && "items" in schema;
}
