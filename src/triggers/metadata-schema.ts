import type { MetadataKey } from "./metadata-key.ts";
import type { TriggerType } from "./trigger-type.ts";

/** A part of a JSON Schema. */
type Schema = Readonly<Record<string, unknown>>;

/** The form of a text by the kind of its key; a blank one is as good as none. */
const patterns: Readonly<Record<string, string>> = {
  integer: "^\\s*(-?(0|[1-9]\\d*))?\\s*$",
  number: "^\\s*(-?(0|[1-9]\\d*)(\\.\\d+)?([eE][+-]?\\d+)?)?\\s*$",
  "yes or no": "^\\s*(1|t|T|TRUE|true|True|0|f|F|FALSE|false|False)?\\s*$",
  duration: "^\\s*(\\d+|((\\d+\\.?\\d*|\\.\\d+)(ns|us|µs|μs|ms|s|m|h))+)?\\s*$",
};

/** The JSON Schema (draft 7) of a type's `metadata`. Keys that it does not know pass, as they do when it is read. */
export function metadataSchema(type: TriggerType): Schema {
  const entries = Object.entries(type.keys);
  const required = entries
    .filter(([, { isRequired, from, aliases }]) => isRequired && from === "M" && !aliases.length)
    .map(([name]) => name);
  return {
    type: "object",
    description: `${type.measures}.`,
    properties: Object.fromEntries(entries.flatMap(([name, key]) => propertiesOf(name, key))),
    ...(required.length > 0 && { required }),
    additionalProperties: { type: "string" },
  };
}

function propertiesOf(name: string, key: MetadataKey<unknown>): readonly [string, Schema][] {
  if (key.removed !== null) return [[name, { not: {}, description: `Gone: ${key.removed}.` }]];
  const pattern = patterns[key.kind];
  const schema: Schema = {
    type: "string",
    ...(key.says !== "" && { description: `${key.says}.` }),
    ...(key.fallback !== null && { default: key.fallback }),
    ...(key.choices !== null && key.kind !== "list" && { enum: key.choices }),
    ...(pattern !== undefined && { pattern }),
  };
  const variable: Schema = {
    type: "string",
    description: `The variable of the target's container that has ${name}.`,
  };
  return [name, ...key.aliases].flatMap((one): [string, Schema][] => [
    ...(key.from.includes("M") ? [[one, schema] satisfies [string, Schema]] : []),
    ...(key.from.includes("E") ? [[`${one}FromEnv`, variable] satisfies [string, Schema]] : []),
  ]);
}

/** For the items of `triggers`: what each type's `metadata` may be. */
export function triggerItemRules(types: readonly TriggerType[]): readonly Schema[] {
  return types.map((type) => ({
    if: { properties: { type: { const: type.type } } },
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema's own word
    then: { properties: { metadata: metadataSchema(type) } },
  }));
}
