/**
 * How many replicas one external metric asks for: the HPA's replica calculator. Amounts are whole thousandths ("milli"),
 * as the calculator has them.
 */

/** How far the ratio of use and target may be from 1 without any change. */
export interface Tolerance {
  readonly up: number;
  readonly down: number;
}

/** The count that a metric asks for. */
export interface Proposal {
  readonly replicas: number;
  /** Use by target, and per replica for AverageValue; not finite where there are no replicas. */
  readonly ratio: number;
  readonly isWithinTolerance: boolean;
  /** What the HPA's status reports, in thousandths: per replica for AverageValue, else the metric. */
  readonly reported: number;
}

/** One metric and the replicas that it is held against. */
export interface Usage {
  /** In thousandths. */
  readonly usage: number;
  /** In thousandths, more than 0. */
  readonly target: number;
}

/** The HPA holds counts in 32 bits. */
const most = 2 ** 31 - 1;

/** The HPA's band: `1 - down` to `1 + up`, both included. */
export function isWithin(ratio: number, { up, down }: Tolerance): boolean {
  return 1 - down <= ratio && ratio <= 1 + up;
}

/** AverageValue: the metric divided by the target; within the band, the pods that exist. */
export function replicasByAverageValue(
  { usage, target }: Usage,
  existing: number,
  tolerance: Tolerance,
): Proposal {
  const ratio = usage / (target * existing);
  const isWithinTolerance = isWithin(ratio, tolerance);
  return {
    replicas: isWithinTolerance ? existing : Math.min(most, Math.ceil(usage / target)),
    ratio,
    isWithinTolerance,
    reported: existing === 0 ? usage : Math.ceil(usage / existing),
  };
}

/**
 * Value: ready pods times the ratio; within the band, the present count. With no pod at all there is nothing to multiply,
 * which the HPA treats as a failed metric; the caller has to look for that.
 */
export function replicasByValue(
  { usage, target }: Usage,
  pods: { readonly current: number; readonly ready: number },
  tolerance: Tolerance,
): Proposal {
  const ratio = usage / target;
  const isWithinTolerance = pods.current !== 0 && isWithin(ratio, tolerance);
  const base = pods.current === 0 ? 1 : pods.ready;
  const replicas = isWithinTolerance ? pods.current : Math.min(most, Math.ceil(ratio * base));
  return { replicas, ratio, isWithinTolerance, reported: usage };
}
