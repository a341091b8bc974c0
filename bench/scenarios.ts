/**
 * What is measured of every contender, the same for every broker. Contenders take turns within each round, so that what
 * else the machine does hits all alike; while one is measured the others wait without a worker.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { TestServer } from "../test/support/servers.ts";
import type { Contender, Start, Taken } from "./contender.ts";
import { percentile } from "./measure.ts";

/** The figures of one contender in one scenario, one per round. */
export interface Series {
  readonly scenario: string;
  readonly unit: string;
  /** Whether more is better. */
  readonly isRate: boolean;
  readonly contender: string;
  readonly figures: number[];
}

/** A contender with a second process of the same kind, which sends what the first one works. */
export interface Pair {
  readonly worker: Contender;
  readonly sender: Contender;
}

/** Where figures are collected. */
export type Note = (series: Omit<Series, "figures">, figure: number) => void;

/** Counts what contenders ask of the server; costs the server something, so it is closed soon. */
export interface QueryCounter {
  /** How much each has asked since some moment, by the contender's name. */
  count(): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
}

/** What every scenario works with. */
export interface Bench {
  readonly pairs: readonly Pair[];
  readonly rounds: number;
  readonly note: Note;
  readonly server: TestServer;
  /** Absent where nobody can tell. */
  readonly countQueries?: () => Promise<QueryCounter>;
}

const inFlight = 64;
const pings = 100;
const idleMs = 20_000;
const roundLimitMs = 60_000;
const recoveryLimitMs = 30_000;

const rates = { unit: "/s", isRate: true };
const times = { unit: "ms", isRate: false };
const cpu = { unit: "CPU ms per 1,000", isRate: false };

/** A queue of its own for each round. */
async function newQueue(...contenders: readonly Contender[]): Promise<string> {
  const queue = `bench-${randomUUID()}`;
  for (const contender of contenders) await contender.ask("prepare", { queue });
  return queue;
}

/** Once without being measured: code is compiled, connections are opened. */
async function eachRound(
  { pairs, rounds }: Bench,
  run: (pair: Pair, isMeasured: boolean) => Promise<void>,
): Promise<void> {
  for (let round = 0; round <= rounds; round += 1) {
    for (const pair of pairs) {
      const { name } = pair.worker.plan;
      await within(roundLimitMs, `${name} in round ${round} of ${run.name}`, run(pair, round > 0));
    }
  }
}

/** A contender that does not come to an end must not hold up the rest for ever. */
async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} has taken more than ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Awaited sends. */
export async function sends(bench: Bench): Promise<void> {
  await eachRound(bench, async function send({ worker }, isMeasured) {
    const { name: contender, sends: count } = worker.plan;
    const queue = await newQueue(worker);
    const taken = await worker.ask<Taken>("send", { queue, count, inFlight });
    if (!isMeasured) return;
    bench.note({ scenario: "awaited sends, 64 in flight", contender, ...rates }, taken.perSecond);
    bench.note({ scenario: "sends", contender, ...cpu }, taken.cpuMsPerThousand);
  });
}

/** One process works off a backlog of jobs that do nothing. */
export async function drains(bench: Bench): Promise<void> {
  await eachRound(bench, async function drain({ worker }, isMeasured) {
    const { name: contender, jobs: count } = worker.plan;
    const queue = await newQueue(worker);
    await worker.ask("fill", { queue, count });
    const taken = await worker.ask<Taken>("drain", { queue, count });
    if (!isMeasured) return;
    bench.note({ scenario: "drain of no-op jobs", contender, ...rates }, taken.perSecond);
    bench.note({ scenario: "drain", contender, ...cpu }, taken.cpuMsPerThousand);
  });
}

/** From before the send to the start of the handler, of single jobs to an idle worker. */
export async function latencies(bench: Bench): Promise<void> {
  for (const [where, from] of [
    ["one process", "worker"],
    ["two processes", "sender"],
  ] as const) {
    await eachRound(bench, async function ping(pair, isMeasured) {
      const { worker } = pair;
      const contender = worker.plan.name;
      const waits = await pingAll(pair, pair[from]);
      if (!isMeasured) return;
      const scenario = `publish → start, idle, ${where}`;
      bench.note({ scenario: `${scenario}, p50`, contender, ...times }, percentile(waits, 0.5));
      bench.note({ scenario: `${scenario}, p99`, contender, ...times }, percentile(waits, 0.99));
    });
  }
}

/** Sorted. */
async function pingAll({ worker, sender }: Pair, from: Contender): Promise<readonly number[]> {
  const queue = await newQueue(worker, sender);
  const waits: number[] = [];
  const all = new Promise<void>((resolve) => {
    worker.onStart = ({ lateMs }) => {
      if (waits.push(lateMs) === pings) resolve();
    };
  });
  await worker.ask("listen", { queue });
  await wait(500);
  await from.ask("ping", { queue, count: pings });
  await all;
  await worker.ask("unlisten");
  return waits.sort((a, b) => a - b);
}

/** What a worker that has nothing to do costs the server and the machine. All are idle at the same time. */
export async function idle(bench: Bench): Promise<void> {
  const workers = bench.pairs.map(({ worker }) => worker);
  for (const worker of workers) await worker.ask("listen", { queue: await newQueue(worker) });
  await wait(3000);
  const queries = await bench.countQueries?.();
  const before = await queries?.count();
  const shares = await Promise.all(
    workers.map((worker) => worker.ask<number>("cpuWhile", { ms: idleMs })),
  );
  const after = await queries?.count();
  await queries?.close();
  for (const [index, { plan }] of workers.entries()) {
    const subject = { contender: plan.name, isRate: false };
    bench.note({ ...subject, scenario: "idle worker", unit: "% of a core" }, shares[index] ?? 0);
    if (before === undefined || after === undefined) continue;
    const asked = (after.get(plan.name) ?? 0) - (before.get(plan.name) ?? 0);
    bench.note(
      { ...subject, scenario: "idle worker, queries", unit: "/s" },
      (asked / idleMs) * 1000,
    );
  }
  for (const worker of workers) await worker.ask("unlisten");
}

/**
 * From the moment when a restarted server takes connections to the start of a job that is published from then on, as
 * soon as the server takes it. The worker was idle when the server went. All live through the same restarts. To be
 * measured last, since not everybody survives it.
 */
export async function recoveries(bench: Bench, rounds = 3): Promise<void> {
  const queues = new Map<Pair, string>();
  for (const pair of bench.pairs) {
    const queue = await newQueue(pair.worker, pair.sender);
    queues.set(pair, queue);
    await pair.worker.ask("listen", { queue });
    await pair.sender.ask("pingUntilSent", { queue, withinMs: recoveryLimitMs });
  }
  for (let round = 0; round < rounds; round += 1) {
    await wait(2000);
    await bench.server.restart({ downMs: 1000 });
    const readyAt = Number(process.hrtime.bigint()) / 1e6;
    await Promise.all(
      [...queues].map(async ([pair, queue]) => {
        const ms = await recovery(pair, queue, readyAt);
        const contender = pair.worker.plan.name;
        const scenario = `first job after a restart of the server (limit ${recoveryLimitMs} ms)`;
        bench.note({ scenario, contender, ...times }, ms);
      }),
    );
  }
}

async function recovery({ worker, sender }: Pair, queue: string, readyAt: number): Promise<number> {
  const started = new Promise<Start>((resolve) => {
    worker.onStart = (start) => {
      if (start.at - start.lateMs >= readyAt) resolve(start);
    };
  });
  const limit = wait(recoveryLimitMs, null);
  sender.ask("pingUntilSent", { queue, withinMs: recoveryLimitMs }).catch(() => undefined);
  const start = await Promise.race([started, limit]);
  return start === null ? recoveryLimitMs : start.at - readyAt;
}
