import { createHash } from "node:crypto";
import { describeError, type Logger } from "../../core/index.ts";
import { nameOf, type ScaledJob, type ScaledObject, type SpecSet } from "../../specs/index.ts";
import { joinErrors } from "./open-triggers.ts";
import { openUnit, type ScaledUnit, type UnitOptions } from "./scaled-unit.ts";
import { createSharedCaps } from "./shared-caps.ts";

/** All objects of a set of specs at work. */
export interface ScaledUnits {
  readonly count: number;
  /**
   * Follows another reading of the files: new objects start, missing ones drain and leave, changed ones go on by their new
   * spec. What is wrong with one keeps that one as it was and is logged.
   */
  follow(set: SpecSet): Promise<void>;
  close(): Promise<void>;
}

/**
 * Between the first looks of two objects. Many objects with the same interval would all look at the same moment for ever
 * otherwise; with this, 2,000 of them begin over 20 s.
 */
const startGapMs = 10;

/** Starts every object. Throws all that is wrong with any of them, having started none. */
export async function startUnits(
  set: SpecSet,
  shared: Omit<UnitOptions, "sharedCaps">,
): Promise<ScaledUnits> {
  const sharedCaps = createSharedCaps(shared);
  const options: UnitOptions = { ...shared, sharedCaps };
  sharedCaps.follow(set);
  const units = new Map<string, ScaledUnit>();
  const prints = new Map<string, string>();
  const owners = ownersOf(set);
  const opened = await Promise.allSettled(owners.map((owner) => openUnit(set, owner, options)));
  const failed = opened.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
  for (const one of opened) if (one.status === "fulfilled") add(one.value);
  if (failed.length > 0) {
    await close();
    throw joinErrors(failed);
  }
  let prepared = fingerprints(set);
  for (const [name, print] of prepared) prints.set(name, print);
  for (const [place, unit] of [...units.values()].entries()) unit.start(place * startGapMs);

  function add(unit: ScaledUnit): void {
    units.set(nameOf(unit.owner), unit);
  }

  async function close(): Promise<void> {
    await Promise.all([...units.values()].map((unit) => unit.close()));
  }

  async function followOne(next: SpecSet, owner: ScaledObject | ScaledJob): Promise<void> {
    const name = nameOf(owner);
    const print = prepared.get(name) ?? "";
    if (prints.get(name) === print) return;
    const unit = units.get(name);
    if (unit !== undefined) await unit.update(next, owner);
    else {
      const opened = await openUnit(next, owner, options);
      add(opened);
      opened.start(0);
    }
    prints.set(name, print);
    options.logger.info(unit === undefined ? "started" : "changed", { object: name });
  }

  return {
    get count() {
      return units.size;
    },
    async follow(next) {
      prepared = fingerprints(next);
      sharedCaps.follow(next);
      for (const owner of ownersOf(next))
        await logged(options.logger, owner, () => followOne(next, owner));
      for (const [name, unit] of units) {
        if (prepared.has(name)) continue;
        units.delete(name);
        prints.delete(name);
        options.logger.info("removed", { object: name });
        await unit.close();
      }
    },
    close,
  };
}

async function logged(
  logger: Logger,
  owner: ScaledObject | ScaledJob,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    logger.error("the change is not followed", {
      object: nameOf(owner),
      error: describeError(error),
    });
  }
}

function ownersOf(set: SpecSet): readonly (ScaledObject | ScaledJob)[] {
  return [...set.scaledObjects, ...set.scaledJobs];
}

/**
 * What an object depends on, as a digest to compare. Everything that it could refer to counts, which is more than it does
 * refer to; a change that turns out to be none costs a fresh look and nothing else.
 */
function fingerprints(set: SpecSet): ReadonlyMap<string, string> {
  const { authentications, workloads, data } = set;
  const lists = [authentications, workloads, data].map((list) => list.map(withoutPlace));
  const shared = createHash("sha256").update(JSON.stringify(lists)).digest("hex");
  return new Map(
    ownersOf(set).map((owner) => {
      const own = JSON.stringify(withoutPlace(owner));
      return [nameOf(owner), createHash("sha256").update(own).update(shared).digest("hex")];
    }),
  );
}

/** A line more at the top of a file changes no object. */
function withoutPlace({ source: _, ...rest }: { readonly source: unknown }): unknown {
  return rest;
}
