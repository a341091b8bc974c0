import { openGraphile } from "./graphile.js";

export const tuning =
  "24 jobs at a time, local queue of 500 with a refetch delay of 10 ms, completions batched; sends over 20 connections";

export const open = (url) =>
  openGraphile(url, {
    concurrentJobs: 24,
    localQueue: { size: 500, refetchDelay: { durationMs: 10 } },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  });
