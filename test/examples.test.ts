/**
 * Runs each example as a reader does: the commands of its README, word for word, in its folder and on a queue file of
 * their own. `npx sluice` and `npx tsx` stand for those of this tree.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "sluice-examples-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hasShell = process.platform !== "win32";
const hasPython = spawnSync("python3", ["--version"]).status === 0;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function commandsOf(example: string): readonly string[] {
  const readme = readFileSync(join(root, "examples", example, "README.md"), "utf8");
  const fences = [...readme.matchAll(/^```sh\n(.*?)^```/gms)];
  return fences.flatMap(([, text = ""]) => text.split("\n").filter((line) => line !== ""));
}

function runCommand(example: string, command: string, url: string): Promise<Ended> {
  const here = command
    .replace(/^npx sluice /, '"$NODE" "$SLUICE" ')
    .replace(/^npx tsx /, '"$NODE" --import tsx ');
  const child = spawn("sh", ["-c", here], {
    cwd: join(root, "examples", example),
    env: {
      ...process.env,
      NODE: process.execPath,
      SLUICE: join(root, "dist/cli/main.js"),
      SLUICE_URL: url,
      NO_COLOR: "1",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, stdout, stderr }));
  });
}

/** Runs the commands of an example one after the other; each must end well. */
async function runExample(example: string, url: string): Promise<readonly Ended[]> {
  const ends: Ended[] = [];
  for (const command of commandsOf(example)) {
    const ended = await runCommand(example, command, url);
    expect(ended.status, `${command}\n${ended.stdout}${ended.stderr}`).toBe(0);
    ends.push(ended);
  }
  return ends;
}

/** Commands of processes that still have the queue in their environment; none where the system does not tell. */
function processesOf(url: string): readonly string[] {
  if (!existsSync("/proc/self/environ")) return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        if (!readFileSync(`/proc/${pid}/environ`, "utf8").includes(`SLUICE_URL=${url}\0`))
          return [];
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
      } catch {
        return []; // it ended meanwhile, or belongs to someone else
      }
    });
}

describe.skipIf(!hasShell).concurrent("the example", { timeout: 60_000 }, () => {
  test("1-hello-queue greets whom it can and keeps the rest as a dead letter", async () => {
    const url = `sqlite:${join(folder, "hello.db")}`;
    const [published, status, up, dead, ...more] = await runExample("1-hello-queue", url);
    expect(more).toEqual([]);
    expect(published?.stdout).toBe("published Ada\npublished Grace\npublished \n");
    expect(status?.stdout).toMatch(/^greet +3 +0 +0 +0 /m);
    expect(up?.stderr).toMatch(/^\[w\d+\] Hello Ada \(attempt 1\)$/m);
    expect(up?.stderr).toMatch(/^\[w\d+\] Hello Grace \(attempt 1\)$/m);
    expect(dead?.stdout).toContain("nobody to greet");
    expect(dead?.stdout).toContain('{"name":""}');
    expect(processesOf(url)).toEqual([]);
  });

  test.skipIf(!hasPython)(
    "2-any-language works jobs with Python and with a shell, by their exit status",
    async () => {
      const url = `sqlite:${join(folder, "any.db")}`;
      const [published, python, dead, single, shell, ...more] = await runExample(
        "2-any-language",
        url,
      );
      expect(more).toEqual([]);
      expect(published?.stdout).toBe("4 published to resize\n");
      expect(python?.stderr).toMatch(/^\[w\d+\] resized 1 to 320 \(attempt 1\)$/m);
      expect(python?.stderr).toMatch(/^\[w\d+\] resized 2 to 640 \(attempt 1\)$/m);
      expect(python?.stderr).toMatch(/^\[w\d+\] resized 4 to 1280 \(attempt 2\)$/m);
      expect(dead?.stdout).toContain("status 65: width must be more than 0; got 0");
      expect(dead?.stderr).toContain("1 of 1");
      expect(single?.stdout).toBe("1 published to thumbnail\n");
      expect(shell?.stderr).toMatch(/^\[w\d+\] resized \{"id": 5, "width": 64\} \(attempt 1\)$/m);
      expect(processesOf(url)).toEqual([]);
    },
  );
});
