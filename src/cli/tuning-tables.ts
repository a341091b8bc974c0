/** The outcome of a search as tables for people. */
import type { Attribution, Score, TunedSetting, TuneResult } from "../simulator/index.ts";
import { colors } from "./terminal.ts";

/** Each setting that was judged: how it did in training and where it was not chosen, and what it is. */
export function settingsTable({ current, best, pareto, parameters }: TuneResult): string {
  const header = [
    ...["", "late %", "worker-s", "kills", "held out: late %", "worker-s", "kills"],
    ...parameters.map(({ heading }) => heading),
  ];
  const row = (name: string, { training, heldOut, values }: TunedSetting): readonly string[] => [
    name,
    ...scoreCells(training),
    ...(heldOut === null ? ["-", "-", "-"] : scoreCells(heldOut)),
    ...parameters.map((parameter, place) => String(values[place] ?? parameter.current)),
  ];
  return alignedTable([
    header,
    row("as it is", current),
    row("tuned", best),
    ...pareto.map((setting, place) => row(`pareto ${place + 1}`, setting)),
  ]);
}

function scoreCells({ late, jobs, workerSeconds, kills }: Score): readonly string[] {
  const percent = jobs === 0 ? 0 : (100 * late) / jobs;
  return [percent.toFixed(2), Math.round(workerSeconds).toLocaleString("en"), String(kills)];
}

/** What each cause is responsible for, and how it was when the cause was taken away. */
export function causesTable(causes: readonly Attribution[]): string {
  const share = (part: number | null): string => {
    if (part === null) return "-";
    return part > 0 ? `${(100 * part).toFixed(1)} %` : "none";
  };
  const rows = causes.map(
    ({ cause, without, lateShare, costShare, latePercent, workerSeconds }): readonly string[] => [
      ...[cause, share(lateShare), share(costShare)],
      ...[latePercent.toFixed(2), Math.round(workerSeconds).toLocaleString("en")],
      `   ${without}`,
    ],
  );
  const header = [
    "",
    "of the late jobs",
    "of the cost",
    "without: late %",
    "worker-s",
    "   which is",
  ];
  return alignedTable([header, ...rows]);
}

/** The first column to the left, as the last where it begins with a space; the first row is the head. */
function alignedTable(rows: readonly (readonly string[])[]): string {
  const c = colors(process.stderr);
  const widths = (rows[0] ?? []).map((_, place) =>
    Math.max(...rows.map((cells) => cells[place]?.length ?? 0)),
  );
  const lines = rows.map((cells) =>
    cells
      .map((cell, place) => {
        const width = widths[place] ?? 0;
        if (place === 0) return cell.padEnd(width);
        return cell.startsWith(" ") ? cell.padEnd(width) : cell.padStart(width + 2);
      })
      .join("")
      .trimEnd(),
  );
  return [c.dim(lines[0] ?? ""), ...lines.slice(1)].join("\n");
}

/** Whether it was worth it. */
export function verdict({ best, current, heldOutFromUs }: TuneResult, share: number): string {
  if (best.training.excess > 0)
    return "No setting that was tried keeps the objective in training; the tuned one comes nearest. What is late, and why, stands above.";
  const judged = best.heldOut ?? best.training;
  const before = current.heldOut ?? current.training;
  const kept = judged.late <= (1 - share) * judged.jobs + 1e-9;
  const where = heldOutFromUs === null ? "in training" : "where it was not chosen (held out)";
  const times = judged.workerSeconds / Math.max(1e-9, before.workerSeconds);
  return `The tuned setting ${kept ? "keeps" : "does not keep"} the objective ${where}, at ${times.toFixed(2)} times the worker-seconds of now.`;
}
