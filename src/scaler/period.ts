import { type Period, SluiceError, toMs } from "../core/index.ts";

/**
 * Milliseconds of a period. Unlike a `Duration` of the library a plain number means seconds here, because the fields
 * that take periods are KEDA's and KEDA counts them in seconds. Throws `DURATION_INVALID`.
 */
export function toPeriodMs(period: Period, subject: string): number {
  if (typeof period === "string") return toMs(period, subject);
  if (typeof period === "number" && Number.isFinite(period) && period >= 0)
    return Math.round(period * 1000);
  throw new SluiceError(
    "DURATION_INVALID",
    `${subject} must be seconds (a number from 0, as in KEDA) or a text with units; got ${JSON.stringify(period)}. Write 10 or "10s".`,
  );
}
