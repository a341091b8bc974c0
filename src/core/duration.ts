import { SluiceError, showValue } from "./errors.ts";

/** Milliseconds as a number, or a text of numbers with units: `"250ms"`, `"30s"`, `"1h30m"`, `"2d"`. */
export type Duration = number | string;

/** A period as KEDA writes it, a number of SECONDS, or a text with units such as `"10s"` or `"500ms"`. */
export type Period = Duration;

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const part = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;
const whole = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;

/**
 * Milliseconds of a duration, rounded to a whole number. `subject` names the option in the error.
 * Throws `DURATION_INVALID` for anything that is not a duration of zero or more.
 */
export function toMs(duration: Duration, subject = "duration"): number {
  if (typeof duration === "number" && Number.isFinite(duration) && duration >= 0)
    return Math.round(duration);
  if (typeof duration === "string" && whole.test(duration)) {
    let ms = 0;
    for (const [, amount, unit] of duration.matchAll(part))
      ms += Number(amount) * (unitMs[unit ?? ""] ?? 0);
    if (Number.isFinite(ms)) return Math.round(ms);
  }
  throw new SluiceError(
    "DURATION_INVALID",
    `${subject} must be milliseconds (a number from 0) or a text with units; got ${showValue(duration)}. Write 250ms, 30s, 5m, 2h, 1h30m or 1d.`,
  );
}

/** A short text for people: `850ms`, `12.3s`, `4m 10s`, `2h 5m`, `3d 4h`. */
export function formatMs(ms: number): string {
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.max(60, Math.floor(ms / 1000));
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)}h ${minutes % 60}m`;
  return `${Math.floor(minutes / 1440)}d ${Math.floor((minutes % 1440) / 60)}h`;
}
