import { figure } from "./markup.ts";

/** From values to places on a line. */
export interface Scale {
  readonly place: (value: number) => number;
  readonly ticks: readonly Tick[];
  readonly from: number;
  readonly to: number;
}

export interface Tick {
  readonly value: number;
  readonly label: string;
}

interface Line {
  /** Places of the lowest and the highest value. */
  readonly from: number;
  readonly to: number;
  /** About as many ticks. */
  readonly ticks: number;
  /** Ticks at whole values alone, as for counts. */
  readonly isWhole?: boolean;
}

/** Evenly, from 0 to at least `highest`, with ticks at round values. */
export function linearScale(
  highest: number,
  line: Line,
  label: (value: number) => string = figure,
): Scale {
  const least = roundStep((highest || 1) / line.ticks);
  const step = line.isWhole ? Math.ceil(least) : least;
  const top = Math.ceil((highest || 1) / step - 1e-9) * step;
  const count = Math.round(top / step);
  const ticks = Array.from({ length: count + 1 }, (_, index) => ({
    value: index * step,
    label: label(index * step),
  }));
  return {
    place: (value) => line.from + ((line.to - line.from) * value) / top,
    ticks,
    from: 0,
    to: top,
  };
}

function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= least * 0.999) ?? 10) * power;
}

/** By powers of ten, with 2 and 5 between them where there is room. Values below `least` stand at its place. */
export function logScale(
  range: { readonly least: number; readonly highest: number },
  line: Line,
  label: (value: number) => string = figure,
): Scale {
  const least = Math.log10(range.least);
  const span = Math.max(0.3, Math.log10(Math.max(range.highest, range.least)) - least);
  const factors = span * 2 > line.ticks ? [1] : span * 3 > line.ticks ? [1, 3] : [1, 2, 5];
  const ticks: Tick[] = [];
  for (let power = Math.floor(least); power <= least + span + 1; power += 1)
    for (const factor of factors) {
      const value = factor * 10 ** power;
      const exponent = Math.log10(value) - least;
      if (exponent >= -1e-9 && exponent <= span + 1e-9) ticks.push({ value, label: label(value) });
    }
  const place = (value: number): number =>
    line.from +
    ((line.to - line.from) * Math.max(0, Math.log10(Math.max(value, range.least)) - least)) / span;
  return { place, ticks, from: range.least, to: 10 ** (least + span) };
}

const second = 1;
const minute = 60;
const hour = 3600;
const day = 86_400;
const timeSteps = [
  ...[1, 2, 5, 10, 15, 30].map((step) => step * second),
  ...[1, 2, 5, 10, 15, 30].map((step) => step * minute),
  ...[1, 2, 3, 6, 12].map((step) => step * hour),
  ...[1, 2, 5, 7, 14, 30, 90, 365].map((step) => step * day),
];

/** Seconds since the beginning, exactly to the end, with ticks at round times. */
export function timeScale(seconds: number, line: Line): Scale {
  const step = timeSteps.find((one) => seconds / one <= line.ticks) ?? 365 * day;
  const ticks: Tick[] = [];
  for (let value = 0; value <= seconds * 1.0001; value += step)
    ticks.push({ value, label: timeLabel(value, step) });
  return {
    place: (value) => line.from + ((line.to - line.from) * value) / (seconds || 1),
    ticks,
    from: 0,
    to: seconds,
  };
}

function timeLabel(value: number, step: number): string {
  if (value === 0) return "0";
  if (step >= day) return `${Math.round(value / day)} d`;
  const days = Math.floor(value / day);
  const rest = value - days * day;
  if (step >= hour) {
    const hours = Math.round(rest / hour);
    return [days > 0 ? `${days} d` : "", hours > 0 ? `${hours} h` : ""].join(" ").trim();
  }
  if (step >= minute) {
    const [hours, minutes] = [Math.floor(value / hour), Math.round((value % hour) / minute)];
    if (hours === 0) return `${minutes} min`;
    return minutes === 0 ? `${hours} h` : `${hours}:${String(minutes).padStart(2, "0")} h`;
  }
  return `${value} s`;
}

/** Seconds as people say them, for axes of durations. */
export function durationLabel(seconds: number): string {
  if (seconds === 0) return "0";
  if (seconds < 1) return `${figure(seconds * 1000)} ms`;
  if (seconds < 120) return `${figure(seconds)} s`;
  if (seconds < 7200) return `${figure(seconds / 60)} min`;
  return seconds < 2 * day ? `${figure(seconds / 3600)} h` : `${figure(seconds / day)} d`;
}
