import { type LinePosition, loadError } from "./load-error.ts";

/** One line of a table: its cells, and where it stands. */
export interface CsvRow {
  readonly cells: readonly string[];
  readonly line: number;
}

/** A table that is read line by line, so that it may be larger than memory. */
export interface CsvTable {
  readonly file: string;
  readonly header: readonly string[];
  /** What stands between cells. */
  readonly separator: string;
  readonly rows: AsyncIterable<CsvRow>;
}

/**
 * A table with a header, with commas, semicolons or tabs. Cells may stand in quotes; a line break within a cell is not
 * understood. Throws `LOAD_INVALID` for a text without a header.
 */
export async function readCsv(lines: AsyncIterable<string>, file: string): Promise<CsvTable> {
  const iterator = lines[Symbol.asyncIterator]();
  let line = 0;
  for (;;) {
    const { value, done } = await iterator.next();
    if (done)
      throw loadError(
        { file, line: Math.max(1, line) },
        "a load must begin with a header such as time,duration; the file is empty.",
      );
    line += 1;
    if (value.trim() === "") continue;
    const text = value.replace(/^\uFEFF/, "");
    const unquoted = text.replaceAll(/"[^"]*"/g, "");
    const separator = [",", ";", "\t"].find((one) => unquoted.includes(one)) ?? ",";
    const header = headerOf(text, { separator, file, line });
    const rest = { next: () => iterator.next() };
    return { file, header, separator, rows: rowsOf(rest, header, { separator, file, line }) };
  }
}

/** How a line is taken apart, and where it stands. */
interface LineForm extends LinePosition {
  readonly separator: string;
}

function headerOf(text: string, form: LineForm): readonly string[] {
  const header = splitLine(text, form);
  const twice = header.find((name, place) => name !== "" && header.indexOf(name) < place);
  if (twice === undefined) return header;
  throw loadError(form, `columns must have names of their own; ${shown([twice])} is there twice.`);
}

const longestShown = 120;

/** Names of columns for a message: a file that is no table may hold anything. */
export function shown(names: readonly string[]): string {
  const text = names.join(", ").replaceAll(/[^\x20-\x7e\u00a0-\uffef]/g, "\ufffd");
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}

async function* rowsOf(
  iterator: Pick<AsyncIterator<string>, "next">,
  header: readonly string[],
  { separator, file, line: headerLine }: LineForm,
): AsyncGenerator<CsvRow> {
  for (let line = headerLine + 1; ; line += 1) {
    const { value, done } = await iterator.next();
    if (done) return;
    if (value.trim() === "") continue;
    const cells = splitLine(value, { separator, file, line });
    if (cells.length > header.length && cells.slice(header.length).some((cell) => cell !== ""))
      throw loadError(
        { file, line },
        `a line must have no more cells than the header, ${header.length}; this one has ${cells.length}. Put cells that hold the separator in quotes.`,
      );
    yield { cells, line };
  }
}

function splitLine(text: string, { separator, ...position }: LineForm): readonly string[] {
  if (!text.includes('"')) return text.split(separator).map((cell) => cell.trim());
  const cells: string[] = [];
  let cell = "";
  let isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character === '"' && isQuoted && text.charAt(at + 1) === '"') {
      cell += '"';
      at += 1;
    } else if (character === '"') isQuoted = !isQuoted;
    else if (character === separator && !isQuoted) {
      cells.push(cell.trim());
      cell = "";
    } else cell += character;
  }
  if (isQuoted)
    throw loadError(
      position,
      'a quote (") must be closed on its line; a cell cannot hold a line break.',
    );
  return [...cells, cell.trim()];
}

/**
 * The place of a column: the one that is asked for, or the first of those names that are usual. Letter case does not
 * matter. Throws `LOAD_INVALID` when there is none, or null where it may be missing.
 */
export function findColumn(
  { header, file }: CsvTable,
  wanted: { readonly asked: string | undefined; readonly usual: readonly string[] },
): number | null {
  const { asked, usual } = wanted;
  const lower = header.map((name) => name.toLowerCase());
  const names = asked === undefined ? usual : [asked.toLowerCase()];
  const found = names.map((name) => lower.indexOf(name)).find((place) => place >= 0);
  if (found !== undefined) return found;
  if (asked === undefined) return null;
  throw loadError(
    { file, line: 1 },
    `there must be a column ${asked}; there are ${shown(header)}.`,
  );
}

/** Beyond this a microsecond is no longer exact. */
export const longestSeconds: number = Number.MAX_SAFE_INTEGER / 1e6;

const dated = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.(\d+))?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * A time as microseconds: a number of seconds, or a date with a time (UTC unless it says otherwise), kept to the
 * microsecond. Null for anything else.
 */
export function parseTimeUs(text: string): number | null {
  if (text === "") return null;
  const seconds = Number(text);
  if (Math.abs(seconds) <= longestSeconds) return Math.round(seconds * 1e6);
  const [whole, fraction = "", zone] = dated.exec(text) ?? [];
  if (whole === undefined) return null;
  const upToSeconds = fraction === "" ? text : text.replace(`.${fraction}`, "");
  const ms = Date.parse(
    `${upToSeconds.replace(" ", "T")}${zone === undefined && text.includes(":") ? "Z" : ""}`,
  );
  return Number.isNaN(ms) ? null : ms * 1000 + Number(fraction.padEnd(6, "0").slice(0, 6));
}
