import { readFile } from "node:fs/promises";
import { isMap, parseAllDocuments, stringify } from "yaml";
import type { TunedField } from "../simulator/index.ts";
import type { ScaledObject } from "../specs/index.ts";

/** The object's own text with the tuned fields in it, comments and all; the fields alone where it stands in a list. */
export async function tunedYaml(
  object: ScaledObject,
  fields: readonly TunedField[],
): Promise<string> {
  const { file, document: place } = object.source;
  const text = file === "-" ? "" : await readFile(file, "utf8");
  const document = parseAllDocuments(text)[place - 1];
  const isOwn = document !== undefined && "setIn" in document && isMap(document.contents);
  if (!isOwn || document.get("kind") !== "ScaledObject") return fieldsAlone(object, fields);
  for (const { path, value } of fields)
    document.setIn(["spec", ...path], document.createNode(value));
  return document.toString().trimEnd();
}

function fieldsAlone({ metadata }: ScaledObject, fields: readonly TunedField[]): string {
  const lines = fields.map(({ path, value }) =>
    stringify({ [`spec.${path.join(".")}`]: value }).trimEnd(),
  );
  return [`# ScaledObject ${metadata.name}`, ...lines].join("\n");
}

/** The `scale` of a worker. */
export function scaleYaml(scale: unknown): string {
  return stringify({ scale }).trimEnd();
}
