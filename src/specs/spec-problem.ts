import { SluiceError } from "../core/index.ts";
import type { Path } from "./field.ts";
import type { SourcePosition } from "./object-meta.ts";

/** Something that is wrong, or worth knowing, at a place of a file. */
export interface SpecProblem {
  readonly source: SourcePosition;
  /** `ScaledObject default/worker`; null where no object could be made out. */
  readonly object: string | null;
  /** `spec.triggers[0].metadata.value`; empty for the object as a whole. */
  readonly path: string;
  /** What was expected, what came and what to do. */
  readonly message: string;
}

/** What was wrong with the specs, all of it at once. */
export class SpecError extends SluiceError {
  readonly problems: readonly SpecProblem[];

  /** `warnings` are told as well, since a misspelt key is often why another one is missing. */
  constructor(problems: readonly SpecProblem[], warnings: readonly SpecProblem[] = []) {
    const count = problems.length === 1 ? "one problem" : `${problems.length} problems`;
    const also = warnings.length === 0 ? "" : `\nand, with less weight:${lines(warnings)}`;
    super("SPEC_INVALID", `the YAML has ${count}:${lines(problems)}${also}`);
    this.problems = inOrder(problems);
  }
}

function lines(problems: readonly SpecProblem[]): string {
  return inOrder(problems)
    .map((problem) => `\n  ${formatProblem(problem)}`)
    .join("");
}

/** File by file as they were given, and by line within each. */
function inOrder(problems: readonly SpecProblem[]): readonly SpecProblem[] {
  const files = [...new Set(problems.map(({ source }) => source.file))];
  return problems.toSorted(
    (a, b) =>
      files.indexOf(a.source.file) - files.indexOf(b.source.file) || a.source.line - b.source.line,
  );
}

/** One line for people: `worker.yaml:12 (document 2, ScaledObject default/worker) spec.minReplicaCount: must be …`. */
export function formatProblem({ source, object, path, message }: SpecProblem): string {
  const what = [`document ${source.document}`, ...(object === null ? [] : [object])].join(", ");
  return `${source.file}:${source.line} (${what}) ${path === "" ? "" : `${path}: `}${message}`;
}

/** `spec.triggers[0].metadata["a.b"]`. */
export function formatPath(path: Path): string {
  return path
    .map((key, index) => {
      if (typeof key === "number") return `[${key}]`;
      if (!/^[A-Za-z_][\w-]*$/.test(key)) return `[${JSON.stringify(key)}]`;
      return index === 0 ? key : `.${key}`;
    })
    .join("");
}
