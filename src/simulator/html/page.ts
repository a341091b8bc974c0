/**
 * One page that needs nothing else: no request leaves it, which its content policy makes sure of. Plots are SVG, drawn
 * once for wide screens and once for phones.
 */
import { formatMs } from "../../core/index.ts";
import { type Comparison, keepsObjective } from "../compare.ts";
import { hashReport, type Report } from "../report.ts";
import { escapeText, figure, safeJson } from "./markup.ts";
import { costPlot, frontierPlot, waitsPlot } from "./overview-plots.ts";
import { script, style } from "./style.ts";
import {
  agePlot,
  backlogPlot,
  neededIn,
  reasonStrips,
  type TimePlotted,
  workersPlot,
} from "./time-plots.ts";

/** What the page shows. */
export interface PageOptions {
  readonly comparison: Comparison;
  /** The share of jobs that must keep the objective, from 0 to 1. */
  readonly share: number;
  readonly concurrency: number;
  /** What else is to be known of the workers and the broker, a line each. */
  readonly setup: readonly string[];
  /** Of Sluice. */
  readonly version: string;
}

/**
 * The comparison as an HTML page.
 *
 * @example
 * const comparison = await comparePolicies({
 *   load: generateLoad("spike"),
 *   policies: [fixedPolicy(20)],
 *   maxWaitMs: 30_000,
 * });
 * const html = toHtml({ comparison, share: 0.95, concurrency: 1, setup: [], version: "1.0.0" });
 */
export function toHtml(options: PageOptions): string {
  const { reports, bound } = options.comparison;
  const plotted = reports.flatMap((report, index): readonly TimePlotted[] =>
    report.series === null
      ? []
      : [{ report, series: report.series, bound, index, concurrency: options.concurrency }],
  );
  const name = reports[0]?.load.name ?? "";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline';script-src 'unsafe-inline'">
<title>${escapeText(name)} · Sluice simulation</title><style>${style}</style></head><body><main>
${header(options)}
${summary(options)}
<div class="pair">
<section><h2>How long jobs waited</h2><p class="quiet">Share of jobs that waited no longer. The dashed line is the objective.</p>${waitsPlot(reports)}${policyLegend(reports)}</section>
<section><h2>Late jobs against cost</h2><p class="quiet">Low and left is good; in the green band the objective is kept.</p>${frontierPlot(options.comparison, options.share)}</section>
</div>
<section><h2>What the worker-seconds went into</h2>${costPlot(options.comparison)}${costLegend()}</section>
${plotted.map(policySection).join("\n")}
${footer(options)}
</main><div id="tip"></div>
<script type="application/json" id="series">${safeJson(plotted.map(hoverData))}</script>
<script>${script}</script></body></html>
`;
}

function header({ comparison, share, setup }: PageOptions): string {
  const [report] = comparison.reports;
  if (report === undefined) return "";
  const { load, maxWaitMs } = report;
  const jobs = load.jobs === 1 ? "1 job" : `${load.jobs.toLocaleString("en")} jobs`;
  const about = `${jobs} in ${formatMs(load.spanSeconds * 1000)}, ${figure(load.workSeconds)} s of work`;
  const asked = `Objective: ${figure(100 * share)} % of jobs start within ${formatMs(maxWaitMs ?? 0)}`;
  const lines = [about, ...load.notes, ...setup].map(
    (line) => `<p class="quiet">${escapeText(line)}</p>`,
  );
  return `<header><h1>${escapeText(load.name)}</h1><button id="theme" type="button">Light / dark</button></header><p>${asked}</p>${lines.join("")}`;
}

const headings = [
  ...["policy", "kept", "late", "p50", "p95", "p99", "max", "worker-s", "x bound", "peak"],
  ...["starts", "kills", "redone", "at zero"],
];

function summary({ comparison, share }: PageOptions): string {
  const { reports, bound } = comparison;
  const rows = reports.map((report, place) => {
    const { jobs, waitMs, workerSeconds, workers } = report;
    const isKept = keepsObjective(report, share);
    const cells = [
      `<i class="series${place % 6}"></i>${escapeText(report.policy)}`,
      `<span class="${isKept ? "yes" : "no"}">${isKept ? "yes" : "no"}</span>`,
      `${jobs.latePercent.toFixed(2)} %`,
      ...[waitMs.p50, waitMs.p95, waitMs.p99, waitMs.max].map(formatMs),
      figure(Math.round(workerSeconds.total)),
      report.bound === null ? "–" : report.bound.ratio.toFixed(2),
      ...[workers.peak, workers.starts, workers.kills].map(figure),
      `${figure(workerSeconds.wasted)} s`,
      formatMs(workers.zeroSeconds * 1000),
    ];
    return tableRow(cells);
  });
  const strictRatio = bound.strictWorkerSeconds / bound.workerSeconds;
  const last = [
    boundRow("lower bound", bound.workerSeconds, 1),
    boundRow("… with no job late", bound.strictWorkerSeconds, strictRatio),
  ];
  const head = headings.map((heading) => `<th>${heading}</th>`).join("");
  return `<section><h2>Policies</h2><div class="scroll"><table class="policies"><tr>${head}</tr>${rows.join("")}${last.join("")}</table></div></section>`;
}

function boundRow(name: string, seconds: number, ratio: number): string {
  const share = Number.isFinite(ratio) ? ratio.toFixed(2) : "–";
  const cells = [name, "", "", "", "", "", "", figure(Math.round(seconds)), share];
  return tableRow(cells, "quiet");
}

/** Each cell knows its heading, which stands beside it where the table has no room to be one. */
function tableRow(cells: readonly string[], style = ""): string {
  const row = headings.map(
    (heading, place) => `<td data-heading="${heading}" class="${style}">${cells[place] ?? ""}</td>`,
  );
  return `<tr>${row.join("")}</tr>`;
}

function policyLegend(reports: readonly Report[]): string {
  const items = reports.map(
    ({ policy }, place) => `<span><i class="series${place % 6}"></i>${escapeText(policy)}</span>`,
  );
  return `<p class="legend">${items.join("")}</p>`;
}

function costLegend(): string {
  return `<p class="legend"><span><i class="busy"></i>busy</span><span><i class="idle"></i>idle</span><span><i class="starting"></i>starting</span><span><i class="wasted"></i>wasted: failed or redone</span><span><i class="dash"></i>lower bound</span></p>`;
}

function policySection(plotted: TimePlotted): string {
  const { report } = plotted;
  const strips = reasonStrips(plotted);
  const needed =
    plotted.bound.needed === null
      ? ""
      : '<span><i class="dash"></i>the lower bound would have, with no job late</span>';
  return `<section><h2><i class="series${plotted.index % 6}" style="display:inline-block;width:12px;height:12px;border-radius:50%;margin-right:9px"></i>${escapeText(report.policy)}</h2>
<h3>Workers</h3>${workersPlot(plotted)}
<p class="legend"><span><i class="busy"></i>busy</span><span><i class="idle"></i>ready, idle</span><span><i class="starting"></i>starting</span>${needed}</p>
<h3>Jobs that wait</h3>${backlogPlot(plotted)}
<h3>Longest wait</h3>${agePlot(plotted)}
<p class="legend"><span><i class="age"></i>within the objective</span><span><i class="late"></i>beyond it</span><span><i class="dash limit"></i>objective</span></p>
${strips === "" ? "" : `<h3>Which rule settled the count</h3>${strips}`}
${decisionList(report)}</section>`;
}

const mostListed = 200;

function decisionList({ decisions }: Report): string {
  const changes = decisions.entries.filter(({ from, to }) => from !== to);
  if (changes.length === 0) return "";
  const rows = changes
    .slice(0, mostListed)
    .map(
      ({ atMs, from, to, code, text }) =>
        `<tr><td>${formatMs(atMs)}</td><td>${from} → ${to}</td><td><b>${escapeText(code)}</b> ${escapeText(text)}</td></tr>`,
    );
  const more =
    changes.length > mostListed
      ? `, the first ${mostListed} of ${changes.length.toLocaleString("en")}`
      : "";
  return `<details><summary>Changes and their reasons${more}</summary><div class="scroll"><table class="decisions">${rows.join("")}</table></div></details>`;
}

function hoverData(plotted: TimePlotted): unknown {
  const { series } = plotted;
  const short = (values: readonly number[]): readonly number[] =>
    values.map((value) => Number(value.toPrecision(4)));
  return {
    column: series.columnMs / 1000,
    ready: short(series.ready),
    starting: short(series.starting),
    running: short(series.running),
    needed: short(neededIn(plotted)),
    waiting: series.mostWaiting,
    oldest: short(series.oldestMs.map((ms) => ms / 1000)),
  };
}

function footer({ comparison, version }: PageOptions): string {
  const { reports, bound } = comparison;
  const hashes = reports.map((report) => `${report.policy} ${hashReport(report).slice(0, 16)}`);
  const seed = reports[0]?.seed ?? 0;
  return `<footer><p>Sluice ${escapeText(version)}, seed ${seed}. Lower bound by ${bound.method}, with ${figure(100 * bound.lateShare)} % of jobs late at will: what a policy that knew the future would at least pay.</p><p>Reports: ${escapeText(hashes.join(", "))}</p></footer>`;
}
