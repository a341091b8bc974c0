/**
 * Renders what the types of trigger declare about themselves into docs/6-reference/triggers.md, between the markers. Run
 * it after a change of a declaration: `npm run triggers`. test/triggers/documents.test.ts fails while it differs.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadTriggerTypes, type MetadataKey, type TriggerType } from "../src/triggers/index.ts";

const path = join(import.meta.dirname, "../docs/6-reference/triggers.md");
const markers = /^(.*<!-- triggers:start -->\n).*(<!-- triggers:end -->.*)$/s;

/** The page as it is and as it should be. */
export async function triggerReference(): Promise<{
  readonly present: string;
  readonly wanted: string;
}> {
  const present = readFileSync(path, "utf8");
  const [, before, after] = markers.exec(present) ?? [];
  if (before === undefined || after === undefined) throw new Error(`${path} lacks its markers`);
  const types = await loadTriggerTypes();
  return { present, wanted: `${before}\n${render(types)}\n\n${after}` };
}

function render(types: readonly TriggerType[]): string {
  const overview = types.map(({ type, measures, countsInFlight }) => [
    `[${type}](#${type})`,
    measures,
    countsInFlight,
  ]);
  return [
    table([["type", "value", "messages that a worker holds count"], ...overview]),
    ...types.map(renderType),
  ].join("\n\n");
}

function renderType(type: TriggerType): string {
  const rows = Object.entries(type.keys).map(([name, key]) => [
    [name, ...key.aliases].map((one) => `\`${one}\``).join(", "),
    [...key.from].join(", "),
    key.kind,
    defaultOf(key),
    says(key),
  ]);
  const anyKey = type.takesAnyKey ? "\n\nAll other metadata goes to the source as it is." : "";
  return `## ${type.type}\n\n${type.measures}.\n\n${table([["key", "from", "kind", "default", ""], ...rows])}${anyKey}`;
}

function defaultOf({ isRequired, fallback, removed }: MetadataKey<unknown>): string {
  if (removed !== null) return "gone";
  if (isRequired) return "required";
  return fallback === null ? "" : `\`${fallback}\``;
}

function says({ says: sentence, choices }: MetadataKey<unknown>): string {
  const list = choices === null ? "" : choices.map((one) => `\`${one}\``).join(", ");
  return [sentence, list].filter((part) => part !== "").join(": ");
}

function table(rows: readonly (readonly string[])[]): string {
  const [head = [], ...body] = rows;
  return [head, head.map(() => "---"), ...body]
    .map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`)
    .join("\n");
}

if (process.argv[1] === import.meta.filename) {
  const { present, wanted } = await triggerReference();
  if (present !== wanted) {
    writeFileSync(path, wanted);
    console.log("wrote docs/6-reference/triggers.md");
  }
}
