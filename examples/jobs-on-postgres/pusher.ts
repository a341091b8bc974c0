/** Pushes one job of 20 random letters every 1 to 3 seconds, for ever. */
import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import { databaseUrl, randomMs } from "./settings.ts";

const letters = "abcdefghijklmnopqrstuvwxyz";
const randomText = (length: number): string =>
  Array.from({ length }, () => letters[Math.floor(Math.random() * letters.length)]).join("");

const client = new pg.Client({ connectionString: databaseUrl() });
await client.connect();
for (;;) {
  const { rows } = await client.query("INSERT INTO jobs (payload) VALUES ($1) RETURNING id", [
    randomText(20),
  ]);
  console.log(`pushed job ${rows[0].id}`);
  await wait(randomMs("PAUSE_SECONDS", "1-3"));
}
