import assert from "node:assert/strict";
import { join } from "node:path";
import { defineJob, defineWorker, startWorker } from "../../src/index.ts";
import { type Program, startProgram } from "../support/program.ts";
import { open } from "./subjects.ts";

const leaseMs = 3000;
const repository = join(import.meta.dirname, "../..");

/** Kills a worker process in the middle of a job; resolves with how long the job took to come back, as attempt 2. */
export async function killWorkerInJob(url: string, queue: string): Promise<number> {
  const sluice = await open(url);
  const child = startCrashing(url, queue);
  try {
    const job = defineJob<string>(queue);
    const id = await sluice.publish(job, "precious");
    await child.waitFor(`runs ${id}`, 20_000);
    child.kill("SIGKILL");
    const killedAt = Date.now();
    const attempt = await new Promise<number>((resolve, reject) => {
      const handler = job.handle((_input, again) => resolve(again.attempt));
      const worker = startWorker(defineWorker({ handlers: [handler] }), sluice);
      const late = setTimeout(() => reject(new Error("the job has not come back")), leaseMs * 5);
      const stop = (): void => {
        clearTimeout(late);
        void worker.drain();
      };
      worker.onActivity(() => {
        if (worker.completed > 0) stop();
      });
      worker.closed.catch(reject);
    });
    const ms = Date.now() - killedAt;
    assert.equal(attempt, 2, "the crash counts as an attempt");
    assert.ok(ms <= leaseMs + 2000, `the job came back after ${ms} ms with a lease of ${leaseMs}`);
    return ms;
  } finally {
    child.kill("SIGKILL");
    await sluice.close();
  }
}

function startCrashing(url: string, queue: string): Program {
  const file = join(import.meta.dirname, "crashing-worker.ts");
  const args = ["--import", "tsx", "--conditions", "source", file, queue, `${leaseMs}ms`];
  const env = { PATH: process.env.PATH, SLUICE_URL: url };
  return startProgram([process.execPath, ...args], { cwd: repository, env });
}
