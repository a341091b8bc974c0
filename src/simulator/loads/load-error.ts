import { SluiceError } from "../../core/index.ts";

/** A place in a file that a load is read from. */
export interface LinePosition {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** `LOAD_INVALID` with the place in front. */
export function loadError({ file, line }: LinePosition, message: string): SluiceError {
  return new SluiceError("LOAD_INVALID", `${file}:${line}: ${message}`);
}

/** More jobs than this are not loaded at once: 17 bytes each, and twice that while the list grows. */
export const mostJobs = 100_000_000;

/** The error of a load that would not fit. */
export function tooManyJobs(position: LinePosition): SluiceError {
  return loadError(
    position,
    `a load must have at most ${mostJobs.toLocaleString("en")} jobs (17 bytes each); this one has more. Take a part of it with --from and --until, or with counts a share of it with --scale 0.1.`,
  );
}
