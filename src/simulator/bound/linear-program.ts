import type { Highs, ModelData } from "highs";
import type { Envelopes } from "./envelopes.ts";

/** What the program is made from. */
export interface ProgramQuery {
  readonly envelopes: Envelopes;
  readonly startSeconds: number;
  readonly concurrency: number;
  readonly initialReplicas: number;
}

/** Its solution. */
export interface ProgramSolution {
  /** Worker-seconds, start-ups included. */
  readonly cost: number;
  /** Workers in each bin. */
  readonly workers: readonly number[];
}

/**
 * Minimises, over bins of width D: sum of D·n + C·u, where n are the workers of a bin, u ≥ n − n of the bin before are
 * its starts, and x, the work done by the end of the bin, grows by at most D·k·n, stays below what has arrived, and above
 * what is due less e, the work of those that may be late. Means over bins vary no more than what they are means of, so
 * that the starts are not counted too high. Null where `highs` is not installed, or finds no optimum.
 */
export async function solveProgram(query: ProgramQuery): Promise<ProgramSolution | null> {
  const highs = await loadSolver();
  if (highs === null) return null;
  const bins = query.envelopes.most.length - 1;
  return highs.withModel(toModel(query, highs.infinity), (model) => {
    model.options.set({ output_flag: false, time_limit: 60 });
    model.run();
    if (model.getModelStatus() !== highs.constants.modelStatus.optimal) return null;
    const { colValue } = model.getSolution();
    return {
      cost: model.getObjectiveValue(),
      workers: Array.from({ length: bins }, (_, bin) => colValue[4 * bin] ?? 0),
    };
  });
}

/** Compiling the solver takes longer than most programs: it is done once. */
let solver: Promise<Highs | null> | null = null;

function loadSolver(): Promise<Highs | null> {
  solver ??= openSolver();
  return solver;
}

async function openSolver(): Promise<Highs | null> {
  try {
    // The package's types speak of its CommonJS face, where the loader is the module itself.
    const module: unknown = await import("highs");
    return await (module as { readonly default: () => Promise<Highs> }).default();
  } catch (error) {
    const isMissing =
      error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
    if (isMissing) return null;
    throw error;
  }
}

/** Rows of a sparse matrix, one after the other. */
class Rows {
  readonly starts: number[] = [0];
  readonly indices: number[] = [];
  readonly values: number[] = [];
  readonly lower: number[] = [];
  readonly upper: number[] = [];

  add(lower: number, upper: number, terms: readonly (readonly [number, number])[]): void {
    for (const [column, value] of terms) {
      if (column < 0) continue;
      this.indices.push(column);
      this.values.push(value);
    }
    this.lower.push(lower);
    this.upper.push(upper);
    this.starts.push(this.indices.length);
  }
}

/** Columns of bin b: 4b workers, 4b + 1 starts, 4b + 2 work done, 4b + 3 work that is late. */
function toModel(query: ProgramQuery, infinity: number): ModelData {
  const { envelopes, startSeconds, concurrency, initialReplicas } = query;
  const { most, least, binSeconds, exemptSeconds } = envelopes;
  const bins = most.length - 1;
  const total = most[bins] ?? 0;
  const rows = new Rows();
  const cost: number[] = [];
  const upper: number[] = [];
  const lower: number[] = [];
  for (let bin = 0; bin < bins; bin += 1) {
    const [workers, starts, done, late] = [4 * bin, 4 * bin + 1, 4 * bin + 2, 4 * bin + 3];
    const before = bin === 0 ? -4 : workers - 4;
    const due = least[bin + 1] ?? 0;
    cost.push(binSeconds, startSeconds, 0, 0);
    lower.push(0, 0, bin === bins - 1 ? total : 0, 0);
    upper.push(infinity, infinity, most[bin + 1] ?? 0, exemptSeconds);
    rows.add(-infinity, 0, [
      [done, 1],
      [before + 2, -1],
      [workers, -binSeconds * concurrency],
    ]);
    rows.add(0, infinity, [
      [done, 1],
      [before + 2, -1],
    ]);
    rows.add(bin === 0 ? -initialReplicas : 0, infinity, [
      [starts, 1],
      [workers, -1],
      [before, 1],
    ]);
    rows.add(due, infinity, [
      [done, 1],
      [late, 1],
    ]);
    rows.add(0, Math.max(0, due - (least[bin] ?? 0)), [
      [late, 1],
      [before + 3, -1],
    ]);
  }
  return {
    ...{ numCols: 4 * bins, numRows: rows.lower.length },
    ...{ colCost: cost, colLower: lower, colUpper: upper },
    ...{ rowLower: rows.lower, rowUpper: rows.upper },
    matrix: {
      ...{ format: "csr", numCols: 4 * bins, numRows: rows.lower.length },
      ...{ starts: rows.starts, indices: rows.indices, values: rows.values },
    },
  };
}
