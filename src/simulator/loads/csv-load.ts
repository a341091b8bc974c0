import { basename } from "node:path";
import { SluiceError } from "../../core/index.ts";
import { constant, type Distribution, describeDistribution, sampler } from "../distribution.ts";
import { randomStream } from "../random.ts";
import { growing } from "./arrivals.ts";
import {
  type CsvRow,
  type CsvTable,
  findColumn,
  longestSeconds,
  parseTimeUs,
  shown,
} from "./csv.ts";
import { createLoad, type Load } from "./load.ts";
import { loadError, mostJobs, tooManyJobs } from "./load-error.ts";

/** How the columns of a file of arrivals or counts are understood. */
export interface CsvLoadOptions {
  /** Default: `time`, `timestamp`, `t`, `arrival` or `date`. */
  readonly timeColumn?: string;
  /** Default: `duration`, `service`, `seconds` or `runtime`. */
  readonly durationColumn?: string;
  /** What 1 in the column of durations stands for. Default 1 s. */
  readonly durationUnitMs?: number;
  /** Makes it a file of counts. Default: `count`, `value`, `requests` or `jobs`, where there is no column of durations. */
  readonly countColumn?: string;
  /** How long jobs take where the file does not say. */
  readonly service?: Distribution;
  /** Multiplies counts, with a random remainder. Default 1. */
  readonly scale?: number;
  /** What a missing bin of counts means. Default: an error. */
  readonly gaps?: "error" | "zero";
  /** Only what arrives from here until before there, counted from the first line. */
  readonly fromMs?: number;
  readonly untilMs?: number;
  /** For what is drawn: places within a bin, service times. Default 1. */
  readonly seed?: number;
}

const usualTimes = ["time", "timestamp", "t", "arrival", "date", "datetime"];
const usualDurations = ["duration", "service", "seconds", "runtime"];
const usualCounts = ["count", "value", "requests", "jobs"];

/** A file of arrivals, or of counts per bin. Throws `LOAD_INVALID` with the line. */
export async function readCsvLoad(table: CsvTable, options: CsvLoadOptions): Promise<Load> {
  const time = findColumn(table, { asked: options.timeColumn, usual: usualTimes });
  if (time === null) throw missing(table, "of times", usualTimes, "--time-column");
  const duration = findColumn(table, { asked: options.durationColumn, usual: usualDurations });
  const isAsked = options.countColumn !== undefined;
  const count =
    duration !== null && !isAsked
      ? null
      : findColumn(table, { asked: options.countColumn, usual: usualCounts });
  if (duration === null && options.service === undefined)
    throw missing(table, "of durations", usualDurations, "--duration-column, or say --service 1s");
  if (count === null) refuseScale(options, table.file);
  return count === null
    ? readArrivals(table, options, { time, duration })
    : readCounts(table, options, { time, count });
}

/** Only counts can be multiplied. Throws `OPTION_INVALID`. */
export function refuseScale({ scale = 1 }: CsvLoadOptions, name: string): void {
  if (scale === 1) return;
  throw new SluiceError(
    "OPTION_INVALID",
    `--scale multiplies counts per bin, and ${name} has none. Leave it out.`,
  );
}

function missing(table: CsvTable, what: string, usual: readonly string[], option: string): Error {
  return loadError(
    { file: table.file, line: 1 },
    `there must be a column ${what}, such as ${usual.slice(0, 3).join(", ")}; there are ${shown(table.header)}. Name it with ${option}.`,
  );
}

interface ArrivalColumns {
  readonly time: number;
  readonly duration: number | null;
}

async function readArrivals(
  table: CsvTable,
  options: CsvLoadOptions,
  columns: ArrivalColumns,
): Promise<Load> {
  const { file } = table;
  const arrivals = growing();
  const services = growing();
  const clock = new LineClock(table, options);
  const serviceUs = serviceReader(table, options, columns.duration);
  let count = 0;
  for await (const row of table.rows) {
    const at = clock.read(row, columns.time);
    if (clock.isOver(at)) break;
    const service = serviceUs(row);
    if (!clock.isWanted(at)) continue;
    count += 1;
    if (count > mostJobs) throw tooManyJobs({ file, line: row.line });
    arrivals.push(at - clock.fromUs);
    services.push(service);
  }
  if (count === 0) throw clock.nothing();
  return createLoad({
    name: basename(file),
    ...{ arrivalUs: arrivals.take(), serviceUs: services.take() },
    ...{ spanUs: clock.spanUs, originMs: clock.originMs },
    notes: columns.duration === null ? serviceNote(options) : [],
  });
}

/** How long the job of a row takes: as its cell says, or drawn. */
function serviceReader(
  table: CsvTable,
  options: CsvLoadOptions,
  column: number | null,
): (row: CsvRow) => number {
  const { service = constant(0), seed = 1, durationUnitMs = 1000 } = options;
  if (column === null) return sampler(service, randomStream(seed, "services"));
  return (row) => {
    const us = Math.round(cellNumber(table, row, column) * durationUnitMs * 1000);
    if (Number.isSafeInteger(us)) return us;
    throw loadError(
      { file: table.file, line: row.line },
      `${table.header[column]} must be at most ${Math.floor(longestSeconds)} s; got ${row.cells[column]}.`,
    );
  };
}

const decimalComma = /^\d+,\d+$/;

/** A cell that must hold a number from 0. */
function cellNumber(table: CsvTable, { cells, line }: CsvRow, column: number): number {
  const { file, header } = table;
  const text = cells[column] ?? "";
  const value = text === "" ? Number.NaN : Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  const cure = decimalComma.test(text) ? ` Write ${text.replace(",", ".")}.` : "";
  throw loadError(
    { file, line },
    `${header[column]} must be a number from 0; got ${JSON.stringify(text.slice(0, 40))}.${cure}`,
  );
}

interface CountColumns {
  readonly time: number;
  readonly count: number;
}

/** The bins of a file of counts, each with the time at which it begins. */
async function readBins(table: CsvTable, options: CsvLoadOptions, columns: CountColumns) {
  const starts = growing();
  const counts = growing();
  const clock = new LineClock(table, options);
  const random = randomStream(options.seed ?? 1, "scale");
  const bins = new BinWidth(table, options.gaps ?? "error");
  const scale = options.scale ?? 1;
  let total = 0;
  for await (const row of table.rows) {
    const at = clock.read(row, columns.time);
    bins.note(at, row.line);
    if (clock.isOver(at)) break;
    if (!clock.isWanted(at)) continue;
    const jobs = cellNumber(table, row, columns.count) * scale;
    const whole = Math.floor(jobs + (Number.isInteger(jobs) ? 0 : random()));
    total += whole;
    if (total > mostJobs) throw tooManyJobs({ file: table.file, line: row.line });
    starts.push(at - clock.fromUs);
    counts.push(whole);
  }
  if (bins.widthUs === null)
    throw clock.nothing("at least two bins (their distance is their width)");
  return { starts: starts.take(), counts: counts.take(), clock, widthUs: bins.widthUs, total };
}

async function readCounts(
  table: CsvTable,
  options: CsvLoadOptions,
  columns: CountColumns,
): Promise<Load> {
  const { starts, counts, clock, widthUs, total } = await readBins(table, options, columns);
  const seed = options.seed ?? 1;
  const service = options.service ?? constant(0);
  const arrivalUs = expandCounts({ starts, counts, widthUs, total }, seed);
  const draw = sampler(service, randomStream(seed, "services"));
  const serviceUs = new Float64Array(total);
  for (let job = 0; job < total; job += 1) serviceUs[job] = draw();
  const spanUs = (starts.at(-1) ?? 0) + widthUs;
  const note = `counts per ${widthUs / 1e6} s became arrivals at random within their bin, with seed ${seed}`;
  const notes = [note, ...serviceNote(options)];
  return createLoad({
    name: basename(table.file),
    arrivalUs,
    serviceUs,
    spanUs,
    originMs: clock.originMs,
    notes,
  });
}

/** Jobs of each bin at independent uniform times within it, which is what Poisson arrivals of a known count are. */
export function expandCounts(
  bins: {
    readonly starts: Float64Array;
    readonly counts: Float64Array;
    readonly widthUs: number;
    readonly total: number;
  },
  seed: number,
): Float64Array {
  const random = randomStream(seed, "arrivals");
  const arrivals = new Float64Array(bins.total);
  let job = 0;
  for (let bin = 0; bin < bins.starts.length; bin += 1) {
    const first = job;
    const start = bins.starts[bin] as number;
    for (const last = job + (bins.counts[bin] as number); job < last; job += 1)
      arrivals[job] = start + Math.floor(random() * bins.widthUs);
    if (job - first > 1) arrivals.subarray(first, job).sort();
  }
  return arrivals;
}

function serviceNote({ service, seed }: CsvLoadOptions): readonly string[] {
  return service === undefined
    ? []
    : [`service times were drawn (${describeDistribution(service)}), with seed ${seed ?? 1}`];
}

/** Times of a file as microseconds from its first line, ascending. */
class LineClock {
  readonly #table: CsvTable;
  readonly fromUs: number;
  readonly #untilUs: number;
  #firstUs: number | null = null;
  /** Whether the file has dates; the first line says. */
  #isDated = false;
  #last = 0;

  constructor(table: CsvTable, { fromMs = 0, untilMs = Number.POSITIVE_INFINITY }: CsvLoadOptions) {
    this.#table = table;
    this.fromUs = fromMs * 1000;
    this.#untilUs = untilMs * 1000;
  }

  read({ cells, line }: CsvRow, column: number): number {
    const text = cells[column] ?? "";
    const position = { file: this.#table.file, line };
    const name = this.#table.header[column];
    const time = parseTimeUs(text);
    if (time === null || time < 0)
      throw loadError(
        position,
        `${name} must be seconds from 0, or a date such as 2026-11-22 08:00:00; got ${JSON.stringify(text.slice(0, 40))}.${Number(text) > longestSeconds ? " Divide milliseconds by 1000." : ""}`,
      );
    const isDate = Number.isNaN(Number(text));
    if (this.#firstUs === null) {
      this.#isDated = isDate;
      // Seconds count from the beginning of the load; dates, and seconds since 1970, from the first line.
      this.#firstUs = time >= 1e9 * 1e6 || isDate ? time : 0;
    }
    if (isDate !== this.#isDated)
      throw loadError(
        position,
        `${name} must be ${this.#isDated ? "a date" : "seconds"} as in the lines above; got ${text}. Write all times the same way.`,
      );
    const at = time - this.#firstUs;
    if (at < this.#last)
      throw loadError(
        position,
        `${name} must not be before that of the line above; got ${text}. Sort the file by ${name}.`,
      );
    this.#last = at;
    return at;
  }

  isWanted(at: number): boolean {
    return at >= this.fromUs;
  }

  /** Whether this and all that follows is left out: the rest of the file need not be read. */
  isOver(at: number): boolean {
    return at >= this.#untilUs;
  }

  /** From the beginning of what is wanted to its end. */
  get spanUs(): number {
    return Math.min(this.#last, this.#untilUs) - this.fromUs;
  }

  get originMs(): number {
    return ((this.#firstUs ?? 0) + this.fromUs) / 1000;
  }

  nothing(expected = "at least one job"): Error {
    const isCut = this.fromUs > 0 || Number.isFinite(this.#untilUs);
    const where = isCut ? " between --from and --until" : " after the header";
    return loadError(
      { file: this.#table.file, line: 1 },
      `a load must have ${expected}${where}; this one has not.`,
    );
  }
}

/** Learns the width of bins from the first two, and holds the others to it. */
class BinWidth {
  readonly #table: CsvTable;
  readonly #gaps: "error" | "zero";
  #last: number | null = null;
  widthUs: number | null = null;

  constructor(table: CsvTable, gaps: "error" | "zero") {
    this.#table = table;
    this.#gaps = gaps;
  }

  note(at: number, line: number): void {
    const step = this.#last === null ? null : at - this.#last;
    this.#last = at;
    if (step === null) return;
    const position = { file: this.#table.file, line };
    if (step === 0) throw loadError(position, "this bin was there already. Add the counts up.");
    this.widthUs ??= step;
    if (step === this.widthUs) return;
    const found = `bins of ${this.widthUs / 1e6} s must follow each other; this one comes ${step / 1e6} s after the line above`;
    if (step % this.widthUs !== 0) throw loadError(position, `${found}. Give all bins one width.`);
    if (this.#gaps === "error")
      throw loadError(position, `${found}. Where missing bins mean no jobs, say --gaps zero.`);
  }
}
