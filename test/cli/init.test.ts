import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import { type Cli, test } from "../support/cli.ts";

const runsTypescript = Boolean(Reflect.get(process.features, "typescript"));

/** Runs the two commands that `init` prints, the second until there is nothing left to do. */
async function followAdvice(cli: Cli, advice: string) {
  const [, publish = "", up = ""] = advice
    .trim()
    .split("\n")
    .map((line) => line.trim());
  expect(publish).toBe(`npx sluice publish greet --data '{"name":"Ada"}'`);
  expect(up).toMatch(/^npx sluice up /);
  await cli.run(["publish", "greet", "--data", '{"name":"Ada"}']);
  const leave = ["--cooldown", "200ms", "--exit-when-idle", "200ms"];
  return cli.run([...up.split(" ").slice(2), ...leave]);
}

/** Makes tsx unfindable, wherever the folder lies. */
function hideTsx(cli: Cli): void {
  mkdirSync(cli.path("node_modules/tsx"), { recursive: true });
  cli.write("node_modules/tsx/package.json", '{"name":"tsx","exports":{}}');
}

describe.concurrent("init", () => {
  test("writes a TypeScript worker that runs as it says", async ({ cli }) => {
    cli.installSluice();
    const { status, stdout } = await cli.run(["init"]);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^Wrote worker\.mts\. Next:\n/);
    const ended = await followAdvice(cli, stdout);
    expect(ended.status).toBe(0);
    expect(ended.stderr).toContain("[w1] Hello Ada (attempt 1)");
  });

  test("writes into a folder that it makes, and names the file from here", async ({ cli }) => {
    cli.installSluice();
    const { stdout } = await cli.run(["init", "deep/jobs"]);
    expect(stdout).toMatch(/^Wrote deep\/jobs\/worker\.mts\. Next:\n/);
    expect(existsSync(cli.path("deep/jobs/worker.mts"))).toBe(true);
    expect((await followAdvice(cli, stdout)).stderr).toContain("Hello Ada (attempt 1)");
  });

  test.skipIf(runsTypescript)(
    "writes plain JavaScript where nothing can run TypeScript",
    async ({ cli }) => {
      hideTsx(cli);
      const { stdout } = await cli.run(["init"]);
      expect(stdout).toMatch(/^Wrote worker\.mjs\. Next:\n/);
      expect(readdirSync(cli.folder).sort()).toEqual(["node_modules", "worker.mjs"]);
      const check = cli.spawn([process.execPath, "--check", "worker.mjs"]);
      expect(await check.ended()).toMatchObject({ status: 0, stderr: "" });
    },
  );

  test("never overwrites a file", async ({ cli }) => {
    cli.installSluice();
    cli.write("worker.mts", "mine");
    const ended = await cli.run(["init"]);
    expect(ended).toMatchObject({ status: 2, stdout: "" });
    expect(ended.stderr).toContain("worker.mts exists and is not overwritten. Name another folder");
    expect(readFileSync(cli.path("worker.mts"), "utf8")).toBe("mine");
  });
});
