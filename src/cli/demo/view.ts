import { createLogUpdate } from "log-update";
import { formatMs, type QueueDepth } from "../../core/index.ts";
import type { TargetStatus } from "../../scaler/index.ts";
import { bar } from "../bar.ts";
import { colors, isTerminal, say } from "../terminal.ts";
import type { DemoSummary } from "./summary.ts";

/** One moment of a demo. */
export interface DemoMoment {
  readonly seconds: number;
  readonly total: number;
  readonly done: number;
  readonly depth: QueueDepth;
  readonly workers: TargetStatus;
  readonly maxWorkers: number;
  /** The last decision that changed something. */
  readonly decision: string;
}

/** Shows moments on standard error: live bars on a terminal, else a line a second. */
export interface DemoView {
  show(moment: DemoMoment): void;
  /** Leaves the last moment standing. */
  done(): void;
}

const barWidth = 40;

/** The view that fits standard error. */
export function createDemoView(): DemoView {
  if (isTerminal(process.stderr)) {
    const draw = createLogUpdate(process.stderr);
    return { show: (moment) => draw(bars(moment)), done: () => draw.done() };
  }
  let shownSecond = -1;
  return {
    show(moment) {
      const second = Math.floor(moment.seconds);
      if (second > shownSecond) say(line(moment));
      shownSecond = second;
    },
    done: () => undefined,
  };
}

function line({ seconds, total, done, depth, workers }: DemoMoment): string {
  const age = ageOf(depth);
  return `${seconds.toFixed(0).padStart(3)}s  backlog ${depth.ready}  workers ${workers.workers.length} (${workers.busy} busy)  done ${done}/${total}  oldest ${age}`;
}

/** A broker that does not tell is a question mark, as in `sluice status`. */
function ageOf({ oldestAgeMs }: QueueDepth): string {
  return oldestAgeMs === null ? "?" : formatMs(oldestAgeMs);
}

function bars({ total, done, depth, workers, maxWorkers, decision }: DemoMoment): string {
  const c = colors(process.stderr);
  const row = (
    name: string,
    share: number,
    paint: (text: string) => string,
    text: string,
  ): string => `  ${name.padEnd(8)} ${paint(bar(share, barWidth))} ${text}`;
  const backlog = depth.ready ?? 0;
  const age = depth.oldestAgeMs ?? 0;
  const states = [
    `${workers.starting} starting`,
    `${workers.busy} busy`,
    `${workers.idle} idle`,
    `${workers.draining} leaving`,
  ];
  return [
    "",
    row("backlog", backlog / total, c.yellow, `${backlog} waiting, ${depth.inFlight ?? 0} running`),
    row(
      "workers",
      workers.workers.length / maxWorkers,
      c.cyan,
      `${workers.workers.length} (${states.join(", ")})`,
    ),
    row("done", done / total, c.green, `${done} of ${total}`),
    row("oldest", age / 10_000, c.magenta, ageOf(depth)),
    "",
    `  ${c.dim(decision.slice(0, Math.max(20, (process.stderr.columns ?? 100) - 4)))}`,
    "",
  ].join("\n");
}

/** The summary for people. */
export function summaryText(summary: DemoSummary): string {
  const ms = (value: number | null): string => (value === null ? "-" : formatMs(value));
  return [
    `  ${summary.completed} of ${summary.published} jobs done in ${summary.seconds}s; ${summary.lost} lost, ${summary.duplicates} run twice, ${summary.deadLettered} dead`,
    `  workers: 0 → ${summary.peakWorkers} → ${summary.finalWorkers}, ${summary.workerSeconds} worker-seconds`,
    `  first job started ${ms(summary.zeroToFirstJobMs)} after the publish, from zero workers`,
    `  waits: half under ${ms(summary.p50WaitMs)}, 95 % under ${ms(summary.p95WaitMs)}`,
  ].join("\n");
}
