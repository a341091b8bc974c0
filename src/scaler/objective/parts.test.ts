import { describe, expect, test } from "vitest";
import { noArrivals, noteArrivals } from "./arrival-rate.ts";
import { needsBeyond, startsWithin, worstShortage } from "./envelope.ts";
import { idleThroughout, noteIdle, withoutReleased } from "./idle-window.ts";
import {
  chooseKeepAlive,
  type IdleGaps,
  keepAliveOf,
  noIdleGaps,
  noteDemand,
} from "./keep-alive.ts";
import { adjustMargins } from "./margins.ts";
import { noteThroughput, notSaturated } from "./saturation.ts";
import { declaredService, meanServiceMs, noteService, serviceMs } from "./service-time.ts";
import { startsLeft, startsOfLastMinute } from "./start-budget.ts";
import { noteStartup, remainingMs, viewStartups } from "./startup-times.ts";
import { addArrivals, keepNewest, pickJobs, withOldest } from "./waiting-jobs.ts";

const total = (batches: readonly { readonly count: number }[]): number =>
  batches.reduce((sum, { count }) => sum + count, 0);

describe("waiting jobs", () => {
  test("leave at the front, and a batch is split where only some of it were started", () => {
    const waiting = addArrivals(addArrivals([], { from: 0, to: 1000, count: 10 }), {
      from: 1000,
      to: 2000,
      count: 10,
    });
    const { waiting: left, started } = keepNewest(waiting, 15);
    expect(left).toEqual([
      { from: 500, to: 1000, count: 5 },
      { from: 1000, to: 2000, count: 10 },
    ]);
    expect(started).toEqual([{ from: 0, to: 500, count: 5 }]);
    expect(keepNewest(waiting, 0).waiting).toEqual([]);
    expect(keepNewest(waiting, 99).waiting).toEqual(waiting);
  });

  test("stay bounded in number, and none is lost", () => {
    let waiting = addArrivals([], { from: 0, to: 1, count: 1 });
    for (let at = 1; at < 1000; at += 1)
      waiting = addArrivals(waiting, { from: at, to: at + 1, count: 1 });
    expect(waiting.length).toBeLessThanOrEqual(256);
    expect(total(waiting)).toBe(1000);
  });

  test("are no younger than the broker says of the oldest", () => {
    const waiting = [{ from: 500, to: 1000, count: 3 }];
    expect(withOldest(waiting, 100)).toEqual([
      { from: 100, to: 100, count: 1 },
      { from: 500, to: 1000, count: 2 },
    ]);
    expect(withOldest(waiting, 900)).toEqual(waiting);
    expect(withOldest([{ from: 0, to: 1000, count: 1 }], 0)).toEqual([
      { from: 0, to: 0, count: 1 },
    ]);
    expect(withOldest(waiting, null)).toEqual(waiting);
  });

  test("are picked evenly, the last always, in order of arrival", () => {
    const jobs = pickJobs([{ from: 0, to: 1010, count: 100 }], 4);
    expect(jobs).toEqual([
      { place: 25, arrivedAt: 250 },
      { place: 50, arrivedAt: 500 },
      { place: 75, arrivedAt: 750 },
      { place: 100, arrivedAt: 1000 },
    ]);
    // Of one job nothing is known but between which looks it came.
    expect(pickJobs([{ from: 0, to: 1000, count: 1 }], 4)).toEqual([{ place: 1, arrivedAt: 500 }]);
    expect(pickJobs([], 32)).toEqual([]);
  });
});

describe("the envelope", () => {
  const none = { idleSlots: 0, busySlots: 0, startingIn: [], concurrency: 1, serviceMs: 1000 };
  const times = { startupMs: 10_000, tickMs: 5000, recoveryMs: 7500 };

  test("lets a worker that is ready s before a deadline begin 1 + s/S jobs", () => {
    expect(startsWithin({ ...none, idleSlots: 1 }, 3000)).toBe(4);
    expect(startsWithin({ ...none, busySlots: 1 }, 3000)).toBe(3);
    expect(startsWithin({ ...none, startingIn: [2000] }, 1999)).toBe(0);
    expect(startsWithin({ ...none, startingIn: [2000] }, 3000)).toBe(2);
    expect(startsWithin({ ...none, startingIn: [2000], concurrency: 10 }, 3000)).toBe(20);
  });

  test("lets a lone job wait until its slack is used up, then asks for one worker", () => {
    const lone = (tauMs: number) => worstShortage(none, [{ tauMs, due: 1, isKnown: true }], times);
    expect(lone(27_000)).toMatchObject({ rule: "deadline", isUrgent: false });
    expect(lone(27_000)?.workers).toBeLessThan(0.5);
    expect(lone(15_000)?.isUrgent).toBe(true);
  });

  test("plans hopeless jobs for when new workers have had a while, and does not panic", () => {
    const late = worstShortage(none, [{ tauMs: -60_000, due: 100, isKnown: true }], times);
    expect(late).toMatchObject({ rule: "hopeless", short: 100, isUrgent: true });
    // 17.5 s from now, 7.5 s after new workers are ready: each begins 8.5 jobs.
    expect(late?.workers).toBeCloseTo(100 / 8.5);
  });

  test("asks for a tenth of the workers when each runs ten jobs", () => {
    const due = [{ tauMs: 20_000, due: 1000, isKnown: true }];
    const one = worstShortage(none, due, times)?.workers ?? 0;
    expect(worstShortage({ ...none, concurrency: 10 }, due, times)?.workers).toBeCloseTo(one / 10);
  });

  test("says what each deadline needs, of idle workers first, and passes over those that need no more", () => {
    const demands = [
      { tauMs: 40_000, due: 200, isKnown: true },
      { tauMs: 20_000, due: 63, isKnown: true },
      { tauMs: 30_000, due: 70, isKnown: true },
    ];
    const capacity = { ...none, busySlots: 1 };
    // By 20 s the busy worker begins 20 jobs and an idle one 21: of 63 jobs, one beyond two idle ones is left.
    const atWork = [
      { tauMs: 20_000, workers: 2 },
      { tauMs: 40_000, workers: 2 + 3 },
    ];
    expect(needsBeyond({ capacity, demands, times }, { busy: 0, idle: 2 })).toEqual(atWork);
    expect(needsBeyond({ capacity: none, demands, times }, { busy: 1, idle: 2 })).toEqual(
      atWork.map(({ tauMs, workers }) => ({ tauMs, workers: workers + 1 })),
    );
    expect(needsBeyond({ capacity, demands: [], times }, { busy: 1, idle: 2 })).toEqual([]);
  });
});

describe("start-up times", () => {
  test("are as declared until five were seen, then the ninth of ten", () => {
    const four = [1, 2, 3, 4].map((s) => s * 1000);
    expect(viewStartups(four, 10_000).p90).toBe(10_000);
    expect(viewStartups([...four, 5000], 10_000).p90).toBe(5000);
    let times: readonly number[] = [];
    for (let start = 0; start < 100; start += 1) times = noteStartup(times, start);
    expect(times).toHaveLength(64);
  });

  test("give what a start still takes, and give up one that takes thrice as long", () => {
    const view = viewStartups([1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 1000, 9000], 500);
    expect(view).toMatchObject({ mean: 1800, spread: 8000 });
    expect(remainingMs(view, 400)).toBe(600);
    expect(remainingMs(view, 3000)).toBe(6000);
    expect(remainingMs(view, 27_001)).toBeNull();
  });
});

describe("service time and arrival rate", () => {
  test("learns the mean of what ended, and forgets what was declared", () => {
    let service = declaredService(60_000);
    for (let look = 0; look < 200; look += 1)
      service = noteService(service, { busyMs: 10 * 500, ended: 10, pendingMs: 0 });
    expect(serviceMs(service, { runningFor: [], begunWithin: () => 0 })).toBeGreaterThan(490);
    expect(serviceMs(service, { runningFor: [], begunWithin: () => 0 })).toBeLessThan(520);
  });

  test("is not moved by many workers that begin or end at once", () => {
    let service = declaredService(1000);
    for (let look = 0; look < 100; look += 1)
      service = noteService(service, { busyMs: 5000, ended: 5, pendingMs: 500 });
    const usual = meanServiceMs(service);
    // 100 workers have begun, and run for half a second; then all end, half a second later.
    service = noteService(service, { busyMs: 50_000, ended: 0, pendingMs: 50_000 });
    expect(meanServiceMs(service) / usual).toBeCloseTo(1, 2);
    service = noteService(service, { busyMs: 50_000, ended: 100, pendingMs: 0 });
    expect(meanServiceMs(service) / usual).toBeGreaterThan(0.9);
    expect(meanServiceMs(service) / usual).toBeLessThan(1.1);
  });

  test("believes running jobs that are far longer than any that ended", () => {
    const service = declaredService(1000);
    const runningFor = [60_000, 60_000, 60_000, 60_000];
    expect(serviceMs(service, { runningFor, begunWithin: () => 0 })).toBe(60_000);
    expect(serviceMs(service, { runningFor, begunWithin: () => 600 })).toBe(1000);
  });

  test("takes a batch that comes at once for no rate, and a rate for one at the second look", () => {
    const batch = noteArrivals(noArrivals, 5000, 5000);
    expect(batch.fast).toBeLessThan(1);
    expect(noteArrivals(batch, 5000, 5000).fast).toBeGreaterThan(250);
  });
});

describe("keep-alive", () => {
  const terms = { binMs: 1000, startupMs: 10_000, startCostMs: 10_000, slackMs: 0 };
  const gaps = (lengthMs: number, count: number): IdleGaps => {
    let state = noIdleGaps;
    let at = 0;
    for (let gap = 0; gap <= count; gap += 1) {
      state = noteDemand(state, { at, demand: 1, binMs: 1000 });
      state = noteDemand(state, { at, demand: 0, binMs: 1000 });
      at += lengthMs;
    }
    return state;
  };

  const first = (idle: IdleGaps, own = terms): number => keepAliveOf(chooseKeepAlive(idle, own), 1);

  test("is what a start costs while little is known", () => {
    expect(chooseKeepAlive(noIdleGaps, terms)).toEqual([10_000]);
  });

  test("spans gaps that are short, and is nothing where all are long", () => {
    expect(first(gaps(3000, 20))).toBeGreaterThanOrEqual(3000);
    expect(first(gaps(600_000, 20))).toBe(0);
  });

  test("is shorter where jobs can wait, and nothing where they can wait longer than a start takes", () => {
    expect(first(noIdleGaps, { ...terms, slackMs: 4000 })).toBe(6000);
    expect(first(noIdleGaps, { ...terms, slackMs: 10_000 })).toBe(0);
    expect(first(gaps(3000, 20), { ...terms, slackMs: 10_000 })).toBe(0);
    expect(first(gaps(3000, 20), { ...terms, slackMs: 8000 })).toBeLessThan(3000);
  });

  test("looks at each layer of demand on its own", () => {
    let state = noteDemand(noIdleGaps, { at: 0, demand: 3, binMs: 1000 });
    state = noteDemand(state, { at: 1000, demand: 1, binMs: 1000 });
    state = noteDemand(state, { at: 2000, demand: 2, binMs: 1000 });
    expect(state.open).toEqual([{ since: 1000, layers: 1 }]);
    expect(state.counts.map((group) => total(group.map((count) => ({ count }))))).toEqual([0, 1]);
  });

  test("judges the layers of bursts apart from those that rest briefly", () => {
    let state = noIdleGaps;
    let at = 0;
    for (let burst = 0; burst < 4; burst += 1) {
      for (let rest = 0; rest < 20; rest += 1) {
        state = noteDemand(state, { at, demand: 1, binMs: 1000 });
        state = noteDemand(state, { at: at + 1000, demand: 0, binMs: 1000 });
        at += 4000;
      }
      state = noteDemand(state, { at, demand: 31, binMs: 1000 });
      state = noteDemand(state, { at: at + 1000, demand: 0, binMs: 1000 });
      at += 600_000;
    }
    const keep = chooseKeepAlive(state, terms);
    expect(keepAliveOf(keep, 1)).toBeGreaterThanOrEqual(3000);
    expect(keepAliveOf(keep, 20)).toBe(0);
    expect(keepAliveOf(keep, 200)).toBe(0);
  });
});

describe("the idle window", () => {
  test("lets go only those that were idle all the time", () => {
    let window = noteIdle(null, { at: 0, idle: 5 }, 10_000);
    window = noteIdle(window, { at: 5000, idle: 2 }, 10_000);
    window = noteIdle(window, { at: 10_000, idle: 4 }, 10_000);
    expect(idleThroughout(window, 10_000, 10_000)).toBe(2);
    expect(idleThroughout(window, 10_000, 4000)).toBe(4);
    expect(idleThroughout(withoutReleased(window, 2), 10_000, 10_000)).toBe(0);
  });

  test("lets none go before it has been open for as long", () => {
    const window = noteIdle(null, { at: 0, idle: 5 }, 10_000);
    expect(idleThroughout(window, 0, 10_000)).toBe(0);
    expect(idleThroughout(window, 0, 0)).toBe(5);
  });
});

describe("margins and guards", () => {
  const feedback = {
    ...{ started: 100, late: 20, elapsedMs: 5000, lateShare: 0.05 },
    ...{ isAdaptive: true, isOutOfReach: true, isChange: false },
  };

  test("aim lower and keep a reserve after late jobs, which fades", () => {
    const after = adjustMargins({ theta: 0.9, reserve: 0 }, feedback);
    expect(after.theta).toBeLessThan(0.9);
    expect(after.reserve).toBeGreaterThan(0);
    const quiet = { ...feedback, started: 0, late: 0, elapsedMs: 1_800_000 };
    expect(adjustMargins({ theta: 0.9, reserve: 2 }, quiet).reserve).toBeCloseTo(1);
    expect(
      adjustMargins({ theta: 0.9, reserve: 2 }, { ...feedback, isOutOfReach: false }).reserve,
    ).toBe(0);
    expect(adjustMargins({ theta: 0.9, reserve: 0 }, { ...feedback, isChange: true }).reserve).toBe(
      0,
    );
  });

  test("stop adding workers that do not raise the rate, and only those", () => {
    const run = (rate: (workers: number) => number, slowdown = 1) => {
      let saturation = notSaturated;
      let ended = 0;
      for (let at = 0; at <= 120_000; at += 1000) {
        const ready = at < 60_000 ? 10 : 20;
        ended += rate(ready);
        saturation = noteThroughput(saturation, {
          ...{ at, ended, ready, isBusy: true },
          ...{ elapsedMs: 1000, serviceMs: ready === 20 ? 1000 * slowdown : 1000 },
          reactionMs: 21_000,
        });
      }
      return saturation.frozenUntil;
    };
    expect(run(() => 10, 2)).not.toBeNull();
    expect(run(() => 10, 1)).toBeNull();
    expect(run(() => 0.5, 2)).toBeNull();
    expect(run((workers) => workers)).toBeNull();
  });

  test("count the starts of the last minute against the budget", () => {
    const starts = [
      { at: 0, count: 30 },
      { at: 50_000, count: 10 },
    ];
    expect(startsLeft(startsOfLastMinute(starts, 59_000), 50)).toBe(10);
    expect(startsLeft(startsOfLastMinute(starts, 61_000), 50)).toBe(40);
    expect(startsLeft(startsOfLastMinute(starts, 59_000), 20)).toBe(0);
  });
});
