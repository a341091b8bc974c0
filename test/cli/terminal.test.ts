import { spawnSync } from "node:child_process";
import { describe, expect } from "vitest";
import { type Cli, test } from "../support/cli.ts";

const ansi = "\u001b[";

/** `script` of util-linux, which runs a command on a pseudo terminal. */
const hasScript = spawnSync("script", ["--version"], { encoding: "utf8" }).stdout?.includes(
  "util-linux",
);

/** Runs a command on a pseudo terminal; everything it writes comes on standard output. */
function onTerminal(cli: Cli, args: readonly string[], withinMs: number) {
  const words = [process.execPath, cli.main, ...args].map((word) => `'${word}'`).join(" ");
  const env = { TERM: "xterm-256color", COLUMNS: "100" };
  return cli.spawn(["script", "-qec", words, "/dev/null"], { env }).ended(withinMs);
}

describe.concurrent("colours and bars", () => {
  test("are left out where standard output and error are no terminal", async ({ cli }) => {
    const sluice = await cli.open();
    await sluice.publish("q", 1);
    const once = ["--queue", "q", "--attempts", "1", "--exit-when-idle", "200ms"];
    const ended = await Promise.all([
      cli.run(["publish", "q", "--data", "{"]),
      cli.run(["publish", "q", "--data", "1", "--on-error", "skip", "--data", "x"]),
      cli.run(["work", ...once, "--exec", "exit 1"]),
      cli.run(["demo", "--jobs", "3"]),
    ]);
    const after = [await cli.run(["status"]), await cli.run(["dead", "list", "q"])];
    for (const { stdout, stderr } of [...ended, ...after])
      expect(stdout + stderr).not.toContain(ansi);
  });

  test.skipIf(!hasScript)("are drawn by demo on a terminal", async ({ cli }) => {
    const { status, stdout } = await onTerminal(cli, ["demo", "--jobs", "20"], 30_000);
    expect(status).toBe(0);
    expect(stdout).toMatch(/backlog .*█+.* waiting, \d+ running/);
    expect(stdout).toMatch(/workers .*█+.* busy, /);
    expect(stdout).toContain(ansi);
    expect(stdout).toContain("20 of 20 jobs done");
  });

  test.skipIf(!hasScript)("mark errors on a terminal", async ({ cli }) => {
    const { status, stdout } = await onTerminal(cli, ["status", "two words"], 5000);
    expect(status).toBe(2);
    expect(stdout).toContain(`${ansi}31merror${ansi}39m queue name`);
  });

  test.skipIf(!hasScript)("are left out on a terminal with NO_COLOR", async ({ cli }) => {
    const { stdout } = await onTerminal(cli, ["status", "two words"], 5000);
    expect(stdout).toContain(ansi);
    const plain = cli.spawn(
      ["script", "-qec", `'${process.execPath}' '${cli.main}' status 'two words'`, "/dev/null"],
      { env: { TERM: "xterm", NO_COLOR: "1" } },
    );
    expect((await plain.ended(5000)).stdout).not.toContain(ansi);
  });
});
