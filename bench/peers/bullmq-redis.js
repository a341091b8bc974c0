import { openBullmq } from "./bullmq.js";
import { redisOptions } from "./redis-options.js";

export const tuning = "concurrency 50, jobs removed when done";

export async function open(url) {
  const connection = () => ({ ...redisOptions(url), maxRetriesPerRequest: null });
  return openBullmq({ connection, factory: [], concurrency: 50 });
}
