/**
 * A cap that several objectives share, in one process. Each member decides by itself and by its own clock; whenever it
 * has, it asks here what it gets. What it gets is its share by the wishes that all others made last (`share-replicas.ts`),
 * as far as there is room: workers of others that have yet to leave take room until they are gone.
 *
 * A member: new → (grant or hold) known → (leave) gone. A wish lapses when it is not made again for a while; its workers
 * still take room. Whoever must give workers up, could have more, or holds what another waits for is asked to look again.
 */
import { type ReplicaNeed, type ReplicaWish, shareReplicas } from "./share-replicas.ts";

/** Workers that take room. */
export interface Occupancy {
  /** Those that are kept: starting, idle, busy, crashed. */
  readonly replicas: number;
  /** Those on their way out, which still run. */
  readonly draining: number;
}

/** What a member would do if it were alone. */
export interface SharedWish extends Occupancy {
  readonly at: number;
  /** Those that no other's need can have: busy and starting ones. */
  readonly locked: number;
  readonly minReplicaCount: number;
  /** What its deadlines need. */
  readonly needs: readonly ReplicaNeed[];
  /** How many it would have. */
  readonly wanted: number;
  /** For how long this holds, unless it is made anew. */
  readonly validMs: number;
}

/** What a member gets. */
export interface SharedGrant {
  /** The cap's name. */
  readonly cap: string;
  readonly maxReplicas: number;
  /** How many it may have now: no more than it wanted, no fewer than are locked. */
  readonly replicas: number;
  /** How many it may have when others have given theirs up. */
  readonly share: number;
  /** Who has the rest, leaving workers included; those without any left out. */
  readonly others: readonly { readonly name: string; readonly replicas: number }[];
}

/** One objective's part in a cap. */
export interface SharedCapMember {
  /** Notes the wish and says what of it may be. What is granted counts as taken from now on. */
  grant(wish: SharedWish): SharedGrant;
  /** Notes what takes room where nothing is to change: a failed reading, a paused object. An earlier wish holds until it lapses. */
  hold(at: number, occupied: Occupancy, minReplicaCount: number): void;
  /** Wants nothing any more; what it has takes room until it leaves. */
  withdraw(): void;
  /** Calls `soon` when another look within that time is worth it. The last one given counts; null: none. */
  onWake(soon: ((inMs: number) => void) | null): void;
  /** Its workers are gone. Idempotent. */
  leave(): void;
}

/** See the top of this file. */
export interface SharedCap {
  readonly name: string;
  readonly maxReplicas: number;
  /** Another cap from now on. Lower than what runs: idle workers leave, busy ones when they are idle. */
  resize(maxReplicas: number): void;
  /** A member of a name of its own. */
  join(name: string): SharedCapMember;
}

/** How often a member looks while another waits for its leaving workers, and for its busy ones to be idle. */
const drainingLookMs = 250;
const busyLookMs = 1000;

/** Nobody grows before all members have looked once, as their shares are not known; this long at most. */
const firstLooksMs = 2000;

/**
 * A cap of that many replicas, without members.
 *
 * @example
 * const gpu = createSharedCap("gpu", 10);
 * const policy = toObjectivePolicy({ maxWait: "30s" });
 * const decide = decideByObjective(policy, { sharedCap: gpu.join("ScaledObject default/mail") });
 */
export function createSharedCap(name: string, maxReplicas: number): SharedCap {
  const pool: Pool = { most: maxReplicas, at: Number.NEGATIVE_INFINITY, members: new Set() };
  return {
    name,
    get maxReplicas() {
      return pool.most;
    },
    resize(to) {
      pool.most = to;
      wakeAll(pool);
    },
    join: (memberName) => joinPool(pool, name, memberName),
  };
}

interface Pool {
  most: number;
  /** The time of the last look. */
  at: number;
  readonly members: Set<Member>;
}

interface Member {
  readonly name: string;
  /** Null before its first look. */
  occupied: Occupancy | null;
  /** When another asked first while this one had not looked yet. */
  awaitedSince: number | null;
  wish: SharedWish | null;
  /** What of it no other's need can have, what was granted since included: that starts. */
  locked: number;
  minReplicaCount: number;
  /** Whether its count is to stay as it is. */
  isHolding: boolean;
  granted: number;
  soon: ((inMs: number) => void) | null;
}

function joinPool(pool: Pool, cap: string, name: string): SharedCapMember {
  const member: Member = {
    ...{ name, occupied: null, awaitedSince: null, wish: null },
    ...{ locked: 0, minReplicaCount: 0, isHolding: false, granted: 0, soon: null },
  };
  pool.members.add(member);
  return {
    grant(wish) {
      const { at, replicas: current, draining, locked, minReplicaCount } = wish;
      note(pool, member, { at, replicas: current, draining });
      Object.assign(member, { wish, locked, minReplicaCount, isHolding: false });
      const share = sharesOf(pool).get(member) ?? current;
      const replicas = possible(pool, member, share);
      member.granted = replicas;
      member.locked += Math.max(0, replicas - current);
      member.occupied = { replicas, draining: draining + Math.max(0, current - replicas) };
      wakeOthers(pool, member);
      const others = [...pool.members].filter((one) => one !== member && roomOf(one) > 0);
      return {
        ...{ cap, maxReplicas: pool.most, replicas, share },
        others: others.map((one) => ({ name: one.name, replicas: roomOf(one) })),
      };
    },
    hold(at, { replicas, draining }, minReplicaCount) {
      note(pool, member, { at, replicas, draining });
      Object.assign(member, { minReplicaCount, isHolding: true, granted: replicas });
      wakeOthers(pool, member);
    },
    withdraw() {
      member.wish = null;
    },
    onWake(soon) {
      member.soon = soon;
    },
    leave() {
      pool.members.delete(member);
      member.soon = null;
      wakeAll(pool);
    },
  };
}

function note(
  pool: Pool,
  member: Member,
  { at, replicas, draining }: Occupancy & { readonly at: number },
): void {
  pool.at = at;
  member.occupied = { replicas, draining };
}

/** What each may have when all have done what they should. */
function sharesOf(pool: Pool): ReadonlyMap<Member, number> {
  const known = [...pool.members].filter(({ occupied }) => occupied !== null);
  return shareReplicas(pool.most, new Map(known.map((member) => [member, wishOf(pool, member)])));
}

/** The wish that counts: without one that holds, to stay as it is. */
function wishOf(pool: Pool, member: Member): ReplicaWish {
  const { wish, isHolding, minReplicaCount, occupied } = member;
  const current = occupied?.replicas ?? 0;
  const holds = wish !== null && pool.at - wish.at <= wish.validMs;
  if (!holds)
    return { held: Math.max(current, minReplicaCount), current, wanted: current, needs: [] };
  const locked = isHolding ? current : Math.min(current, member.locked);
  return {
    held: Math.max(locked, minReplicaCount),
    ...{ current, needs: wish.needs, wanted: wish.wanted },
  };
}

/** What a member may have now, of its share. */
function possible(pool: Pool, member: Member, share: number): number {
  const { wanted } = wishOf(pool, member);
  const { replicas: current = 0, draining = 0 } = member.occupied ?? {};
  if (share <= current) return Math.min(share, wanted);
  const others = [...pool.members].filter((one) => one !== member);
  const taken = others.reduce((sum, one) => sum + roomOf(one), 0);
  const held = others.reduce((sum, one) => sum + wishOf(pool, one).held, 0);
  // Room that only busy workers and minimums leave missing does not come free soon: the minimum goes beyond the cap.
  const floor = pool.most - held < member.minReplicaCount ? member.minReplicaCount : 0;
  const room = others.some((one) => isAwaited(pool, one)) ? 0 : pool.most - taken - draining;
  return Math.min(share, wanted, Math.max(current, floor, room));
}

/** Whether a member's first look is still to come, and not overdue. */
function isAwaited(pool: Pool, member: Member): boolean {
  if (member.occupied !== null) return false;
  member.awaitedSince ??= pool.at;
  return pool.at - member.awaitedSince < firstLooksMs;
}

function wakeAll({ members }: Pool): void {
  for (const { soon } of members) soon?.(0);
}

/** Brings others' next look forward where the asker's changed something for them, and the asker's own where somebody waits. */
function wakeOthers(pool: Pool, asker: Member): void {
  const others = [...sharesOf(pool)].filter(([one]) => one !== asker && !one.isHolding);
  const isAskerWaiting = isWaiting(pool, asker);
  for (const [member, share] of others) {
    const mustGive = share < (member.occupied?.replicas ?? 0);
    if (mustGive || possible(pool, member, share) > member.granted) member.soon?.(0);
    // Of what it has some may be idle by now.
    else if (isAskerWaiting) member.soon?.(busyLookMs);
  }
  const isWaitedFor = isOverfull(pool) || others.some(([member]) => isWaiting(pool, member));
  if (isAskerWaiting || (isWaitedFor && roomOf(asker) > 0)) asker.soon?.(busyLookMs);
  if (isWaitedFor && (asker.occupied?.draining ?? 0) > 0) asker.soon?.(drainingLookMs);
}

/** Whether there are more than there may be. */
function isOverfull({ members, most }: Pool): boolean {
  return [...members].reduce((sum, one) => sum + roomOf(one), 0) > most;
}

/** Whether it was granted less than its deadlines need. */
function isWaiting(pool: Pool, member: Member): boolean {
  if (member.isHolding) return false;
  const { needs, wanted } = wishOf(pool, member);
  return needs.some(({ replicas }) => Math.min(replicas, wanted) > member.granted);
}

/** What a member's workers take. */
function roomOf({ occupied }: Member): number {
  return occupied === null ? 0 : occupied.replicas + occupied.draining;
}
