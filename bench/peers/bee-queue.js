import Queue from "bee-queue";
import { redisOptions } from "./redis-options.js";

export const tuning = "concurrency 50, events off, jobs removed when done";

export async function open(url) {
  /** The bench uses one queue at a time, and each has connections of its own. */
  const queues = new Map();
  const closeAll = async () => {
    for (const queue of queues.values()) await queue.close();
    queues.clear();
  };
  const make = (name, isWorker) => {
    const queue = new Queue(name, {
      redis: redisOptions(url),
      isWorker,
      getEvents: false,
      sendEvents: false,
      storeJobs: false,
      removeOnSuccess: true,
      removeOnFailure: true,
    });
    queue.on("error", () => undefined);
    return queue;
  };
  const queueOf = (name) => {
    const queue = queues.get(name) ?? make(name, false);
    queues.set(name, queue);
    return queue;
  };
  return {
    async prepare(name) {
      await closeAll();
      await queueOf(name).ready();
    },
    send: (name, data) => queueOf(name).createJob(data).save(),
    async fill(name, count, data) {
      const queue = queueOf(name);
      for (let left = count; left > 0; left -= 500)
        await queue.saveAll(
          Array.from({ length: Math.min(left, 500) }, () => queue.createJob(data)),
        );
    },
    async work(name, { onStart, onDone }) {
      const queue = make(name, true);
      await queue.ready();
      queue.on("succeeded", () => onDone());
      queue.process(50, async (job) => onStart(job.data));
      return () => queue.close(5000);
    },
    close: closeAll,
  };
}
