/**
 * Takes the oldest job, works on it for 2 to 10 seconds, and goes on for ever. Taking, working and writing down that it is
 * done are one transaction: a consumer that dies gives its job back, and until the commit `SELECT COUNT(*) FROM jobs`
 * counts the job still, so a busy consumer is never scaled away as if there were nothing to do.
 */
import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import { databaseUrl, randomMs } from "./settings.ts";

const takeOldest = `
  DELETE FROM jobs WHERE id = (
    SELECT id FROM jobs ORDER BY created_at, id FOR UPDATE SKIP LOCKED LIMIT 1
  ) RETURNING id, payload`;

let isLeaving = false;
process.once("SIGTERM", () => {
  isLeaving = true;
});

/** Whether there was a job. */
async function workOne(client: pg.Client): Promise<boolean> {
  await client.query("BEGIN");
  const { rows } = await client.query(takeOldest);
  const [job] = rows;
  if (job !== undefined) {
    await wait(randomMs("WORK_SECONDS", "2-10"));
    await client.query("INSERT INTO done_jobs (id) VALUES ($1)", [job.id]);
  }
  await client.query("COMMIT");
  if (job !== undefined) console.log(`done job ${job.id} (${job.payload})`);
  return job !== undefined;
}

while (!isLeaving) {
  const client = new pg.Client({ connectionString: databaseUrl() });
  client.on("error", () => undefined); // the query under way fails with it
  try {
    await client.connect();
    while (!isLeaving) if (!(await workOne(client))) await wait(1000);
  } catch (error) {
    console.error(`failed, going on in 2 s: ${error instanceof Error ? error.message : error}`);
    await wait(2000);
  } finally {
    await client.end().catch(() => undefined);
  }
}
