import type { WorkerDefinition } from "../../worker/index.ts";
import { demoWorkerFromEnvironment } from "./worker.ts";

/** What `sluice work` loads in the demo's worker processes. */
export const worker: WorkerDefinition = demoWorkerFromEnvironment(process.env);
