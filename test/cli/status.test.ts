import { existsSync } from "node:fs";
import { describe, expect } from "vitest";
import { type Cli, test } from "../support/cli.ts";

/** Queues with something in every state: `a` has 2 ready, 1 in flight, 1 delayed, 1 dead; `b` has 1 ready. */
async function fill(cli: Cli): Promise<void> {
  const sluice = await cli.open();
  await sluice.publishMany("a", [1, 2, 3, 4]);
  const [dying] = await sluice.driver.receive("a", { max: 2, waitMs: 0, leaseMs: 60_000 });
  const settlement = {
    receipt: dying?.receipt ?? "",
    outcome: "dead-letter",
    reason: "no",
  } as const;
  await sluice.driver.settle("a", [settlement]);
  await sluice.publish("a", 5, { delay: "1h" });
  await sluice.publish("b", 6);
}

describe.concurrent("status", () => {
  test("shows a table of all queues", async ({ cli }) => {
    await fill(cli);
    const { status, stdout, stderr } = await cli.run(["status"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const rows = stdout
      .trim()
      .split("\n")
      .map((row) => row.replace("in flight", "in-flight").split(/ +/));
    expect(rows[0]).toEqual(["queue", "ready", "in-flight", "delayed", "dead", "oldest"]);
    expect(rows[1]).toEqual(["a", "2", "1", "1", "1", expect.stringMatching(/^\d+m?s$|^\d\.\ds$/)]);
    expect(rows[2]?.slice(0, 5)).toEqual(["b", "1", "0", "0", "0"]);
    expect(rows).toHaveLength(3);
  });

  test("shows only the queues that are named", async ({ cli }) => {
    await fill(cli);
    const { stdout } = await cli.run(["status", "b"]);
    expect(stdout.split("\n")[1]).toMatch(/^b +1 /);
    expect(stdout.trim().split("\n")).toHaveLength(2);
  });

  test("prints one JSON object with --json", async ({ cli }) => {
    await fill(cli);
    const { stdout } = await cli.run(["status", "--json"]);
    const ages = { oldestAgeMs: expect.any(Number) };
    expect(JSON.parse(stdout)).toEqual({
      url: "sqlite:sluice.db",
      queues: [
        { queue: "a", ready: 2, inFlight: 1, delayed: 1, dead: 1, ...ages },
        { queue: "b", ready: 1, inFlight: 0, delayed: 0, dead: 0, ...ages },
      ],
    });
  });

  test("shows a queue that nobody has used as empty", async ({ cli }) => {
    await cli.run(["publish", "q", "--data", "1"]);
    const { status, stdout } = await cli.run(["status", "unknown"]);
    expect(status).toBe(0);
    expect(stdout.split("\n")[1]?.trim().split(/ +/)).toEqual(["unknown", "0", "0", "0", "0", "-"]);
  });

  test("makes no file where there is none, and says so", async ({ cli }) => {
    const { status, stdout, stderr } = await cli.run(["status"]);
    expect(status).toBe(69);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/sluice\.db does not exist\. .*publish a job/);
    expect(existsSync(cli.path("sluice.db"))).toBe(false);
  });

  test("says how to begin when there are no queues", async ({ cli }) => {
    await cli.open();
    const { status, stdout } = await cli.run(["status"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^No queues in sqlite:sluice\.db yet\. Publish a job: sluice publish /);
  });

  test("refuses a bad queue name and a bad URL", async ({ cli }) => {
    expect((await cli.run(["status", "two words"])).stderr).toContain("(QUEUE_NAME_INVALID)");
    expect((await cli.run(["status", "--url", "x:y"])).stderr).toContain("(SCHEME_UNKNOWN)");
  });
});

describe.concurrent("status --watch", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`prints again and again until ${signal}, then leaves with status 0`, async ({ cli }) => {
      const sluice = await cli.open();
      await sluice.publish("q", 1);
      const watch = cli.start(["status", "--watch", "--json", "q"]);
      await watch.waitFor(/"ready":1/);
      await sluice.publish("q", 2);
      await watch.waitFor(/"ready":2/);
      watch.kill(signal);
      expect(await watch.ended()).toMatchObject({ status: 0, stderr: "" });
    });
  }

  test("leaves without a word when nobody reads any more", async ({ cli }) => {
    await (await cli.open()).publish("q", 1);
    const command = `"${process.execPath}" "$MAIN" status --watch | head -n 1`;
    const watch = cli.spawn(["bash", "-c", `${command}; echo "\${PIPESTATUS[0]}"`], {
      env: { MAIN: cli.main },
    });
    const ended = await watch.ended();
    expect(ended.stderr).toBe("");
    expect(ended.stdout.trim().split("\n").at(-1)).toBe("0");
  });
});
