import type { Comparison } from "../compare.ts";
import type { Report } from "../report.ts";
import { type Box, boxOf, forBoth, frame, linePath, type Point, type Size, svg } from "./frame.ts";
import { coordinate, escapeText, figure, shortened } from "./markup.ts";
import { durationLabel, linearScale, logScale } from "./scale.ts";

/** How the waits of each policy are distributed: the share of jobs that waited no longer than so long. */
export function waitsPlot(reports: readonly Report[]): string {
  const limit = (reports[0]?.maxWaitMs ?? 0) / 1000;
  const longest = Math.max(limit, 0.1, ...reports.map(({ waitMs }) => waitMs.max / 1000));
  const draw = (size: Size): string => {
    const box = boxOf(size);
    const across = { from: box.left, to: box.right, ticks: size.isNarrow ? 4 : 6 };
    const x = logScale({ least: 0.01, highest: longest * 1.05 }, across, durationLabel);
    const y = linearScale(
      100,
      { from: box.bottom, to: box.top, ticks: 4 },
      (share) => `${share} %`,
    );
    const lines = reports.map(({ waitShares }, place) => {
      const inside = waitShares
        .map(({ upToMs, share }): Point => [upToMs / 1000, 100 * share])
        .filter(([seconds]) => seconds < x.to);
      const points: readonly Point[] = [...inside, [x.to, 100 * (waitShares.at(-1)?.share ?? 0)]];
      return `<path class="line series${place % 6}" d="${linePath(points, x, y)}"/>`;
    });
    const at = coordinate(x.place(limit));
    const rule = `<line class="limit" x1="${at}" x2="${at}" y1="${box.top}" y2="${box.bottom}"/>`;
    const title = "Share of jobs by how long they waited at most";
    return frame({ size, box, x, y, title }, rule + lines.join(""));
  };
  return forBoth(draw, { width: 505, height: 280, narrowHeight: 250 });
}

/** Late jobs against cost: the lower left corner is where one wants to be. */
export function frontierPlot({ reports, bound }: Comparison, share: number): string {
  const ratios = reports.map(({ workerSeconds }) => workerSeconds.total / bound.workerSeconds);
  const finite = ratios.filter(Number.isFinite);
  const draw = (size: Size): string => {
    const box = boxOf(size);
    const across = { from: box.left, to: box.right - 8, ticks: size.isNarrow ? 4 : 6 };
    const highest = Math.max(2, ...finite) * 1.15;
    const x = logScale(
      { least: Math.min(0.9, ...finite), highest },
      across,
      (ratio) => `${figure(ratio)}x`,
    );
    const most = Math.max(
      (1 - share) * 150,
      1,
      ...reports.map(({ jobs }) => jobs.latePercent * 1.1),
    );
    const upwards = { from: box.bottom, to: box.top, ticks: 4 };
    const y = linearScale(Math.min(100, most), upwards, (late) => `${figure(late)} %`);
    const allowed = coordinate(y.place(100 * (1 - share)));
    const one = coordinate(x.place(1));
    const points = markers(
      reports.map((report, place) => ({
        name: shortened(report.policy, size.isNarrow ? 18 : 30),
        x: x.place(ratios[place] ?? 1),
        y: y.place(report.jobs.latePercent),
      })),
      box,
    );
    const rules = [
      `<rect class="kept" x="${box.left}" width="${box.right - box.left}" y="${allowed}" height="${coordinate(box.bottom - y.place(100 * (1 - share)))}"/>`,
      `<line class="limit" x1="${box.left}" x2="${box.right}" y1="${allowed}" y2="${allowed}"/>`,
      `<line class="needed" x1="${one}" x2="${one}" y1="${box.top}" y2="${box.bottom}"/>`,
    ];
    const title = "Share of late jobs against cost as a multiple of the lower bound";
    return frame({ size, box, x, y, title }, rules.join("") + points);
  };
  return forBoth(draw, { width: 505, height: 280, narrowHeight: 250 });
}

interface Marked {
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

interface Label {
  readonly left: number;
  readonly top: number;
  readonly width: number;
}

/** Points with their names, each name where no other stands and where it stays within the plot. */
function markers(points: readonly Marked[], box: Box): string {
  const placed: Label[] = points.map(({ x, y }) => ({ left: x - 7, top: y - 7, width: 14 }));
  const drawn = points.map(({ name, x, y }, place) => {
    const width = name.length * 7;
    const choices = [-18, 4, -32, 18, -46, 32].flatMap((down) => [
      { left: x + 9, top: y + down, width },
      { left: x - 9 - width, top: y + down, width },
    ]);
    const fits = choices.filter(
      ({ left, top }) =>
        left > box.left && left + width < box.right + 12 && top > 0 && top + 14 < box.bottom + 4,
    );
    const label = fits.find((one) => placed.every((other) => !overlap(one, other))) ??
      fits[0] ?? { left: x + 9, top: y - 18, width };
    placed.push(label);
    return `<circle class="series${place % 6}" cx="${coordinate(x)}" cy="${coordinate(y)}" r="5.5"/><text class="label" x="${coordinate(label.left)}" y="${coordinate(label.top + 11)}">${escapeText(name)}</text>`;
  });
  return drawn.join("");
}

function overlap(a: Label, b: Label): boolean {
  return a.left < b.left + b.width && b.left < a.left + a.width && Math.abs(a.top - b.top) < 14;
}

const parts = ["busy", "idle", "starting", "wasted"] as const;

/** What the worker-seconds of each policy went into; the line is the bound. */
export function costPlot({ reports, bound }: Comparison): string {
  const highest = Math.max(
    bound.workerSeconds,
    ...reports.map(({ workerSeconds }) => workerSeconds.total),
    1e-9,
  );
  const row = 46;
  const draw = (size: Size): string => {
    const right = size.width - (size.isNarrow ? 4 : 90);
    const scale = (seconds: number): number => (right * seconds) / highest;
    const bars = reports.map(({ policy, workerSeconds }, place) => {
      const top = place * row;
      let from = 0;
      const pieces = parts.map((part) => {
        const width = scale(workerSeconds[part]);
        const piece = `<rect class="${part}" x="${coordinate(from)}" y="${top + 20}" width="${coordinate(width)}" height="16"><title>${part} ${figure(workerSeconds[part])} s</title></rect>`;
        from += width;
        return piece;
      });
      const shown = escapeText(shortened(policy, size.isNarrow ? 22 : 80));
      const name = `<text class="label" x="0" y="${top + 13}">${shown} <tspan class="quiet">${figure(workerSeconds.total)} worker-seconds</tspan></text>`;
      return name + pieces.join("");
    });
    const at = coordinate(scale(bound.workerSeconds));
    const lines = reports.map(
      (_, place) =>
        `<line class="needed" x1="${at}" x2="${at}" y1="${place * row + 18}" y2="${place * row + 38}"/>`,
    );
    const title = "Worker-seconds of each policy by what they went into";
    return svg({ ...size, height: reports.length * row }, bars.join("") + lines.join(""), {
      title,
    });
  };
  return forBoth(draw, { width: 1040, height: row });
}
