import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { repository, test } from "../support/cli.ts";

const verbs = [
  "demo",
  "init",
  "publish",
  "work",
  "up",
  "status",
  "dead",
  "scale",
  "explain",
  "schema",
];

describe.concurrent("help", () => {
  for (const verb of verbs) {
    test(`of ${verb} has examples`, async ({ cli }) => {
      const ended = await cli.run([verb, "--help"]);
      expect(ended).toMatchObject({ status: 0, stderr: "" });
      expect(ended.stdout).toMatch(new RegExp(`^Usage: sluice ${verb} `));
      expect(ended.stdout).toMatch(new RegExp(`\nExamples:\n +\\$ .*sluice ${verb}`));
    });
  }

  test("of dead's own commands tells their options", async ({ cli }) => {
    const own = ["list", "redrive", "purge"];
    const ended = await Promise.all(own.map((verb) => cli.run(["dead", verb, "--help"])));
    for (const [index, { status, stdout }] of ended.entries()) {
      expect(status).toBe(0);
      expect(stdout).toContain(`Usage: sluice dead ${own[index]} [options] <queue>`);
    }
  });

  test("lists every command, and where the queue is by default", async ({ cli }) => {
    const ended = await Promise.all(["--help", "help", "-h"].map((word) => cli.run([word])));
    for (const { status, stdout } of ended) {
      expect(status).toBe(0);
      for (const verb of verbs) expect(stdout).toMatch(new RegExp(`^  ${verb}\\b`, "m"));
      expect(stdout).toContain("Examples:");
      expect(stdout).toContain("sluice.db in this folder unless --url or SLUICE_URL names another");
    }
  });

  test("does not show a URL that comes from the environment", async ({ cli }) => {
    const env = { SLUICE_URL: "postgres://user:hunter2@host/db" };
    const taking = ["publish", "work", "up", "status"];
    const ended = await Promise.all(taking.map((verb) => cli.run([verb, "--help"], { env })));
    for (const { stdout } of ended) {
      expect(stdout).toContain("SLUICE_URL");
      expect(stdout).not.toContain("hunter2");
    }
  });

  test("is not needed for the version", async ({ cli }) => {
    const manifest: unknown = JSON.parse(readFileSync(join(repository, "package.json"), "utf8"));
    const { status, stdout } = await cli.run(["--version"]);
    expect(status).toBe(0);
    expect(manifest).toMatchObject({ version: stdout.trim() });
  });
});

interface Mistake {
  readonly what: string;
  readonly args: readonly string[];
  readonly says: string;
  readonly suggests?: string;
}

const mistakes: readonly Mistake[] = [
  {
    what: "an unknown command",
    args: ["publsh", "q"],
    says: "unknown command 'publsh'",
    suggests: "(Did you mean publish?)",
  },
  {
    what: "an unknown command of dead",
    args: ["dead", "purg", "q"],
    says: "unknown command 'purg'",
    suggests: "(Did you mean purge?)",
  },
  {
    what: "an unknown option",
    args: ["publish", "q", "--dta", "1"],
    says: "unknown option '--dta'",
    suggests: "(Did you mean --data?)",
  },
  {
    what: "an unknown option of up",
    args: ["up", "--exce", "true"],
    says: "unknown option '--exce'",
    suggests: "(Did you mean --exec?)",
  },
  { what: "a missing queue", args: ["publish"], says: "missing required argument 'queue'" },
  {
    what: "an option without its value",
    args: ["publish", "q", "--data"],
    says: "argument missing",
  },
  { what: "one argument too many", args: ["publish", "q", "r"], says: "too many arguments" },
  {
    what: "a word that every object knows",
    args: ["toString"],
    says: "unknown command 'toString'",
  },
];

describe.concurrent("a command line with", () => {
  for (const { what, args, says, suggests = "" } of mistakes) {
    test(`${what} ends with status 2 and says what would be right`, async ({ cli }) => {
      const ended = await cli.run(args);
      expect(ended).toMatchObject({ status: 2, stdout: "" });
      expect(ended.stderr).toContain(says);
      expect(ended.stderr).toContain(suggests);
      expect(ended.stderr).toContain("Run sluice --help");
    });
  }

  for (const args of [[], ["dead"]]) {
    test(`[${args}] alone shows the help and ends with status 2`, async ({ cli }) => {
      const ended = await cli.run(args);
      expect(ended).toMatchObject({ status: 2, stdout: "" });
      expect(ended.stderr).toContain("Examples:");
    });
  }
});
