import { parse as parseYaml } from "yaml";
import { showValue } from "../../core/index.ts";
import { parseQuantity } from "../../specs/index.ts";
import { loadClient } from "../client.ts";
import { reasonOf, wrongAnswer } from "../failure.ts";
import { sourceNumber } from "../source-number.ts";
import { findSample, parseSelector } from "./exposition.ts";
import { valueAtPath } from "./gjson.ts";

/** How an answer is written. */
export const formats = ["json", "prometheus", "xml", "yaml"] as const;

/** One of {@link formats}. */
export type Format = (typeof formats)[number];

/** The number at a place of an answer. Rejects with a lasting failure that says what is there instead. */
export async function valueInAnswer(
  body: string,
  format: Format,
  location: string,
): Promise<number> {
  const found = await find(body, format, location).catch((error: unknown) => {
    throw error instanceof Error && error.name === "SluiceError"
      ? error
      : wrongAnswer(`the answer cannot be read as ${format}: ${reasonOf(error)}`, error);
  });
  const what = `what is at ${JSON.stringify(location)} of the answer`;
  if (found === undefined || found === null)
    throw wrongAnswer(`there is nothing at ${JSON.stringify(location)} of the answer`);
  if (typeof found !== "string" || format === "prometheus") return sourceNumber(found, what);
  const value = parseQuantity(found);
  if (value === null)
    throw wrongAnswer(`${what} is ${showValue(found)}; expected a number or a quantity such as 1k`);
  return sourceNumber(value, what);
}

async function find(body: string, format: Format, location: string): Promise<unknown> {
  switch (format) {
    case "json":
      return valueAtPath(JSON.parse(body), location);
    case "prometheus":
      return findSample(body, parseSelector(location));
    case "yaml":
      return valueAtKeys(parseYaml(body, { maxAliasCount: 100 }), location);
    case "xml":
      return valueAtKeys(await parseXml(body), location);
  }
}

/** Names and indexes between dots, as KEDA reads YAML: what is left when a plain value comes early does not matter. */
function valueAtKeys(root: unknown, location: string): unknown {
  let value = root;
  for (const key of location.split(".")) {
    if (typeof value !== "object" || value === null) return value;
    const members = value as Readonly<Record<string, unknown>>;
    value = Object.hasOwn(members, key) ? members[key] : undefined;
    if (value === undefined) return undefined;
  }
  return value;
}

interface FastXmlParserLike {
  readonly XMLParser: new (options: object) => { parse(text: string, validate: boolean): unknown };
}

/** Elements by name, several of one name as a list, attributes under `@name`; texts stay texts. */
async function parseXml(body: string): Promise<unknown> {
  const { XMLParser } = await loadClient<FastXmlParserLike>(
    "fast-xml-parser@^5.0",
    "reading XML",
    () => import("fast-xml-parser"),
  );
  const options = {
    ignoreAttributes: false,
    attributeNamePrefix: "@",
    parseTagValue: false,
    processEntities: false,
  };
  return new XMLParser(options).parse(body, true);
}
