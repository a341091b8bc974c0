/**
 * The number that KEDA hands on for a metric value: three decimals, and 0 for what is negative or no number. Only for
 * figures that KEDA itself computes (rates, ratios); a source's answer that is no number is a failed reading instead.
 */
export function toMetricValue(value: number): number {
  return Number.isFinite(value) && value > 0 ? Math.round(value * 1000) / 1000 : 0;
}

/** Whole thousandths of an amount: Kubernetes' milli-quantity. */
export function toMilli(amount: number): number {
  return Math.round(amount * 1000);
}

/** An amount cut after three decimals, as KEDA cuts the results of fallbacks and formulas. */
export function truncateToMilli(amount: number): number {
  return Math.trunc(amount * 1000) / 1000;
}
