import type { SharedCapMember } from "./shared-cap.ts";

/** What bounds the decisions besides the policy. */
export interface ObjectiveBounds {
  /** What is wanted is asked for here, and what is granted is decided. */
  readonly sharedCap?: SharedCapMember;
  /** Whether busy workers too finish what they have and leave, where another's deadline of the cap is earlier. */
  readonly yieldsBusy?: boolean;
  /** Never fewer, never more. */
  readonly pausedScaleIn?: boolean;
  readonly pausedScaleOut?: boolean;
}

/** What a pause of one direction leaves of a count. */
export function withPauses(
  decided: number,
  current: number,
  { pausedScaleIn, pausedScaleOut }: ObjectiveBounds,
): number {
  const isPaused = decided < current ? pausedScaleIn : decided > current && pausedScaleOut;
  return isPaused ? current : decided;
}
