/** The caps that objects share by `sluice.dev/shared-cap`, and the part of each object in its own. */
import type { Clock, Logger } from "../../core/index.ts";
import {
  createSharedCap,
  type Occupancy,
  type SharedCap,
  type SharedCapMember,
} from "../../scaler/index.ts";
import {
  nameOf,
  type ScaledJob,
  type ScaledObject,
  type SpecSet,
  sharedCapsOf,
} from "../../specs/index.ts";

/** All shared caps of a run. */
export interface SharedCaps {
  /** Takes the sizes from a reading of the files, and warns of minimums that leave no room. */
  follow(set: SpecSet): void;
  /** An object's part, which stays when its spec changes. */
  newPart(): SharedPart;
}

/** An object's part in whichever cap it shares at the time. */
export interface SharedPart {
  /** The member by the object's present spec, having left an earlier cap; null where it shares none. */
  follow(object: ScaledObject | ScaledJob): SharedCapMember | null;
  /** Wants nothing any more, and leaves when `gone` says that its workers are; `occupied` counts them until then. */
  leave(occupied: () => Promise<Occupancy>, gone: Promise<unknown>): Promise<void>;
}

/** How often the workers of an object that leaves are counted. */
const leavingLookMs = 250;

/** The caps of a run, none at first. */
export function createSharedCaps({
  clock,
  logger,
}: {
  readonly clock: Clock;
  readonly logger: Logger;
}): SharedCaps {
  const caps = new Map<string, SharedCap>();

  function capOf(name: string, maxReplicas: number): SharedCap {
    const cap = caps.get(name) ?? createSharedCap(name, maxReplicas);
    caps.set(name, cap);
    return cap;
  }

  return {
    follow(set) {
      for (const { name, maxReplicas, minimums } of sharedCapsOf(set)) {
        const cap = capOf(name, maxReplicas);
        if (cap.maxReplicas !== maxReplicas) cap.resize(maxReplicas);
        if (minimums > maxReplicas)
          logger.warn("minimums leave no room in a shared cap", {
            cap: name,
            minimums,
            maxReplicas,
          });
      }
    },
    newPart: () => createPart(capOf, clock),
  };
}

function createPart(
  capOf: (name: string, maxReplicas: number) => SharedCap,
  clock: Clock,
): SharedPart {
  let part: { readonly cap: string; readonly member: SharedCapMember } | null = null;
  return {
    follow(object) {
      const { sharedCap } = object.controls;
      if (part !== null && part.cap === sharedCap?.name) return part.member;
      part?.member.leave();
      part = null;
      if (sharedCap === null) return null;
      const member = capOf(sharedCap.name, sharedCap.maxReplicas).join(nameOf(object));
      part = { cap: sharedCap.name, member };
      return member;
    },
    async leave(occupied, gone) {
      const left = part?.member;
      part = null;
      await (left === undefined ? gone : leaveWhenGone(left, { occupied, gone, clock }));
    },
  };
}

interface Leaving {
  readonly occupied: () => Promise<Occupancy>;
  readonly gone: Promise<unknown>;
  readonly clock: Clock;
}

/** Gives the room of each worker back as it leaves, and the rest at the end. */
async function leaveWhenGone(
  member: SharedCapMember,
  { occupied, gone, clock }: Leaving,
): Promise<void> {
  let isGone = false;
  let cancel = (): void => undefined;
  async function look(): Promise<void> {
    // Workers that cannot be counted now keep their room until they are known to be gone.
    const now = await occupied().catch(() => null);
    if (isGone) return;
    if (now !== null) member.hold(clock.now(), now, 0);
    cancel = clock.after(leavingLookMs, () => void look());
  }
  member.withdraw();
  await look();
  try {
    await gone;
  } finally {
    isGone = true;
    cancel();
    member.leave();
  }
}

/** How a target's workers are counted that take room in a cap which nobody asks for them: those of a paused object. */
export interface OccupyingTerms<Status> {
  readonly clock: Clock;
  readonly minimum: number;
  readonly occupiedBy: (status: Status) => Occupancy;
}

/** A target's `status` that notes what it says. */
export function occupying<Status>(
  status: () => Promise<Status>,
  member: SharedCapMember,
  { clock, minimum, occupiedBy }: OccupyingTerms<Status>,
): () => Promise<Status> {
  member.withdraw();
  return async () => {
    const now = await status();
    member.hold(clock.now(), occupiedBy(now), minimum);
    return now;
  };
}
