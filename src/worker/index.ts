export {
  defineWorker,
  isWorkerDefinition,
  type Middleware,
  type WorkerDefinition,
  type WorkerOptions,
} from "./define-worker.ts";
export { type ExecOptions, execHandler } from "./exec-handler.ts";
export { type StartOptions, startWorker, type Worker } from "./worker.ts";
