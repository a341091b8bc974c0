import { defineWorker } from "sluice";
import { greet } from "./jobs.ts";

export default defineWorker({
  handlers: [
    greet.handle(async ({ name }, job) => {
      if (name === "") return job.deadLetter("nobody to greet");
      console.log(`Hello ${name} (attempt ${job.attempt})`);
    }),
  ],
  concurrency: 4,
  scale: { maxReplicaCount: 2, cooldownPeriod: "1s" },
});
