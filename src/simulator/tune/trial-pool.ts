import { Worker } from "node:worker_threads";
import type { Load } from "../loads/load.ts";
import { createEvaluator, type Trial, type TrialResult, type TuneSetup } from "./evaluate.ts";

/** Runs trials on threads. The order of results is that of the trials, whatever finishes first. */
export interface TrialPool {
  readonly threads: number;
  run(trials: readonly Trial[]): Promise<readonly TrialResult[]>;
  /** Ends the threads. Idempotent. */
  close(): Promise<void>;
}

/** The module of the threads, beside this one once it is built. */
const entry = new URL("./trial-thread.js", import.meta.url);

/** A pool; the load is shared between its threads and not copied for each. Run from sources there is this thread alone. */
export function openTrialPool(setup: TuneSetup, threads: number): TrialPool {
  if (threads <= 1 || import.meta.url.endsWith(".ts")) return onThisThread(setup);
  const shared = { ...setup, load: shareLoad(setup.load) };
  const workers = Array.from({ length: threads }, () => new Worker(entry, { workerData: shared }));
  return {
    threads,
    run: (trials) => runOn(workers, trials),
    close: async () => {
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}

function onThisThread(setup: TuneSetup): TrialPool {
  const evaluate = createEvaluator(setup);
  return {
    threads: 1,
    run: async (trials) => trials.map(evaluate),
    close: async () => undefined,
  };
}

function shareLoad(load: Load): Load {
  const shared = (values: Float64Array): Float64Array => {
    const copy = new Float64Array(new SharedArrayBuffer(values.byteLength));
    copy.set(values);
    return copy;
  };
  return { ...load, arrivalUs: shared(load.arrivalUs), serviceUs: shared(load.serviceUs) };
}

interface Answer {
  readonly ticket: number;
  readonly result: TrialResult;
}

/** Each thread has two trials at hand, so that none waits for its next. */
function runOn(
  workers: readonly Worker[],
  trials: readonly Trial[],
): Promise<readonly TrialResult[]> {
  if (trials.length === 0) return Promise.resolve([]);
  return new Promise((resolve, reject) => {
    const results: TrialResult[] = new Array(trials.length);
    let next = 0;
    let left = trials.length;
    const cleanUps: (() => void)[] = [];
    const finish = (settle: () => void): void => {
      for (const cleanUp of cleanUps) cleanUp();
      settle();
    };
    const give = (worker: Worker): void => {
      const trial = trials[next];
      if (trial === undefined) return;
      worker.postMessage({ ticket: next, trial });
      next += 1;
    };
    for (const worker of workers) {
      const onError = (error: Error): void => finish(() => reject(error));
      const onMessage = ({ ticket, result }: Answer): void => {
        results[ticket] = result;
        left -= 1;
        if (left === 0) finish(() => resolve(results));
        else give(worker);
      };
      // Only these: Node listens on the worker for itself too.
      cleanUps.push(() => worker.off("error", onError).off("message", onMessage));
      worker.on("error", onError).on("message", onMessage);
      give(worker);
      give(worker);
    }
  });
}
