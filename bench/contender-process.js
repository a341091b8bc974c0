// One contender in a process of its own, so that its processor time is its own and Node is the version it asks for.
// The parent sends { id, task, ...arguments } and gets { id, answer } or { id, error }; jobs that it asked to be told of
// come as { lateMs, at }. Times are of the machine's monotonic clock, which all processes share.
import { setTimeout as wait } from "node:timers/promises";

const [module, url] = process.argv.slice(2);
const { open, tuning } = await import(module);
const contender = await open(url);
/** Ends the worker that runs, if any. */
let stop = async () => undefined;

const clockMs = () => Number(process.hrtime.bigint()) / 1e6;
const text = "x".repeat(118);

/** Wall time, and the processor time of this process, of some work. */
async function measured(count, work) {
  const cpu = process.cpuUsage();
  const startedAt = clockMs();
  const endedAt = (await work()) ?? {};
  const ms = (endedAt.to ?? clockMs()) - (endedAt.from ?? startedAt);
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: count / (ms / 1000), cpuMsPerThousand: (user + system) / count };
}

async function sendAll(queue, count, inFlight) {
  let left = count;
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      await contender.send(queue, { text });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

/** From the first handler's start to the last job's completion: starting up is no part of it. */
async function drain(queue, count) {
  let from = null;
  let done = 0;
  let finish = () => undefined;
  const finished = new Promise((resolve) => {
    finish = resolve;
  });
  const end = await contender.work(queue, {
    onStart() {
      from ??= clockMs();
    },
    onDone() {
      done += 1;
      if (done === count) finish(clockMs());
    },
  });
  const to = await finished;
  await end();
  return { from, to };
}

const tasks = {
  about: () => ({ tuning, node: process.version }),
  prepare: ({ queue }) => contender.prepare?.(queue),
  fill: ({ queue, count }) => contender.fill(queue, count, { text }),
  send: ({ queue, count, inFlight }) => measured(count, () => sendAll(queue, count, inFlight)),
  drain: ({ queue, count }) => measured(count, () => drain(queue, count)),
  async listen({ queue }) {
    stop = await contender.work(queue, {
      onStart: ({ at }) => process.send({ lateMs: clockMs() - at, at: clockMs() }),
      onDone: () => undefined,
    });
  },
  async unlisten() {
    await stop();
    stop = async () => undefined;
  },
  /** One job after the other, each to an idle worker. */
  async ping({ queue, count }) {
    for (let sent = 0; sent < count; sent += 1) {
      await (contender.ping ?? contender.send)(queue, { at: clockMs() });
      await wait(10 + Math.random() * 20);
    }
  },
  /** Tries until the broker has taken one job. */
  async pingUntilSent({ queue, withinMs }) {
    const giveUpAt = clockMs() + withinMs;
    const send = contender.ping ?? contender.send;
    while (clockMs() < giveUpAt) {
      const sent = send(queue, { at: clockMs() }).then(
        () => true,
        () => false,
      );
      if (await Promise.race([sent, wait(2000, false)])) return true;
      await wait(50);
    }
    return false;
  },
  async cpuWhile({ ms }) {
    const before = process.cpuUsage();
    await wait(ms);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 10 / ms;
  },
  async close() {
    await stop();
    await contender.close();
  },
};

process.on("message", async ({ id, task, ...args }) => {
  try {
    process.send({ id, answer: (await tasks[task](args)) ?? null });
  } catch (error) {
    process.send({ id, error: error?.stack ?? String(error) });
  }
  if (task === "close") process.exit();
});
// A client that throws into the void while its server is away is judged by whether it comes back.
process.on("unhandledRejection", (error) => process.send({ stray: String(error) }));
process.on("uncaughtException", (error) => process.send({ stray: String(error) }));
process.on("disconnect", () => process.exit());
process.send("open");
