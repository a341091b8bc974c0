// A worker process without a TypeScript loader, so that its memory is the product's own. Sends how late each job was.
import { connect, defineJob, defineWorker, startWorker } from "sluice";

const sluice = await connect(process.argv[2]);
const job = defineJob("bench");
const late = job.handle((at) => process.send?.(performance.timeOrigin + performance.now() - at));
const worker = startWorker(defineWorker({ handlers: [late] }), sluice);
process.once("SIGTERM", () => worker.drain());
process.send?.("ready");
await worker.closed;
await sluice.close();
process.disconnect?.();
