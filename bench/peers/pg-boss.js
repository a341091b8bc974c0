import { PgBoss } from "pg-boss";

export const tuning =
  "LISTEN/NOTIFY, 4 workers with batches of 100, burst when a batch is full, polling every 0.5 s, 20 connections";

export async function open(connectionString) {
  const boss = new PgBoss({ connectionString, max: 20, useListenNotify: true });
  boss.on("error", () => undefined);
  await boss.start();
  return {
    prepare: (name) => boss.createQueue(name, { notify: true }),
    send: (name, data) => boss.send(name, data),
    async fill(name, count, data) {
      for (let left = count; left > 0; left -= 1000)
        await boss.insert(name, Array(Math.min(left, 1000)).fill({ data }));
    },
    async work(name, { onStart, onDone }) {
      const options = {
        batchSize: 100,
        localConcurrency: 4,
        burstWhenBatchFull: true,
        pollingIntervalSeconds: 0.5,
        notifyPollingIntervalSeconds: 0.5,
      };
      await boss.work(name, options, async (jobs) => {
        for (const { data } of jobs) {
          onStart(data);
          onDone();
        }
      });
      return () => boss.offWork(name);
    },
    close: () => boss.stop({ graceful: false }),
  };
}
