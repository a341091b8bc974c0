import { describe, expect } from "vitest";
import type { Sluice } from "../../src/index.ts";
import { type Cli, test } from "../support/cli.ts";

/** Publishes bodies to `q` and dead-letters each of them. */
async function bury(cli: Cli, bodies: readonly unknown[]): Promise<Sluice> {
  const sluice = await cli.open();
  await sluice.publishMany("q", bodies, (body) => ({ id: `job-${String(body).slice(0, 5)}` }));
  for (const delivery of await sluice.driver.receive("q", { max: 99, waitMs: 0, leaseMs: 9000 })) {
    const failure = { attempt: 1, at: Date.now(), error: "it broke" };
    const reason = `broken\ntwice: ${delivery.id}`;
    const { receipt } = delivery;
    await sluice.driver.settle("q", [{ receipt, outcome: "dead-letter", reason, failure }]);
  }
  return sluice;
}

describe.concurrent("dead list", () => {
  test("shows id, attempts, reason and body, and how to try again", async ({ cli }) => {
    await bury(cli, ["a", "x".repeat(300)]);
    const { status, stdout, stderr } = await cli.run(["dead", "list", "q"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^job-a {2}\d{4}-.*Z {2}attempts 1\n {2}reason {2}broken\n {10}twice: /);
    expect(stdout).toContain(`body    "a"\n`);
    expect(stdout).toContain(`body    "${"x".repeat(199)}…\n`);
    expect(stderr).toBe("2 of 2 dead letters. Try again: sluice dead redrive q --all\n");
  });

  test("prints one JSON object per line with --json, with body and history", async ({ cli }) => {
    await bury(cli, ["a", "b"]);
    const { stdout } = await cli.run(["dead", "list", "q", "--json"]);
    const letters: unknown[] = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(letters).toMatchObject([
      { id: "job-a", queue: "q", body: '"a"', attempts: 1, reason: "broken\ntwice: job-a" },
      { id: "job-b", history: [{ attempt: 1, error: "it broke" }] },
    ]);
  });

  test("shows the oldest --limit, and says of how many", async ({ cli }) => {
    await bury(cli, ["a", "b", "c"]);
    const { stdout, stderr } = await cli.run(["dead", "list", "q", "--limit", "2"]);
    expect(stdout.match(/^job-./gm)).toEqual(["job-a", "job-b"]);
    expect(stderr).toContain("2 of 3 dead letters");
  });

  test("shows bytes that are no text in base64", async ({ cli }) => {
    const sluice = await cli.open();
    await sluice.publish("q", Buffer.from([0xff, 0x00]));
    const [held] = await sluice.driver.receive("q", { max: 1, waitMs: 0, leaseMs: 9000 });
    const buried = { receipt: held?.receipt ?? "", outcome: "dead-letter", reason: "no" } as const;
    await sluice.driver.settle("q", [buried]);
    const { stdout } = await cli.run(["dead", "list", "q"]);
    expect(stdout).toContain("body    base64:/wA=");
  });

  test("says that there are none", async ({ cli }) => {
    await cli.run(["publish", "q", "--data", "1"]);
    const ended = await cli.run(["dead", "list", "q"]);
    expect(ended).toMatchObject({ status: 0, stdout: "", stderr: "No dead letters in q.\n" });
  });
});

describe.concurrent("dead redrive", () => {
  test("puts all of them back with --all, attempts starting anew", async ({ cli }) => {
    const sluice = await bury(cli, ["a", "b"]);
    const ended = await cli.run(["dead", "redrive", "q", "--all"]);
    expect(ended).toMatchObject({ status: 0, stdout: "2 redriven\n" });
    const again = await sluice.driver.receive("q", { max: 9, waitMs: 0, leaseMs: 1000 });
    expect(again).toMatchObject([
      { id: "job-a", attempt: 1 },
      { id: "job-b", attempt: 1 },
    ]);
    expect(await sluice.deadLetters("q")).toEqual([]);
  });

  test("puts back those that --id names, and counts only what there was", async ({ cli }) => {
    const sluice = await bury(cli, ["a", "b", "c"]);
    const ids = ["--id", "job-a", "--id", "job-c", "--id", "job-zzz"];
    const ended = await cli.run(["dead", "redrive", "q", ...ids, "--json"]);
    expect(JSON.parse(ended.stdout)).toEqual({ queue: "q", redriven: 2 });
    expect((await sluice.deadLetters("q")).map(({ id }) => id)).toEqual(["job-b"]);
  });
});

describe.concurrent("dead purge", () => {
  test("deletes those that --id names, then all", async ({ cli }) => {
    const sluice = await bury(cli, ["a", "b", "c"]);
    const one = await cli.run(["dead", "purge", "q", "--id", "job-b"]);
    expect(one).toMatchObject({ status: 0, stdout: "1 purged\n" });
    const rest = await cli.run(["dead", "purge", "q", "--all", "--json"]);
    expect(JSON.parse(rest.stdout)).toEqual({ queue: "q", purged: 2 });
    expect(await sluice.depth("q")).toMatchObject({ ready: 0, delayed: 0, inFlight: 0, dead: 0 });
  });
});

describe.concurrent("dead redrive and purge", () => {
  for (const verb of ["redrive", "purge"]) {
    for (const selection of [[], ["--all", "--id", "job-a"]]) {
      test(`${verb} wants either --all or --id, and changes nothing with [${selection}]`, async ({
        cli,
      }) => {
        const sluice = await bury(cli, ["a"]);
        const ended = await cli.run(["dead", verb, "q", ...selection]);
        expect(ended).toMatchObject({ status: 2, stdout: "" });
        expect(ended.stderr).toContain("either --all, or --id once or more");
        expect(await sluice.depth("q")).toMatchObject({ ready: 0, dead: 1 });
      });
    }
  }

  test("refuse a bad queue name", async ({ cli }) => {
    const ended = await cli.run(["dead", "purge", "two words", "--all"]);
    expect(ended.status).toBe(2);
    expect(ended.stderr).toContain("(QUEUE_NAME_INVALID)");
  });
});
