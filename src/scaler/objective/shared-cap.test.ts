import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Hand, handOf } from "../fixtures/shared-cap-hand.ts";
import { type ReplicaWish, shareReplicas } from "./share-replicas.ts";
import { createSharedCap } from "./shared-cap.ts";

describe("shares of a cap", () => {
  const wish = (rest: Partial<ReplicaWish>): ReplicaWish => ({
    ...{ held: 0, current: 0, wanted: 0, needs: [] },
    ...rest,
  });
  const shared = (cap: number, wishes: Readonly<Record<string, ReplicaWish>>) =>
    Object.fromEntries(shareReplicas(cap, new Map(Object.entries(wishes))));

  test("go to the earliest deadline, after what is held, of whichever queue it is", () => {
    const wishes = {
      late: wish({ held: 2, current: 2, wanted: 8, needs: [{ by: 60, replicas: 8 }] }),
      soon: wish({ wanted: 7, needs: [{ by: 1, replicas: 7 }] }),
      idle: wish({ held: 1, current: 3, wanted: 3 }),
    };
    expect(shared(10, wishes)).toEqual({ late: 2, soon: 7, idle: 1 });
    const steps = [
      { by: 5, replicas: 3 },
      { by: 90, replicas: 9 },
    ];
    const merged = { ...wishes, soon: wish({ wanted: 9, needs: steps }) };
    expect(shared(12, merged)).toEqual({ late: 8, soon: 3, idle: 1 });
  });

  test("leave idle workers before reserves, and both after every deadline", () => {
    const wishes = {
      reserve: wish({ wanted: 4 }),
      idle: wish({ current: 3, wanted: 3 }),
      needy: wish({ wanted: 2, needs: [{ by: 1e12, replicas: 2 }] }),
    };
    expect(shared(4, wishes)).toEqual({ needy: 2, idle: 2, reserve: 0 });
    expect(shared(6, wishes)).toEqual({ needy: 2, idle: 3, reserve: 1 });
  });

  test("are no more than the cap, unless more is held, nor more than is wanted; nothing is left where more is wanted", () => {
    const need = fc.record({ by: fc.integer(), replicas: fc.nat(30) });
    const wishes = fc.array(
      fc.record({
        ...{ held: fc.nat(5), current: fc.nat(8), wanted: fc.nat(30) },
        needs: fc.array(need, { maxLength: 4 }),
      }),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(fc.nat(40), wishes, (cap, all) => {
        const shares = [...shareReplicas(cap, new Map(all.entries())).values()];
        const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
        const held = sum(all.map((one) => one.held));
        const wanted = all.map((one) => Math.max(one.held, one.wanted));
        expect(sum(shares)).toBe(Math.min(sum(wanted), Math.max(cap, held)));
        for (const [index, share] of shares.entries())
          expect(share).toBeLessThanOrEqual(wanted[index] ?? 0);
      }),
    );
  });
});

const need = (by: number, replicas: number) => ({ wanted: replicas, needs: [{ by, replicas }] });

function twoOf(maxReplicas: number): readonly [ReturnType<typeof createSharedCap>, Hand, Hand] {
  const cap = createSharedCap("gpu", maxReplicas);
  const [mail, report] = [handOf(cap, "mail"), handOf(cap, "report")];
  report.look(0);
  mail.look(0);
  return [cap, mail, report];
}

describe("a shared cap", () => {
  test("grants what is wanted while there is room, and says who has the rest", () => {
    const [, mail, report] = twoOf(10);
    expect(mail.look(1, need(50, 7)).replicas).toBe(7);
    expect(report.look(2, need(10, 6))).toEqual({
      ...{ cap: "gpu", maxReplicas: 10, replicas: 3, share: 3 },
      others: [{ name: "mail", replicas: 7 }],
    });
  });

  test("has idle workers given up to another's deadline, and wakes the needy one when they are gone", () => {
    const [, mail, report] = twoOf(4);
    mail.look(1, need(50, 4));
    expect(report.look(2, need(60, 3))).toMatchObject({ replicas: 0, share: 0 });
    // Of four workers one is busy, and no deadline needs the others.
    mail.woken.length = 0;
    expect(mail.look(3, { locked: 1, wanted: 4 }).replicas).toBe(1);
    expect(mail.woken.at(-1)).toBe(250);
    expect(report.look(4, need(60, 3))).toMatchObject({ replicas: 0, share: 3 });
    mail.drained();
    report.woken.length = 0;
    mail.look(5, { locked: 1, wanted: 4 });
    expect(report.woken).toContain(0);
    expect(report.look(6, need(60, 3)).replicas).toBe(3);
  });

  test("asks a member for its idle workers at once, not at its next poll", () => {
    const [, mail, report] = twoOf(4);
    mail.look(1, { wanted: 4 });
    mail.look(2, { locked: 0, wanted: 4 });
    expect(mail.replicas).toBe(4);
    mail.woken.length = 0;
    expect(report.look(3, need(60, 2))).toMatchObject({ replicas: 0, share: 2 });
    expect(mail.woken).toEqual([0]);
    expect(mail.look(4, { locked: 0, wanted: 4 }).replicas).toBe(2);
  });

  test("never takes busy or starting workers, however much later their deadlines are", () => {
    const [, mail, report] = twoOf(4);
    mail.look(1, need(1e9, 4));
    expect(report.look(2, need(1, 4)).replicas).toBe(0);
    expect(mail.look(3, need(1e9, 4)).replicas).toBe(4);
    // It is looked at often, so that a worker that becomes idle is found soon.
    expect(mail.woken.at(-1)).toBe(1000);
    expect(mail.look(4, { ...need(1e9, 4), locked: 3 }).replicas).toBe(3);
  });

  test("keeps idle workers that a later deadline needs only from an earlier one", () => {
    const [, mail, report] = twoOf(4);
    mail.look(1, need(100, 4));
    const idle = { locked: 0, needs: [{ by: 100, replicas: 2 }], wanted: 4 };
    report.look(2, need(200, 4));
    expect(mail.look(3, idle).replicas).toBe(2);
    report.look(4, need(50, 4));
    expect(mail.look(5, idle).replicas).toBe(0);
  });
});

describe("a shared cap, as members come and go,", () => {
  test("lets a wish lapse that is not made again, and not its workers", () => {
    const [, mail, report] = twoOf(4);
    mail.look(1, { locked: 0, ...need(100, 1) });
    mail.look(2, { locked: 0, ...need(100, 4) });
    // Its wish for four is the earlier one, but it has not been heard of for half a minute.
    mail.replicas = 1;
    mail.member.hold(3, { replicas: 1, draining: 0 }, 0);
    expect(report.look(4, need(200, 4)).replicas).toBe(0);
    expect(report.look(40_000, need(200, 4)).replicas).toBe(3);
  });

  test("frees the workers of a member that leaves, and wakes the others", () => {
    const [, mail, report] = twoOf(4);
    mail.look(1, need(100, 4));
    report.look(2, need(200, 4));
    report.woken.length = 0;
    mail.member.leave();
    expect(report.woken).toEqual([0]);
    expect(report.look(3, need(200, 4))).toMatchObject({ replicas: 4, others: [] });
  });

  test("follows another size: smaller, idle workers leave, and busy ones when they are idle", () => {
    const [cap, mail, report] = twoOf(4);
    mail.look(1, need(100, 2));
    report.look(2, { wanted: 2 });
    mail.woken.length = 0;
    cap.resize(1);
    expect(report.woken).toContain(0);
    expect(report.look(3, { locked: 0, wanted: 2 }).replicas).toBe(0);
    report.drained();
    expect(mail.look(4, need(100, 2)).replicas).toBe(2);
    expect(mail.woken.at(-1)).toBe(1000);
    report.look(5);
    cap.resize(4);
    expect(mail.look(5, need(100, 4)).replicas).toBe(4);
  });

  test("goes beyond its size for minimums that busy workers leave no room for, and waits for idle ones to leave", () => {
    const [, mail, report] = twoOf(2);
    mail.look(1, need(100, 2));
    expect(report.look(2, { minReplicaCount: 1, wanted: 1 }).replicas).toBe(1);
    const [, idle, late] = twoOf(2);
    idle.look(1, { wanted: 2 });
    idle.look(2, { locked: 0, wanted: 2 });
    expect(late.look(3, { minReplicaCount: 1, wanted: 1 })).toMatchObject({
      replicas: 0,
      share: 1,
    });
    idle.look(4, { locked: 0, wanted: 2 });
    idle.drained();
    idle.look(5, { locked: 0, wanted: 2 });
    expect(late.look(6, { minReplicaCount: 1, wanted: 1 }).replicas).toBe(1);
  });

  test("lets nobody grow before all have looked once, unless one does not come to it", () => {
    const cap = createSharedCap("gpu", 4);
    const [mail, report] = [handOf(cap, "mail"), handOf(cap, "report")];
    expect(mail.look(0, need(100, 4)).replicas).toBe(0);
    expect(report.look(10, need(50, 3)).replicas).toBe(3);
    expect(mail.woken).toContain(0);
    expect(mail.look(60, need(100, 4)).replicas).toBe(1);
    handOf(cap, "new");
    report.look(70, need(50, 3));
    expect(mail.look(80, need(10, 4)).replicas).toBe(1);
    report.member.leave();
    expect(mail.look(90, need(10, 4)).replicas).toBe(1);
    expect(mail.look(2100, need(10, 4)).replicas).toBe(4);
  });
});

interface Step {
  readonly who: number;
  readonly what: "look" | "hold" | "gone" | "resize";
  readonly size: number;
  readonly busy: number;
  readonly minimum: number;
  readonly by: number;
}

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    who: fc.nat(2),
    what: fc.constantFrom("look", "look", "look", "hold", "gone", "resize"),
    ...{ size: fc.nat(12), busy: fc.nat(12), minimum: fc.nat(2), by: fc.nat(1000) },
  }),
  { maxLength: 60 },
);

class Cluster {
  readonly cap: ReturnType<typeof createSharedCap> = createSharedCap("gpu", 6);
  readonly hands: readonly Hand[] = ["a", "b", "c"].map((name) => handOf(this.cap, name));
  #at = 0;

  get workers(): number {
    return this.hands.reduce((sum, one) => sum + one.replicas + one.draining, 0);
  }

  take({ who, what, size, busy, minimum, by }: Step): void {
    const hand = this.hands[who] as Hand;
    const { replicas, draining } = hand;
    this.#at += 1;
    if (what === "gone") hand.drained();
    if (what === "resize") this.cap.resize(size);
    if (what === "hold") hand.member.hold(this.#at, { replicas, draining }, 0);
    if (what !== "look") return;
    const locked = Math.min(replicas, busy);
    const wanted = Math.max(size, locked);
    const minReplicaCount = Math.min(minimum, wanted);
    const needs = [{ by, replicas: size }];
    const granted = hand.look(this.#at, { locked, wanted, minReplicaCount, needs }).replicas;
    expect(granted).toBeGreaterThanOrEqual(locked);
    expect(granted).toBeLessThanOrEqual(wanted);
    if (granted > Math.max(replicas, minimum))
      expect(this.workers).toBeLessThanOrEqual(this.cap.maxReplicas);
  }
}

describe("whatever its members do, a shared cap", () => {
  test("grants no growth beyond its size but minimums, never takes a locked worker, and loses no room", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const cluster = new Cluster();
        for (const step of list) cluster.take(step);
        // Once all work is done, whoever wants all has all.
        const rest = { busy: 0, minimum: 0, by: 0 };
        for (const what of ["look", "gone", "look"] as const)
          for (const who of [0, 1]) cluster.take({ ...rest, who, what, size: 0 });
        cluster.take({ ...rest, who: 2, what: "gone", size: 0 });
        cluster.take({ ...rest, who: 2, what: "look", size: cluster.cap.maxReplicas });
        expect(cluster.hands[2]?.replicas).toBe(cluster.cap.maxReplicas);
      }),
    );
  });
});
