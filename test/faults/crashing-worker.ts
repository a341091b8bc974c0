/** A worker whose jobs never end, to be killed: `node crashing-worker.ts QUEUE LEASE`, the URL in SLUICE_URL. */
import { connect, defineJob, defineWorker, startWorker } from "../../src/index.ts";

const [queue = "", lease = ""] = process.argv.slice(2);
const sluice = await connect(process.env.SLUICE_URL ?? "");
const job = defineJob(queue).handle(async (_input, { id }) => {
  console.log(`runs ${id}`);
  await new Promise(() => undefined);
});
startWorker(defineWorker({ handlers: [job], concurrency: 1, lease }), sluice);
