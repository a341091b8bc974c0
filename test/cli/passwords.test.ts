import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, onTestFinished } from "vitest";
import { test } from "../support/cli.ts";

/** A server that takes connections and never says a word. */
async function silentServer(): Promise<number> {
  const server = createServer((socket) => socket.on("error", () => undefined));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
  });
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

describe("a password in a URL", () => {
  test("is covered in the list of processes", async ({ cli, skip }) => {
    if (!existsSync("/proc/self/cmdline")) return skip("there is no /proc here");
    const port = await silentServer();
    const url = (secret: string): string => `redis://ada:${secret}@127.0.0.1:${port}/0`;
    const command = cli.start(["status", "--url", url("hunter2")]);
    const shown = (): string => readFileSync(`/proc/${command.pid}/cmdline`, "utf8");
    await expect.poll(shown, { timeout: 10_000 }).toContain(`sluice status --url ${url("***")}`);
    expect(shown()).not.toContain("hunter2");
    command.kill("SIGKILL");
    await command.ended();
  });

  for (const scheme of ["postgres", "redis", "amqp"]) {
    test(`is in no output about a ${scheme} server that is not there`, async ({ cli }) => {
      const url = `${scheme}://ada:hunter2@127.0.0.1:1/0`;
      for (const args of [["status"], ["work", "--queue", "q", "--exec", "cat"], ["demo"]]) {
        const ended = await cli.run([...args, "--url", url]);
        expect(ended.status).toBe(69);
        expect(ended.stdout + ended.stderr).toContain("(STORE_UNAVAILABLE)");
        expect(ended.stdout + ended.stderr).not.toContain("hunter2");
      }
    });
  }
});
