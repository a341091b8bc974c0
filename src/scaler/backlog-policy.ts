/**
 * Workers follow the backlog: as many as it takes to give each `messageCount` of the messages that wait or run. Messages
 * whose delay has not passed are not due and not counted.
 *
 * KEDA's two halves in one pure function. Between zero and some: activation from zero (strictly more than
 * `activationMessageCount`), and to zero from any count once nothing was active for the cooldown. Between one and many:
 * the HPA's `ceil(value / target)`, clamped, with scale-in stabilised by the highest recommendation of a window. Unlike
 * KEDA, the first step from zero goes straight to the wanted count, and a policy that finds workers running at its first
 * look counts the cooldown from then.
 *
 * State: when there was work last (null: no look yet), and the recommendations of the window (empty at zero).
 */
import { type Figured, hold, record } from "./backlog-record.ts";
import type { Decide, Observation, Reason } from "./decision.ts";
import type { BacklogPolicy } from "./scale-options.ts";
import { type Recommendation, remember, stabilize } from "./stabilization.ts";

/** The memory of the policy between two decisions. */
export interface BacklogState {
  readonly lastActiveAt: number | null;
  readonly recommendations: readonly Recommendation[];
}

/** Before the first look. */
export const initialBacklogState: BacklogState = { lastActiveAt: null, recommendations: [] };

/**
 * The policy as a decision function; see the top of this file.
 *
 * @example
 * const decide = decideByBacklog(toBacklogPolicy({ maxReplicaCount: 4 }));
 */
export function decideByBacklog(policy: BacklogPolicy): Decide<BacklogState> {
  return (state, seen) => {
    if (seen.failure !== null) return { state, decision: hold(policy, seen, failureReason(seen)) };
    const backlog = backlogOf(seen);
    if (!(backlog >= 0 && Number.isFinite(backlog)))
      return { state, decision: hold(policy, seen, senselessReason(backlog)) };
    return decide(policy, state, seen, backlog);
  };
}

function decide(policy: BacklogPolicy, state: BacklogState, seen: Observation, backlog: number) {
  const current = seen.status.replicas;
  const active = backlog > policy.activationMessageCount;
  const lastActiveAt = active ? seen.at : Math.min(state.lastActiveAt ?? seen.at, seen.at);
  const cooldownLeftMs = Math.max(0, lastActiveAt + policy.cooldownMs - seen.at);
  const rests = policy.minReplicaCount === 0 && !active;
  const toZero = rests && (current === 0 || cooldownLeftMs === 0);

  const raw = Math.ceil(backlog / policy.messageCount);
  const floor = Math.max(1, policy.minReplicaCount);
  const bounded = Math.min(Math.max(raw, floor), policy.maxReplicaCount);
  const recommendations = recommend(policy, state, seen, bounded);
  const stabilized = Math.min(stabilize(current, bounded, recommendations), policy.maxReplicaCount);

  const figured: Figured = {
    policy,
    seen,
    current,
    backlog,
    active,
    raw,
    floor,
    bounded,
    stabilized,
    cooldownLeftMs,
    toZero,
    replicas: toZero ? 0 : stabilized,
  };
  return {
    state: { lastActiveAt, recommendations: toZero ? [] : recommendations },
    decision: record(figured),
  };
}

/** A first look counts the present replicas as a recommendation, as the HPA does, so that a restart drops nobody at once. */
function recommend(
  policy: BacklogPolicy,
  state: BacklogState,
  seen: Observation,
  bounded: number,
): readonly Recommendation[] {
  const present = { at: seen.at, replicas: seen.status.replicas };
  const earlier = state.lastActiveAt === null ? [present] : state.recommendations;
  return remember(earlier, { at: seen.at, replicas: bounded }, policy.stabilizationMs);
}

/**
 * What the samples add up to. Where a broker does not tell how many messages run, each busy worker stands for one, so
 * that unknown never counts as none.
 */
function backlogOf(seen: Observation): number {
  const sum = seen.samples.reduce((total, sample) => total + sample.value, 0);
  const untold = seen.samples.some((sample) => sample.ready !== null && sample.inFlight === null);
  return untold ? sum + seen.status.busy : sum;
}

function failureReason({ failure, status }: Observation): Reason {
  return {
    code: failure?.of === "target" ? "FailedGetScale" : "KEDAScalerFailed",
    text: `held at ${status.replicas}: ${failure?.text ?? ""}`,
    figures: { replicas: status.replicas },
  };
}

function senselessReason(backlog: number): Reason {
  const text = `the samples must add up to a number from 0; got ${backlog}. The count is held`;
  return { code: "KEDAScalerFailed", text, figures: {} };
}
