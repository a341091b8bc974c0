/**
 * RabbitMQ, beside bare amqplib with the same durability and prefetch. Run with `npm run bench:rabbitmq`, which starts a
 * broker of its own; the machine should be otherwise idle. Quote ratios: absolute figures are the machine's.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { connect, defineJob, defineWorker, noTelemetry, type Sluice, startWorker } from "sluice";
import { startRabbitmq } from "../test/support/servers.ts";
import { type Contender, interleave, type Measured, percentile, rate, report } from "./measure.ts";
import { openRaw, type RawQueue } from "./raw-rabbitmq.ts";

const rounds = Number(process.env.SLUICE_BENCH_ROUNDS ?? 5);
const inFlight = 64;
const concurrency = 100;
const body = { text: "x".repeat(118) };
const bytes = Buffer.from(JSON.stringify(body));

/** What every part works with. */
interface Bench {
  readonly sluice: Sluice;
  readonly raw: RawQueue;
}

const newQueue = (): string => `bench-${randomUUID().slice(0, 8)}`;

/** `count` calls of `send`, always 64 of them awaited. */
async function sendAll(count: number, send: () => Promise<unknown>): Promise<void> {
  let left = count;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await send();
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

async function sends({ sluice, raw }: Bench): Promise<void> {
  const count = 20_000;
  const purge = async (queue: string): Promise<void> => raw.drain(queue, { count, prefetch: 500 });
  const contenders: readonly Contender[] = [
    {
      name: "sluice",
      async run() {
        const queue = newQueue();
        await sluice.driver.depth(queue);
        const figure = await rate(count, () => sendAll(count, () => sluice.publish(queue, body)));
        await purge(queue);
        return figure;
      },
    },
    {
      name: "raw",
      async run() {
        const queue = newQueue();
        await raw.declare(queue);
        const figure = await rate(count, () => sendAll(count, () => raw.send(queue, bytes)));
        await purge(queue);
        return figure;
      },
    },
  ];
  await interleave(contenders, 1); // warm
  const [ours, theirs] = await interleave(contenders, rounds);
  compare("confirmed sends/s, 64 in flight", ours, theirs);
}

async function drains({ sluice, raw }: Bench): Promise<void> {
  const count = 20_000;
  const fill = async (): Promise<string> => {
    const queue = newQueue();
    await sluice.driver.depth(queue);
    await sendAll(count, () => raw.send(queue, bytes));
    return queue;
  };
  const contenders: readonly Contender[] = [
    {
      name: "sluice",
      async run() {
        const queue = await fill();
        return rate(count, () => workAll(sluice, queue, count));
      },
    },
    {
      name: "raw",
      async run() {
        const queue = await fill();
        return rate(count, () => raw.drain(queue, { count, prefetch: concurrency }));
      },
    },
  ];
  await interleave(contenders, 1); // warm
  const [ours, theirs] = await interleave(contenders, rounds);
  compare(`drain of no-op jobs/s, prefetch and concurrency ${concurrency}`, ours, theirs);
}

async function workAll(sluice: Sluice, queue: string, count: number): Promise<void> {
  const handlers = [defineJob(queue).handle(() => undefined)];
  const worker = startWorker(defineWorker({ handlers, concurrency }), sluice);
  await new Promise<void>((resolve) => {
    worker.onActivity(() => worker.completed === count && resolve());
  });
  await worker.drain();
}

async function latency({ sluice, raw }: Bench): Promise<void> {
  const job = defineJob<number>(newQueue());
  const ours: number[] = [];
  const theirs: number[] = [];
  const handlers = [job.handle((at) => ours.push(performance.now() - at))];
  const worker = startWorker(defineWorker({ handlers }), sluice);
  const queue = newQueue();
  await raw.declare(queue);
  await raw.listen(queue, (at) => theirs.push(performance.now() - Number(at)));
  for (let round = 0; round < 500; round += 1) {
    await sluice.publish(job, performance.now());
    await wait(4);
    await raw.send(queue, Buffer.from(String(performance.now())));
    await wait(4);
  }
  await worker.drain();
  reportWaits("idle publish → handler start, one process, ms [min–p99]", ours.slice(50), "p50 ≤ 3");
  reportWaits("  raw", theirs.slice(50), "");
}

function reportWaits(what: string, waits: readonly number[], goal: string): void {
  const sorted = waits.toSorted((one, other) => one - other);
  const [min, median, max] = [0, 0.5, 0.99].map((share) => percentile(sorted, share));
  report(what, { name: what, min: min ?? 0, median: median ?? 0, max: max ?? 0 }, goal);
}

function compare(what: string, ours?: Measured, theirs?: Measured): void {
  if (!ours || !theirs) return;
  report(what, ours, "");
  report("  raw amqplib", theirs, "");
  const ratio = {
    name: "ratio",
    median: ours.median / theirs.median,
    min: ours.min / theirs.max,
    max: ours.max / theirs.min,
  };
  report("  ratio to raw", ratio, "≥ 0.8");
}

const server = await startRabbitmq();
const sluice = await connect(server.url, { telemetry: noTelemetry });
const raw = await openRaw(server.url);
try {
  console.log(
    `node ${process.version}, ${process.platform} ${process.arch}; medians of interleaved rounds [min–max]\n`,
  );
  for (const part of [sends, drains, latency]) await part({ sluice, raw });
} finally {
  await sluice.close();
  await raw.close();
  await server.close();
}
