import { formatMs, SluiceError, showValue, toMs } from "../core/index.ts";
import { exponential, normal, type Random, randomStream } from "./random.ts";

/**
 * How long something takes. A lognormal is given by its mean (not its median) and the deviation of its logarithm, and may
 * be capped. Start-ups are never taken as exponential by default: that flatters every policy, since delay grows far more
 * with a fixed start-up of the same mean.
 */
export type Distribution =
  | { readonly kind: "constant"; readonly ms: number }
  | { readonly kind: "exponential"; readonly meanMs: number }
  | { readonly kind: "uniform"; readonly fromMs: number; readonly toMs: number }
  | {
      readonly kind: "lognormal";
      readonly meanMs: number;
      readonly sigma: number;
      readonly capMs?: number;
    }
  /** Any of these, each as likely: what was measured. At least one. */
  | { readonly kind: "measured"; readonly ms: readonly number[] }
  | { readonly kind: "mixture"; readonly parts: readonly MixturePart[] };

/** One mode of a mixture; weights need not add up to 1. */
export interface MixturePart {
  readonly weight: number;
  readonly of: Distribution;
}

/** Always the same. */
export function constant(ms: number): Distribution {
  return { kind: "constant", ms };
}

/** Draws whole microseconds, 0 or more. */
export function sampler(distribution: Distribution, random: Random): () => number {
  const draw = drawMs(distribution, random);
  return () => Math.max(0, Math.round(draw() * 1000));
}

function drawMs(distribution: Distribution, random: Random): () => number {
  switch (distribution.kind) {
    case "constant":
      return () => distribution.ms;
    case "exponential":
      return () => distribution.meanMs * exponential(random);
    case "uniform":
      return () => distribution.fromMs + (distribution.toMs - distribution.fromMs) * random();
    case "lognormal": {
      const { meanMs, sigma, capMs = Number.POSITIVE_INFINITY } = distribution;
      const mu = Math.log(meanMs) - (sigma * sigma) / 2;
      return () => Math.min(capMs, Math.exp(mu + sigma * normal(random)));
    }
    case "measured": {
      const { ms } = distribution;
      return () => ms[Math.floor(random() * ms.length)] ?? 0;
    }
    case "mixture":
      return drawMixture(distribution.parts, random);
  }
}

function drawMixture(parts: readonly MixturePart[], random: Random): () => number {
  const draws = parts.map(({ weight, of }) => ({ weight, draw: drawMs(of, random) }));
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  return () => {
    let left = random() * total;
    for (const { weight, draw } of draws) {
      left -= weight;
      if (left < 0) return draw();
    }
    return draws.at(-1)?.draw() ?? 0;
  };
}

/** The mean, without the effect of a cap. */
export function meanMs(distribution: Distribution): number {
  switch (distribution.kind) {
    case "constant":
      return distribution.ms;
    case "uniform":
      return (distribution.fromMs + distribution.toMs) / 2;
    case "exponential":
    case "lognormal":
      return distribution.meanMs;
    case "measured":
      return distribution.ms.reduce((sum, ms) => sum + ms, 0) / distribution.ms.length;
    case "mixture": {
      const total = distribution.parts.reduce((sum, { weight }) => sum + weight, 0);
      return distribution.parts.reduce(
        (sum, { weight, of }) => sum + (weight / total) * meanMs(of),
        0,
      );
    }
  }
}

/** What that share of the draws does not exceed, from a thousand of them. */
export function quantileMs(distribution: Distribution, share: number): number {
  const draw = drawMs(distribution, randomStream(1, "quantile"));
  const draws = Array.from({ length: 1000 }, draw).toSorted((a, b) => a - b);
  return draws[Math.min(999, Math.floor(share * 1000))] ?? 0;
}

/** In a few words: `10.0s`, `a mean of 12.0s (lognormal)`. */
export function describeDistribution(distribution: Distribution): string {
  const mean = formatMs(meanMs(distribution));
  return distribution.kind === "constant" ? mean : `a mean of ${mean} (${distribution.kind})`;
}

/** What it is never below. */
export function leastMs(distribution: Distribution): number {
  switch (distribution.kind) {
    case "constant":
      return distribution.ms;
    case "uniform":
      return distribution.fromMs;
    case "measured":
      return Math.min(...distribution.ms);
    case "mixture":
      return Math.min(...distribution.parts.map(({ of }) => leastMs(of)));
    case "exponential":
    case "lognormal":
      return 0;
  }
}

const forms =
  "10s, exponential:1s, uniform:5s,15s, lognormal:10s,0.4, lognormal:1s,2,600s, or modes with weights 2s*0.9+60s*0.1";

/**
 * A distribution from text: `10s`, `exponential:1s`, `uniform:5s,15s`, `lognormal:MEAN,SIGMA[,CAP]`, or a mixture of them
 * such as `2s*0.9+60s*0.1`. Throws `OPTION_INVALID`.
 */
export function parseDistribution(text: string, subject: string): Distribution {
  const terms = text.split("+").map((term) => {
    const [body = "", weight = "1", ...rest] = term.split("*");
    const share = Number(weight);
    if (rest.length > 0 || !(share > 0) || !Number.isFinite(share)) throw invalid(text, subject);
    return { weight: share, of: parseTerm(body.trim(), text, subject) };
  });
  const [only] = terms;
  return terms.length === 1 && only ? only.of : { kind: "mixture", parts: terms };
}

function parseTerm(term: string, text: string, subject: string): Distribution {
  const [, kind = "constant", list = ""] = /^(?:([a-z]+):)?(.*)$/.exec(term) ?? [];
  const [first = "", second, third, ...rest] = list.split(",").map((part) => part.trim());
  if (rest.length > 0) throw invalid(text, subject);
  const ms = toMs(first, subject);
  if (kind === "constant" && second === undefined) return constant(ms);
  if (kind === "exponential" && second === undefined) return { kind, meanMs: ms };
  if (kind === "uniform" && second !== undefined && third === undefined) {
    const upper = toMs(second, subject);
    if (upper >= ms) return { kind, fromMs: ms, toMs: upper };
  }
  const sigma = Number(second);
  if (kind === "lognormal" && ms > 0 && second !== undefined && sigma >= 0 && sigma <= 10)
    return { kind, meanMs: ms, sigma, ...(third ? { capMs: toMs(third, subject) } : {}) };
  throw invalid(text, subject);
}

function invalid(text: string, subject: string): SluiceError {
  return new SluiceError(
    "OPTION_INVALID",
    `${subject} must be a duration or a distribution; got ${showValue(text)}. Write ${forms}.`,
  );
}
