/** What every bench shares: interleaved rounds, medians with their range, one table. */

/** One thing to measure; `run` returns the figure of one round. */
export interface Contender {
  readonly name: string;
  readonly run: (round: number) => Promise<number>;
}

/** The figures of one contender over all rounds. */
export interface Measured {
  readonly name: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** Runs every contender once per round, one after the other, so that noise of the machine hits all alike. */
export async function interleave(
  contenders: readonly Contender[],
  rounds: number,
): Promise<readonly Measured[]> {
  const figures = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const { name, run } of contenders) figures.get(name)?.push(await run(round));
  }
  return [...figures].map(([name, values]) => summary(name, values));
}

/** Median and range of some figures. */
export function summary(name: string, values: readonly number[]): Measured {
  const sorted = [...values].sort((a, b) => a - b);
  return {
    name,
    median: percentile(sorted, 0.5),
    min: percentile(sorted, 0),
    max: percentile(sorted, 1),
  };
}

/** The nearest-rank percentile of a sorted list. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

/** Things per second. */
export async function rate(count: number, work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return count / ((performance.now() - startedAt) / 1000);
}

/** One line of the report, with what the project wants to reach. */
export function report(what: string, measured: Measured, goal: string): void {
  const figure = (value: number): string =>
    value >= 1000 ? Math.round(value).toLocaleString("en") : value.toFixed(2);
  const range = `[${figure(measured.min)}–${figure(measured.max)}]`;
  console.log(
    `${what.padEnd(58)} ${figure(measured.median).padStart(10)} ${range.padEnd(22)} ${goal}`,
  );
}
