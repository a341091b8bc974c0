import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { recordingLogger } from "../../test/support/recording-logger.ts";
import { delivery, stubDriver } from "../../test/support/stub-driver.ts";
import { type Folder, temporaryFolder } from "../../test/support/temporary-folder.ts";
import { Sluice, systemClock } from "../core/index.ts";
import { type ExecOptions, execHandler } from "./exec-handler.ts";
import { startAttempt } from "./run-attempt.ts";
import type { AttemptEnd } from "./settlement.ts";

let folder: Folder;
beforeEach(() => {
  folder = temporaryFolder();
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => {
  vi.restoreAllMocks();
  folder.remove();
});

/** Runs a command on one message, in the test's folder. */
function run(
  command: string,
  message: Parameters<typeof delivery>[0] = {},
  options: ExecOptions = {},
): Promise<AttemptEnd> {
  const handler = execHandler("mail", command, { cwd: folder.path, ...options });
  const logger = recordingLogger();
  const sluice = new Sluice(stubDriver(), { logger });
  const context = { sluice, clock: systemClock, logger, middleware: [] };
  return startAttempt(delivery(message), handler, context).ended;
}

const succeeded = { end: "returned", value: undefined };
const onUnix = describe.skipIf(process.platform === "win32");

onUnix("a command", () => {
  test("gets the body on its standard input, byte by byte", async () => {
    const body = Buffer.from(Array.from({ length: 1 << 16 }, (_, index) => index % 256));
    expect(await run("cat > copy; cmp copy - < copy && wc -c < copy > size", { body })).toEqual(
      succeeded,
    );
    expect(Number(folder.read("size"))).toBe(1 << 16);
    expect(
      await run("cksum > sum; printf 123456789 | cksum > other", {
        body: Buffer.from("123456789"),
      }),
    ).toEqual(succeeded);
    expect(folder.read("sum")).toBe(folder.read("other"));
  });

  test("need not read its input, not even a megabyte of it", async () => {
    const body = Buffer.alloc(1 << 20, "x");
    expect(await run("true", { body })).toEqual(succeeded);
    expect(await run("exec 0<&-; sleep 0.05", { body })).toEqual(succeeded);
    expect(await run("head -c 1 > first", { body })).toEqual(succeeded);
    expect(folder.read("first")).toBe("x");
  });

  test("knows its job from its environment", async () => {
    const message = {
      id: "m 7",
      attempt: 2,
      publishedAt: Date.UTC(2026, 0, 1),
      headers: { "content-type": "text/x; a='b'", tenant: "$HOME" },
    };
    await run("env > all", message, { retry: { attempts: 5 }, env: { ...process.env, MINE: "1" } });
    const lines = folder.read("all").split("\n");
    expect(lines).toEqual(
      expect.arrayContaining([
        "SLUICE_ID=m 7",
        "SLUICE_QUEUE=mail",
        "SLUICE_ATTEMPT=2",
        "SLUICE_MAX_ATTEMPTS=5",
        "SLUICE_PUBLISHED_AT=2026-01-01T00:00:00.000Z",
        "SLUICE_HEADER_CONTENT_TYPE=text/x; a='b'",
        "SLUICE_HEADER_TENANT=$HOME",
        "MINE=1",
      ]),
    );
  });

  test.each([
    ["a pipeline", "cat | grep needle > found", "needle\n"],
    ["an assignment in front", "A=1 sh -c 'echo $A' > found", "1\n"],
    ["several commands", "echo one > found && echo two >> found", "one\ntwo\n"],
    ["quotes, backslashes and dollars", `printf '%s\\n' "a\\"b" '$x' > found`, 'a"b\n$x\n'],
    ["a redirection of its input", "read line; echo $line > found", "hay\n"],
    ["descriptors of its own", "exec 3> found; echo three >&3", "three\n"],
  ])("may be %s", async (_what, command, found) => {
    expect(await run(command, { body: Buffer.from("hay\nneedle\n") })).toEqual(succeeded);
    expect(folder.read("found")).toBe(found);
  });
});

onUnix("the exit status", () => {
  test.each([
    ["of the last command", "true"],
    ["of exit", "exit 0"],
    ["of exec", "exec true"],
  ])("0 %s acknowledges", async (_what, command) => {
    expect(await run(command)).toEqual(succeeded);
  });

  test.each([
    ["exit 1", "exited with status 1"],
    ["exit 75", "exited with status 75"],
    ["exec sh -c 'exit 75'", "exited with status 75"],
    ["set -e; false; exit 0", "exited with status 1"],
    ["sh -c 'kill -9 $$'", "was killed by SIGKILL"],
    ["sh -c 'kill -SEGV $$'", "was killed by SIGSEGV"],
    ["true | sh -c 'exit 3'", "exited with status 3"],
  ])("of %s is a failure that says: %s", async (command, how) => {
    expect(await run(command)).toMatchObject({
      end: "failed",
      error: { code: "COMMAND_FAILED", message: expect.stringContaining(`the command ${how}`) },
    });
  });

  test("65 dead-letters at once with what the command said", async () => {
    const reason = "the command exited with status 65: no such user";
    expect(await run("echo no such user >&2; exit 65")).toEqual({
      end: "returned",
      value: { outcome: "dead-letter", reason },
    });
  });

  test("comes with the end of standard error, which is passed on whole", async () => {
    const ended = await run("seq 1 2000 >&2; echo the end >&2; exit 1");
    const { message } = (ended as { error: Error }).error;
    expect(message).toMatch(/^the command exited with status 1: [\d\n]+\nthe end$/);
    expect(message.length).toBeLessThan(2100);
    const passedOn = vi.mocked(process.stderr.write).mock.calls.map(([chunk]) => String(chunk));
    expect(passedOn.join("")).toMatch(/^1\n2\n/);
  });
});

onUnix("a command that cannot work", () => {
  test.each([
    ["no-such-command-here --flag", "no-such-command-here"],
    ["A=1 no-such-command-here", "no-such-command-here"],
    ["./missing.sh", "./missing.sh"],
    ["/etc/passwd", "/etc/passwd"],
    ["  no-such-command-here", "no-such-command-here"],
  ])("is refused before any job runs: %s", (command, word) => {
    expect(() => execHandler("mail", command)).toThrow(
      expect.objectContaining({
        code: "COMMAND_NOT_FOUND",
        message: expect.stringContaining(`${word} is not one`),
      }),
    );
  });

  test.each(["", "   "])("because there is none is refused: %j", (command) => {
    expect(() => execHandler("mail", command)).toThrow(
      expect.objectContaining({ code: "COMMAND_NOT_FOUND" }),
    );
  });

  test.each([
    "cat",
    "/bin/cat",
    "A=1 B=2 cat",
    "A=1",
    "cd / && ls",
    "if true; then :; fi",
    "(exit 0)",
    "{ :; }",
    "! true",
    "$SHELL -c true",
    "'cat'",
    ">file cat",
  ])("is not mistaken for one that can: %s", (command) => {
    expect(execHandler("mail", command).queue).toBe("mail");
  });

  test("because its folder is gone is refused with that as the reason", () => {
    expect(() => execHandler("mail", "cat", { cwd: `${folder.path}/gone` })).toThrow(
      expect.objectContaining({
        code: "COMMAND_NOT_FOUND",
        message: expect.stringContaining("gone"),
      }),
    );
  });

  test.each([
    ["a bad queue name", "a b", {}, "QUEUE_NAME_INVALID"],
    ["no attempts", "mail", { retry: { attempts: 0 } }, "OPTION_INVALID"],
    ["a time-out of nothing", "mail", { timeout: 0 }, "OPTION_INVALID"],
    ["a time-out that is none", "mail", { timeout: "soon" }, "DURATION_INVALID"],
  ])("or has bad options is refused: %s", (_what, queue, options, code) => {
    expect(() => execHandler(queue, "cat", options)).toThrow(expect.objectContaining({ code }));
  });
});
