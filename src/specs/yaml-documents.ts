import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type ScalarTag,
  type Tags,
} from "yaml";
import type { Path } from "./field.ts";

/** One document of a file, as plain values. */
export interface YamlDocument {
  /** Its place in the file, from 1. */
  readonly number: number;
  readonly value: unknown;
  /** The line, from 1, of the value at a path, or of the nearest value above it. */
  lineOf(path: Path): number;
}

/** Text that is no YAML, and where. */
export interface YamlTrouble {
  readonly document: number;
  readonly line: number;
  readonly message: string;
}

/** What a text holds. A document with trouble is not among the documents. */
export interface YamlText {
  readonly documents: readonly YamlDocument[];
  readonly troubles: readonly YamlTrouble[];
}

/** The truth values of YAML 1.1, since Kubernetes' own decoder takes them: an unquoted `yes` is no text. */
const truth: ScalarTag = {
  tag: "tag:yaml.org,2002:bool",
  default: true,
  identify: (value) => typeof value === "boolean",
  test: /^(?:true|True|TRUE|yes|Yes|YES|on|On|ON|false|False|FALSE|no|No|NO|off|Off|OFF)$/,
  resolve: (text) => /^(?:t|y|on)/i.test(text),
};

function withTruth(tags: Tags): Tags {
  return [truth, ...tags.filter((tag) => typeof tag === "string" || tag.tag !== truth.tag)];
}

/** Reads all documents of a text, YAML or JSON. Never throws. Empty documents are left out. */
export function readYaml(text: string): YamlText {
  const lines = new LineCounter();
  const parsed = parse(text, lines);
  if (parsed instanceof Error)
    return { documents: [], troubles: [{ document: 1, line: 1, message: unreadable(parsed) }] };
  const documents: YamlDocument[] = [];
  const troubles: YamlTrouble[] = [];
  for (const [index, document] of parsed.entries()) {
    const number = index + 1;
    const lineOf = (path: Path): number => lines.linePos(offsetOf(document, path)).line || 1;
    const value = document.errors.length > 0 ? null : toPlain(document);
    for (const { message, pos } of document.errors)
      troubles.push({
        document: number,
        line: lines.linePos(pos[0]).line || 1,
        message: withoutText(message),
      });
    if (value instanceof Error)
      troubles.push({ document: number, line: lineOf([]), message: unreadable(value) });
    else if (value !== null) documents.push({ number, value, lineOf });
  }
  return { documents, troubles };
}

function parse(text: string, lineCounter: LineCounter): readonly Document.Parsed[] | Error {
  try {
    const documents = parseAllDocuments(text, {
      lineCounter,
      customTags: withTruth,
      merge: true,
      // Pretty errors quote the line, which may hold a secret.
      prettyErrors: false,
      logLevel: "silent",
    });
    return Array.isArray(documents) ? documents : [];
  } catch (error) {
    return asError(error); // such as a RangeError for thousands of nested lists
  }
}

/** Plain values, or why not: an alias that multiplies without end, an alias of nothing. */
function toPlain(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return asError(error);
  }
}

function unreadable(error: Error): string {
  const isDeep = error instanceof RangeError;
  return `cannot be read: ${isDeep ? "it is nested too deeply" : withoutText(error.message)}.`;
}

/** What the parser says, without the piece of the text that it quotes after a colon, which may be of a secret. */
function withoutText(message: string): string {
  return message.split(": ")[0] ?? "";
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Where in the text the deepest value stands that the path leads to. */
function offsetOf(document: Document.Parsed, path: Path): number {
  let offset = startOf(document.contents) ?? document.range[0];
  let node: unknown = document.contents;
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
      if (pair === undefined) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof key === "number") {
      node = node.items[key];
      offset = startOf(node) ?? offset;
    } else return offset;
  }
  return offset;
}

function startOf(node: unknown): number | null {
  return isNode(node) && node.range ? node.range[0] : null;
}
