/** The figures of a bench as a table, or as JSON. Ratios say more than figures, which are the machine's. */
import { summary } from "./measure.ts";
import type { Series } from "./scenarios.ts";

/** Name of the contender that all others are compared with. */
export const ours = "sluice";

/** One line of the report. */
export interface Result {
  readonly scenario: string;
  readonly unit: string;
  readonly contender: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** How many times better we are: median and range of the ratios of the single rounds. Absent for ourselves, and of zeros. */
  readonly ratio?: { readonly median: number; readonly min: number; readonly max: number };
}

/** The figures of all rounds, put together. */
export function toResults(all: readonly Series[]): readonly Result[] {
  return all.map((series) => {
    const { scenario, unit, contender, figures } = series;
    const { median, min, max } = summary(contender, figures);
    const base = { scenario, unit, contender, median, min, max };
    const own = all.find((other) => other.contender === ours && isSameScenario(other, series));
    if (own === undefined || own === series) return base;
    const ratios = figures.map((theirs, round) => {
      const mine = own.figures[round] ?? Number.NaN;
      return series.isRate ? mine / theirs : theirs / mine;
    });
    if (!ratios.every(Number.isFinite)) return base;
    const { median: middle, min: least, max: most } = summary(contender, ratios);
    return { ...base, ratio: { median: middle, min: least, max: most } };
  });
}

function isSameScenario(a: Series, b: Series): boolean {
  return a.scenario === b.scenario && a.unit === b.unit;
}

/** A block per scenario, a line per contender. */
export function printResults(results: readonly Result[]): void {
  const scenarios = new Set(results.map(titleOf));
  for (const title of scenarios) {
    console.log(`\n${title}`);
    for (const result of results.filter((entry) => titleOf(entry) === title)) {
      const { contender, median, min, max, ratio } = result;
      const range = `[${figure(min)}–${figure(max)}]`;
      const times =
        ratio === undefined
          ? ""
          : `${ratio.median.toFixed(2)}× [${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)}]`;
      console.log(
        `  ${contender.padEnd(24)} ${figure(median).padStart(10)} ${range.padEnd(20)} ${times}`,
      );
    }
  }
}

function titleOf({ scenario, unit }: Result): string {
  return `${scenario}, ${unit}`;
}

function figure(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString("en") : value.toFixed(2);
}
