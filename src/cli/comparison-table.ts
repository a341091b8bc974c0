import { formatMs } from "../core/index.ts";
import { type Comparison, keepsObjective, type Load, type Report } from "../simulator/index.ts";
import { colors } from "./terminal.ts";

/** One column: its heading, and what stands there for a policy. */
interface Column {
  readonly heading: string;
  readonly cell: (report: Report) => string;
}

const whole = (value: number): string => Math.round(value).toLocaleString("en");

const columns: readonly Column[] = [
  { heading: "late %", cell: ({ jobs }) => jobs.latePercent.toFixed(2) },
  { heading: "p50", cell: ({ waitMs }) => formatMs(waitMs.p50) },
  { heading: "p95", cell: ({ waitMs }) => formatMs(waitMs.p95) },
  { heading: "p99", cell: ({ waitMs }) => formatMs(waitMs.p99) },
  { heading: "max", cell: ({ waitMs }) => formatMs(waitMs.max) },
  { heading: "worker-s", cell: ({ workerSeconds }) => whole(workerSeconds.total) },
  { heading: "x bound", cell: ({ bound }) => (bound === null ? "-" : bound.ratio.toFixed(2)) },
  { heading: "busy %", cell: ({ workerSeconds: { busy, total } }) => percent(busy, total) },
  { heading: "peak", cell: ({ workers }) => whole(workers.peak) },
  { heading: "starts", cell: ({ workers }) => whole(workers.starts) },
  { heading: "kills", cell: ({ workers }) => whole(workers.kills) },
  { heading: "redone s", cell: ({ workerSeconds }) => whole(workerSeconds.wasted) },
  { heading: "at zero", cell: ({ workers }) => formatMs(workers.zeroSeconds * 1000) },
];

function percent(part: number, total: number): string {
  return total === 0 ? "-" : ((100 * part) / total).toFixed(0);
}

/** The load in a line, and what is asked for. */
export function describeLoad(load: Load, comparison: Comparison, share: number): string {
  const c = colors(process.stdout);
  const [report] = comparison.reports;
  const work = (report?.load.workSeconds ?? 0).toFixed(0);
  const span = formatMs(load.spanUs / 1000);
  const jobs = load.arrivalUs.length;
  const about = `${c.bold(load.name)}: ${jobs === 1 ? "1 job" : `${whole(jobs)} jobs`} in ${span}, ${whole(Number(work))} s of work`;
  const asked = `objective: ${formatNumber(100 * share)} % of jobs start within ${formatMs(report?.maxWaitMs ?? 0)}`;
  return [about, ...load.notes.map((note) => c.dim(`  ${note}`)), asked].join("\n");
}

function formatNumber(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Policies by row; the last row is the least that any could pay. */
export function comparisonTable({ reports, bound }: Comparison, share: number): string {
  const c = colors(process.stdout);
  const names = [...reports.map(({ policy }) => policy), "  with none late"];
  const nameWidth = Math.max(...names.map((name) => name.length)) + 2;
  const cells = reports.map((report) => columns.map(({ cell }) => cell(report)));
  const { workerSeconds, strictWorkerSeconds } = bound;
  const least = columns.map(({ heading }) => boundCell(heading, workerSeconds, 1));
  const strict = columns.map(({ heading }) =>
    boundCell(heading, strictWorkerSeconds, strictWorkerSeconds / workerSeconds),
  );
  const widths = columns.map(({ heading }, place) =>
    Math.max(heading.length, ...[...cells, least, strict].map((row) => row[place]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row.map((cell, place) => cell.padStart((widths[place] ?? 0) + 2)).join("");
  const header = `${"policy".padEnd(nameWidth)}${"kept".padEnd(4)}${line(columns.map(({ heading }) => heading))}`;
  const rows = reports.map((report, index) => {
    const isKept = keepsObjective(report, share);
    const kept = isKept ? c.green("yes ") : c.red("no  ");
    return `${report.policy.padEnd(nameWidth)}${kept}${line(cells[index] ?? [])}`;
  });
  const last = `${"lower bound".padEnd(nameWidth)}${" ".repeat(4)}${line(least)}`;
  const none = `${"  with none late".padEnd(nameWidth)}${" ".repeat(4)}${line(strict)}`;
  return [c.dim(header), ...rows, c.dim(last), c.dim(none)].map((row) => row.trimEnd()).join("\n");
}

function boundCell(heading: string, seconds: number, ratio: number): string {
  if (heading === "worker-s") return whole(seconds);
  return heading === "x bound" && Number.isFinite(ratio) ? ratio.toFixed(2) : "";
}

/** The series of all policies as one table: a line for each policy and column of time. */
export function seriesCsv({ reports }: Comparison): string {
  const header =
    "policy,seconds,starting,ready,running,waiting,most_waiting,oldest_wait_seconds,desired";
  const lines = reports.flatMap(({ policy, series }) =>
    (series?.ready ?? []).map((ready, column) => {
      const at = (
        name: "starting" | "running" | "waiting" | "mostWaiting" | "oldestMs" | "desired",
      ) => series?.[name][column] ?? 0;
      const seconds = (column * (series?.columnMs ?? 0)) / 1000;
      const figures = [
        seconds,
        ...[at("starting"), ready, at("running"), at("waiting"), at("mostWaiting")],
        ...[at("oldestMs") / 1000, at("desired")],
      ];
      return [csvCell(policy), ...figures.map((figure) => String(Number(figure.toFixed(4))))].join(
        ",",
      );
    }),
  );
  return [header, ...lines, ""].join("\n");
}

function csvCell(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
