import type { JsonSchema } from "./field.ts";
import { sharedCapPattern } from "./shared-cap.ts";

const text = (description: string): JsonSchema => ({ type: "string", description });

/** Sluice's own annotations, for whoever edits the file. Others are the business of others. */
export const annotationSchema: JsonSchema = {
  type: "object",
  properties: {
    "sluice.dev/local-command": text(
      "What a replica runs on this machine, such as node worker.js.",
    ),
    "sluice.dev/objective": text(
      "A wait to keep, such as 30s or maxWait=30s,mode=latency; with concurrency=8 where a replica of a ScaledObject runs that many jobs at a time.",
    ),
    "sluice.dev/shared-cap": {
      ...text("The most replicas of all objectives that name the same cap, such as gpu=10."),
      pattern: sharedCapPattern,
    },
    "sluice.dev/strategy": {
      ...text("On a ScaledJob: one job at a time, the next when the last is ready."),
      const: "sequential",
    },
    "sluice.dev/threshold": text("With the strategy: more messages than this ask for a job."),
    "sluice.dev/max-age": text("With the strategy: a message older than this asks for a job."),
  },
  additionalProperties: { type: "string" },
};
