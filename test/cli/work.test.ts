import { describe, expect } from "vitest";
import { type Cli, type CliOptions, test } from "../support/cli.ts";

/** Works the queue with a command until it has been idle for a moment. */
function workWith(cli: Cli, command: string, args: readonly string[] = [], options?: CliOptions) {
  const idle = ["--exit-when-idle", "300ms"];
  return cli.run(["work", "--queue", "q", "--exec", command, ...idle, ...args], options);
}

const depthOf = async (cli: Cli) => (await cli.open()).depth("q");
const nothing = { ready: 0, delayed: 0, inFlight: 0, dead: 0 };

describe.concurrent("work --exec", () => {
  test("acknowledges a job whose command exits with 0", async ({ cli }) => {
    const sluice = await cli.open();
    await sluice.publishMany("q", [1, 2, 3]);
    const ended = await workWith(cli, "cat >/dev/null");
    expect(ended.status).toBe(0);
    expect(ended.stderr).toContain("left completed=3 failed=0");
    expect(await depthOf(cli)).toMatchObject(nothing);
  });

  test("dead-letters a job at once whose command exits with 65, with what it wrote", async ({
    cli,
  }) => {
    const sluice = await cli.open();
    await sluice.publish("q", 1);
    await workWith(cli, "echo not a picture >&2; exit 65");
    const [letter] = await sluice.deadLetters("q");
    expect(letter).toMatchObject({ attempts: 1 });
    expect(letter?.reason).toBe("the command exited with status 65: not a picture");
  });

  for (const status of [75, 1]) {
    test(`tries again, with a pause, a job whose command exits with ${status}`, async ({ cli }) => {
      const sluice = await cli.open();
      await sluice.publish("q", 1);
      const command = `[ "$SLUICE_ATTEMPT" = 2 ] || exit ${status}`;
      const ended = await workWith(cli, command, ["--exit-when-idle", "1500ms"]);
      expect(ended.stderr).toMatch(new RegExp(`job failed.* attempt=1 .*status ${status}`));
      expect(ended.stderr).toContain("left completed=1 failed=1");
      expect(await depthOf(cli)).toMatchObject(nothing);
    });
  }

  test("dead-letters a job after --attempts, with every failure in its history", async ({
    cli,
  }) => {
    const sluice = await cli.open();
    await sluice.publish("q", 1);
    await workWith(cli, "exit 3", ["--attempts", "2", "--exit-when-idle", "1500ms"]);
    const [letter] = await sluice.deadLetters("q");
    expect(letter?.attempts).toBe(2);
    expect(letter?.reason).toMatch(/^failed 2 of 2 attempts; .* exited with status 3/);
    expect(letter?.history.map(({ attempt }) => attempt)).toEqual([1, 2]);
  });
});

describe.concurrent("a command of work --exec", () => {
  test("is told about its job in the environment", async ({ cli }) => {
    const sluice = await cli.open();
    await sluice.publish("q", 1, { id: "job-1", headers: { "trace-id": "t 1" } });
    const { stdout } = await workWith(cli, "env");
    const lines = stdout.split("\n");
    expect(lines).toContain("SLUICE_ID=job-1");
    expect(lines).toContain("SLUICE_QUEUE=q");
    expect(lines).toContain("SLUICE_ATTEMPT=1");
    expect(lines).toContain("SLUICE_MAX_ATTEMPTS=10");
    expect(lines).toContain("SLUICE_HEADER_TRACE_ID=t 1");
    expect(stdout).toMatch(/SLUICE_PUBLISHED_AT=\d{4}-\d\d-\d\dT/);
  });

  test("is killed, with what it started, when it takes longer than --timeout", async ({ cli }) => {
    const sluice = await cli.open();
    await sluice.publish("q", 1);
    await workWith(cli, "sleep 60 & sleep 60", ["--timeout", "200ms", "--attempts", "1"]);
    const [letter] = await sluice.deadLetters("q");
    expect(letter?.reason).toContain("HANDLER_TIMEOUT");
    await cli.expectNoProcesses(1000);
  });

  test("runs beside others up to --concurrency, by default alone", async ({ cli }) => {
    const sluice = await cli.open();
    for (const [args, expected] of [
      [[], "s e s e s e "],
      [["--concurrency", "3"], "s s s e e e "],
    ] as const) {
      await sluice.publishMany("q", [1, 2, 3]);
      const { stdout } = await workWith(cli, "printf 's '; sleep 0.5; printf 'e '", args);
      expect(stdout).toBe(expected);
    }
  });

  test("may work several queues", async ({ cli }) => {
    const sluice = await cli.open();
    await sluice.publish("q", 1);
    await sluice.publish("other", 2);
    const { stdout } = await workWith(cli, 'echo "$SLUICE_QUEUE"', ["--queue", "other"]);
    expect(stdout.trim().split("\n").sort()).toEqual(["other", "q"]);
  });

  test("need not read its input", async ({ cli }) => {
    const sluice = await cli.open();
    await sluice.publish("q", "x".repeat(1_000_000));
    const ended = await workWith(cli, "true");
    expect(ended.stderr).toContain("left completed=1 failed=0");
  });
});

interface Refusal {
  readonly what: string;
  readonly args: readonly string[];
  readonly status: number;
  readonly says: string;
  /** `up` is asked too; both take their worker from the same options. */
  readonly alsoUp?: true;
}

const exec = ["--queue", "q", "--exec", "true"];

const refusals: readonly Refusal[] = [
  {
    what: "a command that the shell does not find",
    args: ["--queue", "q", "--exec", "no-such-command --flag"],
    status: 127,
    says: "no-such-command is not one. Check its spelling, PATH and execute permission",
    alsoUp: true,
  },
  {
    what: "a script that does not exist",
    args: ["--queue", "q", "--exec", "./no-such-script.sh"],
    status: 127,
    says: "(COMMAND_NOT_FOUND)",
  },
  {
    what: "an empty command",
    args: ["--queue", "q", "--exec", " "],
    status: 127,
    says: "--exec must name a command",
  },
  {
    what: "neither file nor command",
    args: [],
    status: 2,
    says: "name a worker file, or both",
    alsoUp: true,
  },
  { what: "a queue without command", args: ["--queue", "q"], status: 2, says: "or both --queue" },
  { what: "a command without queue", args: ["--exec", "cat"], status: 2, says: "or both --queue" },
  {
    what: "a worker file together with --queue",
    args: ["worker.mjs", "--queue", "q"],
    status: 2,
    says: "--queue goes with --exec, not with a worker file",
    alsoUp: true,
  },
  {
    what: "a worker file together with --attempts",
    args: ["worker.mjs", "--attempts", "2"],
    status: 2,
    says: "--attempts goes with --exec",
  },
  {
    what: "a bad queue name",
    args: ["--queue", "two words", "--exec", "true"],
    status: 2,
    says: "(QUEUE_NAME_INVALID)",
  },
  {
    what: "the same queue twice",
    args: [...exec, "--queue", "q"],
    status: 2,
    says: "q has two",
  },
  {
    what: "no concurrency",
    args: [...exec, "--concurrency", "0"],
    status: 2,
    says: "Expected a whole number from 1",
  },
  {
    what: "a lease that is no duration",
    args: [...exec, "--lease", "long"],
    status: 2,
    says: "Expected a duration such as",
  },
  {
    what: "a lease that is too short",
    args: [...exec, "--lease", "1ms"],
    status: 2,
    says: "lease must be at least 100 ms",
  },
  {
    what: "an unknown log level",
    args: [...exec, "--log-level", "loud"],
    status: 2,
    says: "Allowed choices are debug, info, warn, error, silent",
  },
  {
    what: "a queue file in a folder that does not exist",
    args: [...exec, "--url", "sqlite:no/such.db"],
    status: 69,
    says: "(STORE_UNAVAILABLE)",
    alsoUp: true,
  },
];

for (const verb of ["work", "up"]) {
  describe.concurrent(`${verb} refuses`, () => {
    const own = refusals.filter(({ alsoUp }) => verb === "work" || alsoUp);
    for (const { what, args, status, says } of own) {
      test(what, async ({ cli }) => {
        const ended = await cli.run([verb, ...args]);
        expect(ended.status).toBe(status);
        expect(ended.stderr).toContain(says);
        expect(ended.stderr).not.toContain("    at ");
      });
    }
  });
}
