import { setTimeout as wait } from "node:timers/promises";
import { defineJob, type JobDefinition, SluiceError } from "../../core/index.ts";
import { defineWorker, type WorkerDefinition } from "../../worker/index.ts";
import { recordJob } from "./record.ts";

/** A job that takes `workMs`. */
export interface DemoInput {
  readonly workMs: number;
}

/** How the demo tells its workers the name of the queue and the folder of the record. */
export const demoVariables = { queue: "SLUICE_DEMO_QUEUE", record: "SLUICE_DEMO_RECORD" } as const;

/** The demo's job on a queue of its own. */
export function demoJob(queue: string): JobDefinition<DemoInput, DemoInput> {
  return defineJob<DemoInput>(queue);
}

/** Jobs that one of the demo's workers runs at a time. */
export const demoConcurrency = 2;

/** The worker that `sluice demo` scales: it waits as long as the job says, and writes down that it did. */
export function demoWorker(queue: string, record: string): WorkerDefinition {
  const handler = demoJob(queue).handle(async ({ workMs }, job) => {
    const startedAt = Date.now();
    await wait(workMs, undefined, { signal: job.signal });
    const publishedAt = job.publishedAt?.getTime() ?? startedAt;
    recordJob(record, {
      id: job.id,
      attempt: job.attempt,
      publishedAt,
      startedAt,
      endedAt: Date.now(),
    });
  });
  return defineWorker({ handlers: [handler], concurrency: demoConcurrency });
}

/** The worker as the demo's worker processes find it described in their environment. */
export function demoWorkerFromEnvironment(env: NodeJS.ProcessEnv): WorkerDefinition {
  const { [demoVariables.queue]: queue, [demoVariables.record]: record } = env;
  if (queue === undefined || record === undefined) {
    throw new SluiceError(
      "WORKER_FILE_INVALID",
      `${demoVariables.queue} and ${demoVariables.record} must be set; sluice demo does so. Run that.`,
    );
  }
  return demoWorker(queue, record);
}
