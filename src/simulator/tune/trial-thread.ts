/** The thread of `trial-pool.ts`: answers each trial with its result. */
import { parentPort, workerData } from "node:worker_threads";
import { createEvaluator, type Trial, type TuneSetup } from "./evaluate.ts";

const evaluate = createEvaluator(workerData as TuneSetup);

parentPort?.on(
  "message",
  ({ ticket, trial }: { readonly ticket: number; readonly trial: Trial }) => {
    parentPort?.postMessage({ ticket, result: evaluate(trial) });
  },
);
