import {
  Document,
  isMap,
  isSeq,
  type ParsedNode,
  parseAllDocuments,
  stringify,
  type ToStringOptions,
  visit,
} from "yaml";
import type { TunedField } from "../simulator/index.ts";
import type { ScaledJob, ScaledObject } from "../specs/index.ts";

/** The text that an object was read from, and what is to change in it. */
export interface ToTune {
  readonly object: ScaledObject | ScaledJob;
  /** Of its whole file. */
  readonly text: string;
  readonly fields: readonly TunedField[];
}

/** The object's own text with the tuned fields in it, comments and all; from a list the object alone, without comments. */
export function tunedYaml({ object, text, fields }: ToTune): string {
  const document = documentOf(parseAllDocuments(text)[object.source.document - 1], object);
  for (const { path, value } of fields) {
    makeRoom(document, path);
    document.setIn(path, document.createNode(value));
  }
  return document.toString(styleOf(text)).trimEnd();
}

/** As the text is written: `{a: 1}` or `{ a: 1 }`, lists indented or not. */
function styleOf(text: string): ToStringOptions {
  return {
    lineWidth: 0,
    flowCollectionPadding: /[{[] /.test(text),
    indentSeq: !/^( *)[\w-]+:\n\1- /m.test(text),
  };
}

type Parsed = Document.Parsed<ParsedNode> | Document<ParsedNode> | undefined;

/** A document that is the object and that fields can be set in, which those behind an alias cannot. */
function documentOf(document: Parsed, { kind, metadata }: ToTune["object"]): Document {
  if (document === undefined) throw new RangeError("the object's document is not there");
  const items = document.get("items", true);
  const isList = document.get("kind") !== kind && isSeq(items);
  if (!isList && !hasAlias(document)) return document;
  const whole = document.toJS() as { readonly items?: readonly (typeof metadata)[] };
  return new Document(isList ? whole.items?.find((item) => isObject(item, kind, metadata)) : whole);
}

function isObject(item: unknown, kind: string, { name, namespace }: ScaledObject["metadata"]) {
  const object = item as { readonly kind?: unknown; readonly metadata?: Partial<typeof own> };
  const own = { name, namespace };
  const { metadata = {} } = object;
  return (
    object.kind === kind &&
    metadata.name === name &&
    (metadata.namespace ?? "default") === namespace
  );
}

function hasAlias(document: Document | Document.Parsed): boolean {
  let found = false;
  visit(document, {
    Alias: () => {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

/** A key without a value, such as `advanced:`, is no place to set something in. */
function makeRoom(document: Document, path: TunedField["path"]): void {
  for (let depth = 1; depth < path.length; depth += 1) {
    const upTo = path.slice(0, depth);
    const node = document.getIn(upTo, true);
    if (node === undefined) return;
    if (!isMap(node) && !isSeq(node)) document.deleteIn(upTo);
  }
}

/** The `scale` of a worker. */
export function scaleYaml(scale: unknown): string {
  return stringify({ scale }).trimEnd();
}
