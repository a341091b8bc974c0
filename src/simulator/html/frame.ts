import { coordinate, escapeText } from "./markup.ts";
import type { Scale } from "./scale.ts";

/** How large a plot is. Each is drawn twice, for wide screens and for phones, so that its text is readable on both. */
export interface Size {
  readonly width: number;
  readonly height: number;
  readonly isNarrow: boolean;
}

/** Where the axes are. */
export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** The box of a size, with room for the labels. */
export function boxOf({ width, height }: Size, left = 52): Box {
  return { left, right: width - 14, top: 12, bottom: height - 26 };
}

interface Axes {
  readonly size: Size;
  readonly box: Box;
  readonly x: Scale;
  readonly y: Scale;
  /** What a screen reader says. */
  readonly title: string;
  /** Attributes of the svg element. */
  readonly attributes?: string;
}

/** A plot: grid, axes and what is drawn between them. */
export function frame({ size, box, x, y, title, attributes = "" }: Axes, body: string): string {
  const { left, right, bottom } = box;
  const horizontal = y.ticks.map(({ value, label }) => {
    const place = coordinate(y.place(value));
    return `<line class="grid" x1="${left}" x2="${right}" y1="${place}" y2="${place}"/><text class="tick" text-anchor="end" x="${left - 7}" y="${place}" dy=".32em">${escapeText(label)}</text>`;
  });
  const vertical = x.ticks.map(({ value, label }) => {
    const place = x.place(value);
    const anchor = place > right - 14 ? "end" : place < left + 4 ? "start" : "middle";
    return `<line class="notch" x1="${coordinate(place)}" x2="${coordinate(place)}" y1="${bottom}" y2="${bottom + 4}"/><text class="tick" text-anchor="${anchor}" x="${coordinate(place)}" y="${bottom + 17}">${escapeText(label)}</text>`;
  });
  const axis = `<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>`;
  return svg(size, `${horizontal.join("")}${body}${axis}${vertical.join("")}`, {
    title,
    attributes,
  });
}

/** An svg element of a size. */
export function svg(
  { width, height, isNarrow }: Size,
  body: string,
  { title, attributes = "" }: { readonly title: string; readonly attributes?: string },
): string {
  return `<svg class="${isNarrow ? "narrow" : "wide"}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeText(title)}" ${attributes}>${body}</svg>`;
}

/** Draws once for wide screens and once for narrow ones. */
export function forBoth(
  draw: (size: Size) => string,
  size: { readonly width: number; readonly height: number; readonly narrowHeight?: number },
): string {
  const { width, height, narrowHeight = height } = size;
  return `${draw({ width, height, isNarrow: false })}${draw({ width: 358, height: narrowHeight, isNarrow: true })}`;
}

/** A point of a line. */
export type Point = readonly [number, number];

/** A line through points that are given in values. */
export function linePath(points: readonly Point[], x: Scale, y: Scale): string {
  return points
    .map(
      ([a, b], index) =>
        `${index === 0 ? "M" : "L"}${coordinate(x.place(a))} ${coordinate(y.place(b))}`,
    )
    .join("");
}

/** Columns of equal values as one: where each begins, in columns, and its height as drawn. */
function runsOf(
  values: readonly number[],
  y: Scale,
): readonly { readonly from: number; readonly height: string }[] {
  const heights = values.map((value) => coordinate(y.place(value)));
  return heights.flatMap((height, from) =>
    height === heights[from - 1] ? [] : [{ from, height }],
  );
}

interface Grid {
  readonly x: Scale;
  readonly y: Scale;
  readonly columnSeconds: number;
}

/** Where a column begins. */
function edgeOf({ x, columnSeconds }: Grid, column: number): string {
  return coordinate(x.place(Math.min(x.to, column * columnSeconds)));
}

/** Values of columns as steps: each holds from its column's beginning to its end. */
export function stepPath(values: readonly number[], grid: Grid): string {
  const runs = runsOf(values, grid.y);
  return runs
    .map(({ height }, place) => {
      const start = place === 0 ? `M${edgeOf(grid, 0)} ${height}` : `V${height}`;
      return `${start}H${edgeOf(grid, runs[place + 1]?.from ?? values.length)}`;
    })
    .join("");
}

/** The area between two rows of columns, the lower first. */
export function areaPath(lower: readonly number[], upper: readonly number[], grid: Grid): string {
  const back = runsOf(lower, grid.y)
    .map(({ from, height }) => `V${height}H${edgeOf(grid, from)}`)
    .toReversed();
  return `${stepPath(upper, grid)}${back.join("")}Z`;
}
