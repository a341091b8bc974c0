// What the two settings of graphile-worker share.
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const logger = new Logger(() => () => undefined);

/** `settings` go into the preset of the worker. */
export async function openGraphile(connectionString, settings) {
  const pgPool = new pg.Pool({ connectionString, max: 20 });
  pgPool.on("error", () => undefined);
  pgPool.on("connect", (client) => client.on("error", () => undefined));
  const utils = await makeWorkerUtils({ pgPool, logger });
  await utils.migrate();
  return {
    send: (name, data) => utils.addJob(name, data),
    async fill(name, count, data) {
      for (let left = count; left > 0; left -= 1000)
        await utils.addJobs(Array(Math.min(left, 1000)).fill({ identifier: name, payload: data }));
    },
    async work(name, { onStart, onDone }) {
      const runner = await run({
        preset: { worker: { connectionString, ...settings, logger } },
        taskList: { [name]: async (payload) => onStart(payload) },
        noHandleSignals: true,
      });
      runner.events.on("job:success", () => onDone());
      runner.promise.catch(() => undefined);
      return () => runner.stop();
    },
    async close() {
      await utils.release();
      await pgPool.end();
    },
  };
}
