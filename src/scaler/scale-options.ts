import { type Period, type ScaleOptions, SluiceError } from "../core/index.ts";
import { toPeriodMs } from "./period.ts";

/** {@link ScaleOptions} with every field decided. */
export interface BacklogPolicy {
  readonly minReplicaCount: number;
  readonly maxReplicaCount: number;
  readonly messageCount: number;
  readonly activationMessageCount: number;
  readonly cooldownMs: number;
  readonly stabilizationMs: number;
  readonly pollingIntervalMs: number;
}

const shortestPollingMs = 50;

/**
 * The policy with defaults for one machine filled in. Throws `OPTION_INVALID` or `DURATION_INVALID`.
 *
 * @example
 * const policy = toBacklogPolicy({ maxReplicaCount: 4, cooldownPeriod: "30s" });
 */
export function toBacklogPolicy(options: ScaleOptions = {}): BacklogPolicy {
  const policy: BacklogPolicy = {
    minReplicaCount: wholeNumber("minReplicaCount", options.minReplicaCount ?? 0, 0),
    maxReplicaCount: wholeNumber("maxReplicaCount", options.maxReplicaCount ?? 10, 1),
    messageCount: wholeNumber("messageCount", options.messageCount ?? 5, 1),
    activationMessageCount: wholeNumber(
      "activationMessageCount",
      options.activationMessageCount ?? 0,
      0,
    ),
    cooldownMs: toPeriodMs(options.cooldownPeriod ?? 10, "cooldownPeriod"),
    stabilizationMs: toPeriodMs(options.stabilizationWindow ?? 3, "stabilizationWindow"),
    pollingIntervalMs: toPollingMs(options.pollingInterval ?? 1),
  };
  checkBounds(policy);
  return policy;
}

/** Throws `OPTION_INVALID` where the minimum is above the maximum. */
export function checkBounds(
  policy: Pick<BacklogPolicy, "minReplicaCount" | "maxReplicaCount">,
): void {
  const { minReplicaCount, maxReplicaCount } = policy;
  if (minReplicaCount > maxReplicaCount) {
    throw new SluiceError(
      "OPTION_INVALID",
      `minReplicaCount must be at most maxReplicaCount (${maxReplicaCount}); got ${minReplicaCount}. Lower one or raise the other.`,
    );
  }
}

/** A polling interval in milliseconds. Throws `OPTION_INVALID` for one that is too short, or `DURATION_INVALID`. */
export function toPollingMs(period: Period): number {
  const ms = toPeriodMs(period, "pollingInterval");
  if (ms >= shortestPollingMs) return ms;
  throw new SluiceError(
    "OPTION_INVALID",
    `pollingInterval must be at least ${shortestPollingMs} ms; got ${ms} ms. Write seconds or a text such as "500ms".`,
  );
}

/** The number, if it is whole and no less than `least`. Throws `OPTION_INVALID`. */
export function wholeNumber(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new SluiceError(
    "OPTION_INVALID",
    `${name} must be a whole number from ${least}; got ${JSON.stringify(value)}.`,
  );
}
