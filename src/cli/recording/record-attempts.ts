import { appendFileSync } from "node:fs";
import type { Job } from "../../core/index.ts";
import type { RecordedAttempt } from "../../simulator/index.ts";
import type { Middleware } from "../../worker/index.ts";

/** Tells worker processes where to write their attempts, and which worker they are. */
export const recordingVariable = "SLUICE_RECORDING";

/**
 * Writes each attempt to the recording as it ends. Many processes share the file: a line is one write to its end, which
 * local file systems keep whole. A worker that is killed leaves no line for what it ran.
 */
export function recordAttempts(file: string, worker: string): Middleware {
  return async (job, next) => {
    const startedAt = now();
    const note = (outcome: RecordedAttempt["outcome"]): void => {
      const line: RecordedAttempt = {
        type: "attempt",
        ...{ queue: job.queue, id: job.id, attempt: job.attempt },
        ...{ readyAt: readyAtOf(job, startedAt), startedAt, endedAt: now(), worker, outcome },
      };
      appendFileSync(file, `${JSON.stringify(line)}\n`);
    };
    try {
      const result = await next();
      note(outcomeOf(job, result));
      return result;
    } catch (error) {
      note(outcomeOf(job, null, true));
      throw error;
    }
  };
}

/** Milliseconds since 1970, with fractions. */
function now(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000) / 1000;
}

/** For a later attempt the time of publishing is the nearest that is known to the first readiness. */
function readyAtOf(job: Job, startedAt: number): number {
  const at = job.attempt === 1 ? (job.readyAt ?? job.publishedAt) : job.publishedAt;
  return Math.min(at?.getTime() ?? startedAt, startedAt);
}

function outcomeOf(job: Job, result: unknown, isError = false): RecordedAttempt["outcome"] {
  if (job.signal.aborted) return "released";
  if (isError) return job.attempt >= job.maxAttempts ? "dead" : "failed";
  if (typeof result !== "object" || result === null || !("outcome" in result)) return "done";
  if (result.outcome === "retry") return "failed";
  return result.outcome === "dead-letter" ? "dead" : "done";
}
