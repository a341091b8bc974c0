// What BullMQ on Redis and BullMQ on PostgreSQL share.
import { Queue, Worker } from "bullmq";

/** `make` adds what the broker takes: connection, and the factory of its backend. */
export function openBullmq({ connection, factory, concurrency }) {
  /** The bench uses one queue at a time, and each has connections of its own. */
  const queues = new Map();
  const closeAll = async () => {
    for (const queue of queues.values()) await queue.close();
    queues.clear();
  };
  const queueOf = (name) => {
    const known = queues.get(name);
    if (known) return known;
    // Nothing is kept of jobs that are done, as with everybody else here.
    const defaultJobOptions = { removeOnComplete: true, removeOnFail: true };
    const queue = new Queue(name, { connection: connection(), defaultJobOptions }, ...factory);
    queue.on("error", () => undefined);
    queues.set(name, queue);
    return queue;
  };
  return {
    async prepare(name) {
      await closeAll();
      await queueOf(name).waitUntilReady();
    },
    send: (name, data) => queueOf(name).add("job", data),
    async fill(name, count, data) {
      for (let left = count; left > 0; left -= 500)
        await queueOf(name).addBulk(Array(Math.min(left, 500)).fill({ name: "job", data }));
    },
    async work(name, { onStart, onDone }) {
      const worker = new Worker(
        name,
        async (job) => onStart(job.data),
        { connection: connection(), concurrency },
        ...factory,
      );
      worker.on("error", () => undefined);
      worker.on("completed", () => onDone());
      await worker.waitUntilReady();
      return () => worker.close();
    },
    close: closeAll,
  };
}
