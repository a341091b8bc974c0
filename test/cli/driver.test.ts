import { describe, expect } from "vitest";
import { test } from "../support/cli.ts";

describe.concurrent("driver verify", () => {
  test("passes every case with sqlite, area by area, and leaves its queues empty", async ({
    cli,
  }) => {
    const areas = ["errors", "publish", "receive", "dead-letter", "browse"];
    const chosen = areas.flatMap((area) => ["--area", area]);
    const ended = await cli.run(["driver", "verify", "sqlite:check.db", ...chosen], {
      withinMs: 60_000,
    });
    expect(ended).toMatchObject({ status: 0, stderr: "" });
    expect(ended.stdout).toMatch(/^sqlite at sqlite:check\.db\n/);
    for (const area of areas)
      expect(ended.stdout).toMatch(new RegExp(`✓ ${area} +\\d+ passed +\\d`));
    expect(ended.stdout).toMatch(
      /\n\d+ passed in [\d.]+m?s\. \d+ queues named conformance-\w{8}\.… were used and are empty again; .*\n$/,
    );
    const sluice = await cli.open(`sqlite:${cli.path("check.db")}`);
    for (const queue of await sluice.queues()) {
      expect(queue).toMatch(/^conformance-/);
      expect(await sluice.depth(queue)).toMatchObject({
        ready: 0,
        delayed: 0,
        inFlight: 0,
        dead: 0,
      });
    }
  });

  test("prints one JSON object with every case", async ({ cli }) => {
    const { status, stdout } = await cli.run(
      ["driver", "verify", "--json", "--area", "lifecycle"],
      { env: { SLUICE_URL: "sqlite:check.db" }, withinMs: 60_000 },
    );
    expect(status).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ url: "sqlite:check.db", driver: "sqlite", failed: 0 });
    expect(report).toMatchObject({ skipped: 1, notEmptied: [] });
    expect(report.cases).toHaveLength(report.passed + 1);
    expect(report.cases).toContainEqual({
      area: "lifecycle",
      name: "loses nothing when the broker restarts",
      status: "skipped",
      reason: "restart is not to be had with sqlite",
      ms: expect.any(Number),
    });
  });

  test("tells what failed and why, and ends with status 1", async ({ cli }) => {
    // Connections to nameless memory share nothing, which those of a driver must.
    const ended = await cli.run(["driver", "verify", "memory:", "--area", "depth"]);
    expect(ended.status).toBe(1);
    expect(ended.stdout).toMatch(/✗ depth +\d+ passed, \d failed/);
    expect(ended.stdout).toMatch(
      /failed counts the same through every connection \(\d+ms\)\n +\w+/,
    );
  });

  test("refuses a URL, a scheme and an area that there are not, without showing a password", async ({
    cli,
  }) => {
    for (const [args, code] of [
      [["nonsense"], "URL_INVALID"],
      [["nosuch://user:hunter2@host/?token=hunter2"], "SCHEME_UNKNOWN"],
      [["memory:", "--area", "nosuch"], "OPTION_INVALID"],
      [[], "OPTION_INVALID"],
    ] as const) {
      const ended = await cli.run(["driver", "verify", ...args]);
      expect(ended).toMatchObject({ status: 2, stdout: "" });
      expect(ended.stderr).toContain(`(${code})`);
      expect(ended.stderr).not.toContain("hunter2");
    }
  });
});
