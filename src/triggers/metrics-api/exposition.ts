/** Prometheus's text format (https://prometheus.io/docs/instrumenting/exposition_formats/), as far as one value is wanted. */

/** A selector such as `jobs{queue="mail"}`. */
export interface Selector {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
}

const label = /\s*([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)/gy;

/** Throws an `Error` that says what was expected. KEDA compares labels for equality alone. */
export function parseSelector(text: string): Selector {
  const [, name, inner = ""] = /^\s*([a-zA-Z_:][\w:]*)\s*(?:\{(.*)\})?\s*$/s.exec(text) ?? [];
  const labels = parseLabels(inner);
  if (name === undefined || labels === null)
    throw new Error('a metric such as jobs or jobs{queue="mail"}');
  return { name, labels };
}

function parseLabels(text: string): ReadonlyMap<string, string> | null {
  const found = [...text.matchAll(label)];
  const length = found.reduce((sum, [whole]) => sum + whole.length, 0);
  if (length !== text.length && text.slice(length).trim() !== "") return null;
  return new Map(found.map(([, name = "", value = ""]) => [name, plain(value)]));
}

function plain(text: string): string {
  return text.replaceAll(/\\(.)/g, (_, letter: string) => (letter === "n" ? "\n" : letter));
}

const sample = /^([a-zA-Z_:][\w:]*)\s*(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/;
const typeLine = /^#\s*TYPE\s+(\S+)\s+(?:histogram|summary)/;

/**
 * The text of the value of the first sample that fits; null when there is none. Histograms and summaries are not looked at,
 * as KEDA does not. Throws an `Error` that names the line which is not of this format.
 */
export function findSample(body: string, selector: Selector): string | null {
  const composed = new Set<string>();
  for (const [index, raw] of body.split("\n").entries()) {
    const line = raw.trim();
    const [, family] = typeLine.exec(line) ?? [];
    if (family !== undefined) composed.add(family);
    if (line === "" || line.startsWith("#")) continue;
    const [, name = "", inner = "", value = ""] = sample.exec(line) ?? [];
    const labels = parseLabels(inner);
    if (name === "" || labels === null)
      throw new Error(`line ${index + 1} is not in the text format`);
    if (name === selector.name && fits(labels, selector) && !isComposed(name, composed))
      return value;
  }
  return null;
}

function fits(labels: ReadonlyMap<string, string>, selector: Selector): boolean {
  return [...selector.labels].every(([key, wanted]) => labels.get(key) === wanted);
}

function isComposed(name: string, composed: ReadonlySet<string>): boolean {
  return composed.has(name) || composed.has(name.replace(/_(?:bucket|sum|count)$/, ""));
}
