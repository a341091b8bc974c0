import type { LowerBound } from "../bound/lower-bound.ts";
import type { Series } from "../engine/series.ts";
import type { Report } from "../report.ts";
import { areaPath, type Box, boxOf, forBoth, frame, type Size, stepPath, svg } from "./frame.ts";
import { coordinate, escapeText } from "./markup.ts";
import { durationLabel, linearScale, type Scale, timeScale } from "./scale.ts";

/** One policy's run, to be drawn over time. */
export interface TimePlotted {
  readonly report: Report;
  readonly series: Series;
  readonly bound: LowerBound;
  /** Its place among the policies of the page. */
  readonly index: number;
  readonly concurrency: number;
}

interface Grid {
  readonly x: Scale;
  readonly y: Scale;
  readonly columnSeconds: number;
}

interface Layout {
  readonly size: Size;
  readonly box: Box;
  readonly x: Scale;
  readonly columnSeconds: number;
  /** So many columns are drawn as one, so that none is narrower than a pixel. */
  readonly joined: number;
  readonly attributes: string;
}

function layout(size: Size, { series, index }: TimePlotted): Layout {
  const box = boxOf(size);
  const count = series.ready.length;
  const joined = Math.max(1, Math.ceil(count / (box.right - box.left)));
  const columnSeconds = (joined * series.columnMs) / 1000;
  const x = timeScale((count * series.columnMs) / 1000, {
    from: box.left,
    to: box.right,
    ticks: size.isNarrow ? 5 : 10,
  });
  const attributes = `data-policy="${index}" data-left="${box.left}" data-right="${box.right}"`;
  return { size, box, x, columnSeconds, joined, attributes };
}

const upright = (box: Box, ticks: number) => ({ from: box.bottom, to: box.top, ticks });

type Fold = (values: readonly number[]) => number;
const mean: Fold = (values) =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
const most: Fold = (values) => Math.max(...values);

/** Each `joined` neighbours as one value. */
function fold(values: readonly number[], { joined }: Layout, by: Fold): readonly number[] {
  if (joined === 1) return values;
  const count = Math.ceil(values.length / joined);
  return Array.from({ length: count }, (_, place) =>
    by(values.slice(place * joined, (place + 1) * joined)),
  );
}

/** Workers by what they do, stacked; the line is what the bound would have. */
export function workersPlot(plotted: TimePlotted): string {
  const { series, concurrency, report } = plotted;
  const busy = series.running.map((jobs) => jobs / concurrency);
  const ready = series.ready.map((workers, column) => Math.max(workers, busy[column] ?? 0));
  const all = ready.map((workers, column) => workers + (series.starting[column] ?? 0));
  const needed = neededIn(plotted);
  const draw = (size: Size): string => {
    const drawn = layout(size, plotted);
    const { box, x, columnSeconds, attributes } = drawn;
    const [inUse, there, asked, bound] = [busy, ready, all, needed].map((values) =>
      fold(values, drawn, mean),
    ) as [readonly number[], readonly number[], readonly number[], readonly number[]];
    const highest = Math.max(1, ...asked, ...bound);
    const y = linearScale(highest, { ...upright(box, 4), isWhole: true });
    const grid: Grid = { x, y, columnSeconds };
    const zero = there.map(() => 0);
    const body = [
      `<path class="starting" d="${areaPath(there, asked, grid)}"/>`,
      `<path class="idle" d="${areaPath(inUse, there, grid)}"/>`,
      `<path class="busy" d="${areaPath(zero, inUse, grid)}"/>`,
      bound.length === 0 ? "" : `<path class="needed" d="${stepPath(bound, grid)}"/>`,
    ];
    const title = `Workers of ${report.policy} over time`;
    return frame({ size, box, x, y, title, attributes }, body.join(""));
  };
  return forBoth(draw, { width: 1040, height: 250, narrowHeight: 210 });
}

/** The workers of the linear program, by the columns of the series. */
export function neededIn({ series, bound }: TimePlotted): readonly number[] {
  const { needed } = bound;
  if (needed === null) return [];
  return series.ready.map((_, column) => {
    const from = (column * series.columnMs) / needed.columnMs;
    const to = ((column + 1) * series.columnMs) / needed.columnMs;
    return meanBetween(needed.workers, from, to);
  });
}

function meanBetween(values: readonly number[], from: number, to: number): number {
  let sum = 0;
  for (let place = Math.floor(from); place < to; place += 1) {
    const share = Math.min(to, place + 1) - Math.max(from, place);
    sum += (values[place] ?? 0) * share;
  }
  return sum / (to - from);
}

/** How many wait, and how long the oldest has, against the objective. */
export function backlogPlot(plotted: TimePlotted): string {
  const { series, report } = plotted;
  const draw = (size: Size): string => {
    const drawn = layout(size, plotted);
    const { box, x, columnSeconds, attributes } = drawn;
    const waiting = fold(series.mostWaiting, drawn, most);
    const y = linearScale(Math.max(1, ...waiting), { ...upright(box, 3), isWhole: true });
    const grid: Grid = { x, y, columnSeconds };
    const zero = waiting.map(() => 0);
    const body = `<path class="waiting" d="${areaPath(zero, waiting, grid)}"/>`;
    const title = `Jobs that wait under ${report.policy} over time`;
    return frame({ size, box, x, y, title, attributes }, body);
  };
  return forBoth(draw, { width: 1040, height: 150, narrowHeight: 140 });
}

/** The longest wait that anyone had had, against the objective. */
export function agePlot(plotted: TimePlotted): string {
  const { series, report } = plotted;
  const ages = series.oldestMs.map((ms) => ms / 1000);
  const limit = (report.maxWaitMs ?? 0) / 1000;
  const draw = (size: Size): string => {
    const drawn = layout(size, plotted);
    const { box, x, columnSeconds, attributes } = drawn;
    const seconds = fold(ages, drawn, most);
    const highest = Math.max(limit * 1.1, ...seconds, 0.001);
    const y = linearScale(highest, upright(box, 3), durationLabel);
    const grid: Grid = { x, y, columnSeconds };
    const zero = seconds.map(() => 0);
    const over = seconds.map((age) => Math.max(age, limit));
    const limits = seconds.map(() => limit);
    const place = coordinate(y.place(limit));
    const body = [
      `<path class="age" d="${areaPath(zero, seconds, grid)}"/>`,
      limit > 0 ? `<path class="late" d="${areaPath(limits, over, grid)}"/>` : "",
      `<line class="limit" x1="${box.left}" x2="${box.right}" y1="${place}" y2="${place}"/>`,
    ];
    const title = `Longest wait under ${report.policy} over time`;
    return frame({ size, box, x, y, title, attributes }, body.join(""));
  };
  return forBoth(draw, { width: 1040, height: 150, narrowHeight: 140 });
}

/** Which rule settled the count, over time: a strip for each loop that decides. */
export function reasonStrips(plotted: TimePlotted): string {
  const controllers = Object.entries(plotted.series.rules);
  const rules = [...new Set(controllers.flatMap(([, columns]) => columns))].filter(Boolean);
  if (rules.length === 0) return "";
  const draw = (size: Size): string => {
    const { box, x, columnSeconds, joined, attributes } = layout(size, plotted);
    const strips = controllers.map(([controller, columns], row) => {
      const top = row * 26;
      const label = `<text class="tick" text-anchor="end" x="${box.left - 7}" y="${top + 11}" dy=".32em">${escapeText(controller)}</text>`;
      const shown = columns.filter((_, column) => column % joined === 0);
      const pieces = runsOf(shown).map(({ rule, from, to }) => {
        if (rule === "") return "";
        const left = x.place(from * columnSeconds);
        const right = x.place(Math.min(x.to, to * columnSeconds));
        return `<rect class="rule${rules.indexOf(rule) % 8}" x="${coordinate(left)}" y="${top}" width="${coordinate(right - left)}" height="20"/>`;
      });
      return label + pieces.join("");
    });
    const title = `Rules that settled the count of ${plotted.report.policy} over time`;
    return svg({ ...size, height: controllers.length * 26 }, strips.join(""), {
      title,
      attributes,
    });
  };
  const legend = rules.map(
    (rule, place) => `<span><i class="rule${place % 8}"></i>${escapeText(rule)}</span>`,
  );
  return `${forBoth(draw, { width: 1040, height: 26 })}<p class="legend">${legend.join("")}</p>`;
}

/** Neighbours of the same rule as one, in columns. */
function runsOf(
  columns: readonly string[],
): readonly { readonly rule: string; readonly from: number; readonly to: number }[] {
  const starts = [...columns.keys()].filter((column) => columns[column] !== columns[column - 1]);
  return starts.map((from, place) => ({
    rule: columns[from] ?? "",
    from,
    to: starts[place + 1] ?? columns.length,
  }));
}
