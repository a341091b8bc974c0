/** Targets for `--dry-run`: they keep the count that was decided, and nothing runs. */
import type { Clock } from "../../core/index.ts";
import {
  type JobStatus,
  type JobTarget,
  type Target,
  toJobTargetStatus,
  toTargetStatus,
  type WorkerStatus,
} from "../../scaler/index.ts";

/** Workers that are idle at once, `replicas` of them to begin with. */
export function createPretendTarget(clock: Clock, replicas: number): Target {
  const since = clock.now();
  let count = replicas;
  const worker = (index: number): WorkerStatus => ({
    ...{ id: `w${index + 1}`, state: "idle", startedAt: since, since },
  });
  return {
    status: async () => toTargetStatus(Array.from({ length: count }, (_, index) => worker(index))),
    async scale(to) {
      count = to;
    },
    close: async () => undefined,
  };
}

/** Jobs that are ready at once and never end. */
export function createPretendJobs(clock: Clock): JobTarget {
  const jobs: JobStatus[] = [];
  return {
    status: async () => toJobTargetStatus(jobs),
    async create(count) {
      for (let made = 0; made < count; made += 1) {
        const base = { generation: 1, createdAt: clock.now(), endedAt: null, failures: 0 };
        jobs.push({ id: `job-${jobs.length + 1}`, state: "running", ready: true, ...base });
      }
    },
    close: async () => undefined,
  };
}
