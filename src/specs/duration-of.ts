import { type Duration, isSluiceError, toMs } from "../core/index.ts";

/** Milliseconds; null for what is no duration. */
export function durationOf(value: Duration | undefined): number | null {
  if (value === undefined) return null;
  try {
    return toMs(value);
  } catch (error) {
    if (isSluiceError(error)) return null;
    throw error;
  }
}
