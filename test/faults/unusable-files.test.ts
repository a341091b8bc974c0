/** Files that cannot be used: no rights, no database, a newer one, gone. */
import { createHash } from "node:crypto";
import { chmodSync, chownSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect } from "vitest";
import { type Cli, type CliOptions, test } from "../support/cli.ts";
import type { Ended } from "../support/program.ts";

/** The user `nobody`, when we may become it; rights mean nothing to root. */
const asNobody: CliOptions = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};

function handOver(path: string): void {
  if (asNobody.uid !== undefined) chownSync(path, asNobody.uid, 65_534);
}

/** A queue file with one job that belongs to the user who will use it, and no other files beside it. */
async function createFile(cli: Cli): Promise<string> {
  expect((await cli.run(["publish", "q", "--data", "1"])).status).toBe(0);
  handOver(cli.folder);
  handOver(cli.path("sluice.db"));
  return cli.path("sluice.db");
}

const runSql = fileURLToPath(new URL("fixtures/run-sql.mjs", import.meta.url));

const digest = (path: string): string =>
  createHash("sha256").update(readFileSync(path)).digest("hex");

const readOnly = /sluice\.db must be writable, and so must its folder.*\(STORE_READ_ONLY\)$/m;

const commands = [
  ["publish", "q", "--data", "2"],
  ["work", "--queue", "q", "--exec", "true"],
  ["up", "--queue", "q", "--exec", "true"],
] as const;

/** How they end, all at the same time: a file that none of them may change is the same to each. */
function runAll(
  cli: Cli,
  lines: readonly (readonly string[])[],
  options?: CliOptions,
): Promise<readonly Ended[]> {
  return Promise.all(lines.map((line) => cli.run(line, options)));
}

/** Why the tests below cannot run here, or null: root must become a user who can at least read the repository. */
async function obstacle(cli: Cli): Promise<string | null> {
  const { status } = await cli.run(["--version"], { ...asNobody, cwd: "/" });
  return status === 0 ? null : "the user nobody cannot read this checkout or run this Node";
}

describe.concurrent("a user without the right to write", () => {
  test("is told that a file is read-only, and how to change that", async ({ cli, skip }) => {
    const why = await obstacle(cli);
    if (why !== null) return skip(why);
    const file = await createFile(cli);
    chmodSync(file, 0o444);
    const [publish, work, up] = commands;
    for (const ended of await runAll(cli, [publish, work], asNobody)) {
      expect(ended.status).toBe(78);
      expect(ended.stderr).toMatch(readOnly);
      expect(ended.stderr).not.toContain("    at ");
    }
    const program = cli.start(up, asNobody);
    await program.waitFor(readOnly);
    program.kill("SIGTERM");
    await program.ended();
  });

  test("is told about a folder that is read-only", async ({ cli, skip }) => {
    const why = await obstacle(cli);
    if (why !== null) return skip(why);
    const file = await createFile(cli);
    chmodSync(cli.folder, 0o555);
    for (const ended of await runAll(cli, commands, asNobody)) {
      expect(ended.stderr).toMatch(/sluice\.db .*folder.*\(STORE_(READ_ONLY|UNAVAILABLE)\)\n$/);
      expect([78, 69]).toContain(ended.status);
    }
    chmodSync(cli.folder, 0o755);
    rmSync(file);
    chmodSync(cli.folder, 0o555);
    const ended = await cli.run(["publish", "q", "--data", "1"], asNobody);
    expect(ended.status).toBe(69);
    expect(ended.stderr).toMatch(/cannot be opened or created\. .*\(STORE_UNAVAILABLE\)\n$/);
    chmodSync(cli.folder, 0o755);
  });
});

describe.concurrent("a file that is no database of ours", () => {
  test("is refused and left as it is", async ({ cli }) => {
    const file = cli.write("sluice.db", `${"this is a letter, not a database\n".repeat(500)}`);
    const before = digest(file);
    for (const ended of await runAll(cli, [...commands, ["status"], ["dead", "list", "q"]])) {
      expect(ended.status).toBe(78);
      expect(ended.stderr).toMatch(/is not a SQLite database or is damaged.*\(STORE_CORRUPT\)\n$/);
    }
    expect(digest(file)).toBe(before);
  });

  test("is refused when it was cut short", async ({ cli }) => {
    const lines = Array(1000).fill(JSON.stringify("x".repeat(500)));
    await cli.run(["publish", "q"], { input: lines.join("\n") });
    truncateSync(cli.path("sluice.db"), 200_000);
    for (const ended of await runAll(cli, [...commands, ["status", "q"]])) {
      expect(ended.status).toBe(78);
      expect(ended.stderr).toMatch(/is not a SQLite database or is damaged.*\(STORE_CORRUPT\)$/m);
    }
  });

  test("is refused, unchanged, when a newer Sluice has written it", async ({ cli }) => {
    const file = await createFile(cli);
    const sql = "INSERT INTO sluice_schema (version) VALUES (99)";
    expect((await cli.spawn([process.execPath, runSql, file, sql]).ended()).status).toBe(0);
    const before = digest(file);
    for (const ended of await runAll(cli, [
      ...commands,
      ["status"],
      ["dead", "purge", "q", "--all"],
    ])) {
      expect(ended).toMatchObject({ status: 78 });
      expect(ended.stderr).toMatch(/schema version 99; .* up to 1\. Update Sluice.*SCHEMA_NEWER/);
    }
    expect(digest(file)).toBe(before);
  });
});

describe.concurrent("a file that is deleted while it is in use", () => {
  test("ends the worker with an error that says so", async ({ cli }) => {
    await (await cli.open()).publish("q", 1);
    const worker = cli.start(["work", "--queue", "q", "--exec", "echo begun; sleep 1"]);
    await worker.waitFor("begun");
    for (const end of ["", "-wal", "-shm"]) rmSync(cli.path(`sluice.db${end}`));
    const ended = await worker.ended(10_000);
    expect(ended.status).toBe(69);
    const says = /sluice\.db was deleted or replaced while it was in use\. Stop all processes/;
    expect(ended.stderr).toMatch(says);
    expect(ended.stderr).toMatch(/^error .*\(STORE_UNAVAILABLE\)$/m);
  });
});
