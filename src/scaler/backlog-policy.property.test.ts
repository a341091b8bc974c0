import fc from "fast-check";
import { test } from "vitest";
import { type BacklogState, decideByBacklog, initialBacklogState } from "./backlog-policy.ts";
import type { Observation } from "./decision.ts";
import type { BacklogPolicy } from "./scale-options.ts";
import { toTargetStatus } from "./target.ts";

const policies: fc.Arbitrary<BacklogPolicy> = fc
  .record({
    minReplicaCount: fc.nat(5),
    room: fc.nat(20),
    messageCount: fc.integer({ min: 1, max: 50 }),
    activationMessageCount: fc.nat(20),
    cooldownMs: fc.nat(20_000),
    stabilizationMs: fc.nat(10_000),
  })
  .map(({ room, ...policy }) => ({
    ...policy,
    maxReplicaCount: Math.max(1, policy.minReplicaCount + room),
    pollingIntervalMs: 1000,
  }));

/** How long after the step before, and the backlog, or null for a failed reading. */
const steps = fc.array(
  fc.record({
    afterMs: fc.nat(4000),
    backlog: fc.option(fc.oneof(fc.constant(0), fc.nat(200)), { freq: 4 }),
  }),
  { maxLength: 40 },
);

function observe(at: number, backlog: number | null, replicas: number): Observation {
  const figures = { ready: backlog, inFlight: 0, delayed: 0, oldestAgeMs: 0 };
  return {
    at,
    samples: backlog === null ? [] : [{ name: "q", value: backlog, at, ...figures }],
    status: { ...toTargetStatus([]), replicas },
    failure: backlog === null ? { of: "trigger", text: "away" } : null,
  };
}

interface Moment {
  readonly at: number;
  readonly backlog: number | null;
  readonly current: number;
  readonly replicas: number;
  readonly before: BacklogState;
}

function play(
  policy: BacklogPolicy,
  story: readonly { readonly afterMs: number; readonly backlog: number | null }[],
  begin: number,
): readonly Moment[] {
  const decide = decideByBacklog(policy);
  let before = initialBacklogState;
  let current = begin;
  let at = 0;
  return story.map(({ afterMs, backlog }) => {
    at += afterMs;
    const { state, decision } = decide(before, observe(at, backlog, current));
    const moment = { at, backlog, current, replicas: decision.replicas, before };
    before = state;
    current = decision.replicas;
    return moment;
  });
}

const stories = [policies, steps, fc.nat(25)] as const;

test("stays within the bounds whenever the reading is good", () => {
  fc.assert(
    fc.property(...stories, (policy, story, begin) =>
      play(policy, story, begin).every(
        ({ backlog, replicas }) =>
          backlog === null ||
          (replicas >= policy.minReplicaCount && replicas <= policy.maxReplicaCount),
      ),
    ),
  );
});

test("changes nothing when the reading failed", () => {
  fc.assert(
    fc.property(...stories, (policy, story, begin) =>
      play(policy, story, begin).every(
        ({ backlog, current, replicas }) => backlog !== null || replicas === current,
      ),
    ),
  );
});

test("never wants fewer replicas for more messages", () => {
  fc.assert(
    fc.property(...stories, fc.nat(300), fc.nat(300), (policy, story, begin, some, more) => {
      const decide = decideByBacklog(policy);
      for (const { at, current, before } of play(policy, story, begin)) {
        const few = decide(before, observe(at, some, current)).decision.replicas;
        const many = decide(before, observe(at, some + more, current)).decision.replicas;
        if (many < few) return false;
      }
      return true;
    }),
  );
});

test("goes to zero only when nothing was active for the whole cooldown", () => {
  fc.assert(
    fc.property(...stories, (policy, story, begin) => {
      let lastActiveAt: number | null = null;
      for (const { at, backlog, current, replicas } of play(policy, story, begin)) {
        const isActive = backlog !== null && backlog > policy.activationMessageCount;
        if (isActive || (lastActiveAt === null && backlog !== null)) lastActiveAt = at;
        const tooEarly = lastActiveAt === null || at - lastActiveAt < policy.cooldownMs;
        if (current > 0 && replicas === 0 && (isActive || tooEarly)) return false;
      }
      return true;
    }),
  );
});

test("keeps at least one replica, and the minimum, while there is work above the activation count", () => {
  fc.assert(
    fc.property(...stories, (policy, story, begin) =>
      play(policy, story, begin).every(
        ({ backlog, replicas }) =>
          backlog === null ||
          backlog <= policy.activationMessageCount ||
          replicas >= Math.max(1, policy.minReplicaCount),
      ),
    ),
  );
});

test("gives the same decision for the same state and observation", () => {
  fc.assert(
    fc.property(...stories, (policy, story, begin) => {
      const [first, second] = [play(policy, story, begin), play(policy, story, begin)];
      return JSON.stringify(first) === JSON.stringify(second);
    }),
  );
});
