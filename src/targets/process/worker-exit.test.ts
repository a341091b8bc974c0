import { expect, test } from "vitest";
import { classifyExit, configurationError, describeExit, type WorkerExit } from "./worker-exit.ts";

const exit = (how: Partial<WorkerExit>): WorkerExit => ({
  code: null,
  signal: null,
  startError: null,
  stderrTail: "",
  ...how,
});

const failure = (code: string): Error => Object.assign(new Error(`spawn ${code}`), { code });
const ready = { wasReady: true, isDraining: false, mayLeave: true };
const starting = { wasReady: false, isDraining: false, mayLeave: true };

test("a ready worker that exits with 0 left, any other code or signal is a crash", () => {
  expect(classifyExit(exit({ code: 0 }), ready)).toBe("left");
  expect(classifyExit(exit({ code: 1 }), ready)).toBe("crashed");
  expect(classifyExit(exit({ code: 2 }), ready)).toBe("crashed");
  expect(classifyExit(exit({ signal: "SIGSEGV" }), ready)).toBe("crashed");
});

test("a draining worker left, however it ended", () => {
  const draining = { wasReady: true, isDraining: true, mayLeave: true };
  expect(classifyExit(exit({ code: 1 }), draining)).toBe("left");
  expect(classifyExit(exit({ signal: "SIGKILL" }), draining)).toBe("left");
});

test("codes 2, 78 and 127 before a worker is ready mean that starting again cannot help", () => {
  for (const code of [2, 78, 127])
    expect(classifyExit(exit({ code }), starting)).toBe("misconfigured");
  expect(classifyExit(exit({ code: 1 }), starting)).toBe("crashed");
  expect(classifyExit(exit({ code: 0 }), starting)).toBe("crashed");
});

test("a missing executable is a mistake, a lack of memory or process slots is not", () => {
  expect(classifyExit(exit({ startError: failure("ENOENT") }), starting)).toBe("misconfigured");
  expect(classifyExit(exit({ startError: failure("EACCES") }), starting)).toBe("misconfigured");
  expect(classifyExit(exit({ startError: failure("EAGAIN") }), starting)).toBe("crashed");
  expect(classifyExit(exit({ startError: failure("ENOMEM") }), starting)).toBe("crashed");
});

test("the error tells the code and the last words, and no arguments", () => {
  const command = ["/usr/bin/node", "worker.js", "--url", "postgres://me:secret@db"];
  const error = configurationError(command, exit({ code: 2, stderrTail: "no worker in it" }));
  expect(error.code).toBe("WORKER_FILE_INVALID");
  expect(error.message).toContain("node ended with code 2");
  expect(error.message).toContain("no worker in it");
  expect(error.message).not.toContain("secret");
});

test("a command that cannot be found has a code of its own", () => {
  expect(configurationError(["nope"], exit({ startError: failure("ENOENT") }))).toMatchObject({
    code: "COMMAND_NOT_FOUND",
    cause: expect.objectContaining({ code: "ENOENT" }),
  });
  expect(configurationError(["sh"], exit({ code: 127 })).code).toBe("COMMAND_NOT_FOUND");
});

test("describes an exit in a word or two", () => {
  expect(describeExit(exit({ code: 3 }))).toBe("code 3");
  expect(describeExit(exit({ signal: "SIGKILL" }))).toBe("signal SIGKILL");
  expect(describeExit(exit({ startError: failure("ENOMEM") }))).toBe("ENOMEM");
});
