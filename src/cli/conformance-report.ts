import { formatMs } from "../core/index.ts";
import type { ConformanceResult, Leftovers } from "../testing/index.ts";
import { colors } from "./terminal.ts";

/** How many cases ended how. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Counts results. */
export function totalsOf(results: readonly ConformanceResult[]): Totals {
  const count = (status: ConformanceResult["status"]): number =>
    results.filter((result) => result.status === status).length;
  return { passed: count("passed"), failed: count("failed"), skipped: count("skipped") };
}

/** One area: its totals on a line, then what failed and why, then what was skipped and for want of what. */
export function describeArea(
  area: string,
  results: readonly ConformanceResult[],
  ms: number,
): string {
  const c = colors(process.stdout);
  const failed = results.filter(({ status }) => status === "failed");
  const mark = failed.length > 0 ? c.red("✗") : c.green("✓");
  return [
    `${mark} ${area.padEnd(12)} ${describeTotals(totalsOf(results)).padEnd(36)} ${formatMs(ms)}`,
    ...failed.flatMap((result) => [
      `    ${c.red("failed")} ${result.case.name} (${formatMs(result.ms)})`,
      ...result.reason.split("\n").map((line) => `           ${line}`),
    ]),
    ...skips(results).map(([reason, count]) => c.dim(`    ${count} skipped: ${reason}`)),
  ].join("\n");
}

/** `3 passed, 1 failed, 2 skipped`, without zeros. */
export function describeTotals(totals: Totals): string {
  const parts = Object.entries(totals).filter(([, count]) => count > 0);
  return parts.map(([status, count]) => `${count} ${status}`).join(", ") || "no cases";
}

/** What is left in the queues. */
export function describeLeftovers({ used, queues }: Leftovers, prefix: string): string {
  const named = `${used} queues named ${prefix}… were used`;
  if (queues.length === 0)
    return `${named} and are empty again; a broker that keeps empty queues keeps these.`;
  const shown = queues.slice(0, 5).map((queue) => `  ${queue}`);
  const more = queues.length > 5 ? [`  … and ${queues.length - 5} more`] : [];
  return [`${named}; ${queues.length} could not be emptied:`, ...shown, ...more].join("\n");
}

/** Each reason with the number of cases it holds for. */
function skips(results: readonly ConformanceResult[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const { status, reason } of results)
    if (status === "skipped") counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts];
}
