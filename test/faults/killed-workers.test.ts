/** kill -9 at workers and at their parent, all the time and anywhere. */
import { setTimeout as wait } from "node:timers/promises";
import { describe, expect } from "vitest";
import type { Sluice } from "../../src/index.ts";
import { seededRandom } from "../../src/testing/seeded-random.ts";
import { type Cli, test } from "../support/cli.ts";
import type { Program } from "../support/program.ts";
import { until } from "../support/until.ts";
import { idsOf, type RecordLine, readRecord, startRecordingWorker } from "./recording.ts";

const jobs = 2000;
const killEveryMs = 300;
const empty = { ready: 0, delayed: 0, inFlight: 0, dead: 0 };

async function isEmpty(sluice: Sluice): Promise<boolean> {
  const { ready, delayed, inFlight } = await sluice.depth("q");
  return ready === 0 && delayed === 0 && inFlight === 0;
}

/**
 * Kills a random worker at every turn and starts another, until the queue is empty; tells whom it has killed. A turn
 * passes while fewer than three have begun to work, or a slow machine would never get anywhere.
 */
async function killUntilEmpty(cli: Cli, sluice: Sluice, crew: Program[]): Promise<Set<number>> {
  const random = seededRandom(20_261_122);
  const options = { lease: "1s", concurrency: 5 };
  while (crew.length < 4) crew.push(startRecordingWorker(cli, options));
  await crew[0]?.waitFor("working");
  const killed = new Set<number>();
  const giveUpAt = Date.now() + 45_000;
  while (!(await isEmpty(sluice))) {
    if (Date.now() > giveUpAt) throw new Error(JSON.stringify(await sluice.depth("q")));
    await wait(killEveryMs);
    const begun = crew.filter(({ stderr }) => stderr.includes("working"));
    const victim = crew[Math.floor(random() * crew.length)];
    if (begun.length < 3 || victim === undefined) continue;
    victim.kill("SIGKILL");
    killed.add(victim.pid);
    crew.splice(crew.indexOf(victim), 1, startRecordingWorker(cli, options));
  }
  return killed;
}

/** The jobs that ran again although nobody had killed the worker that had them before. */
function unexcusedRepeats(record: readonly RecordLine[], killed: ReadonlySet<number>) {
  const holder = new Map<string, RecordLine>();
  return record.filter((line) => {
    if (line.event === "end") return false;
    const before = holder.get(line.id);
    holder.set(line.id, line);
    return before !== undefined && !killed.has(before.pid);
  });
}

describe("workers killed at random", () => {
  test("lose no job, and only jobs that a killed worker held run again", async ({ cli }) => {
    const sluice = await cli.open();
    const ids = await sluice.publishMany("q", Array(jobs).fill({ workMs: 20 }));
    const began = Date.now();
    const crew: Program[] = [];
    const killed = await killUntilEmpty(cli, sluice, crew);
    const seconds = (Date.now() - began) / 1000;
    for (const worker of crew) worker.kill("SIGTERM");
    await Promise.all(crew.map((worker) => worker.ended()));

    const record = readRecord(cli);
    const ended = idsOf(record, "end");
    const again = idsOf(record, "start").length - new Set(idsOf(record, "start")).size;
    console.log(`${killed.size} kills in ${seconds} s; ${again} jobs ran again`);
    expect(killed.size).toBeGreaterThan(5);
    expect(new Set(ended)).toEqual(new Set(ids));
    expect(unexcusedRepeats(record, killed)).toEqual([]);
    expect(await sluice.depth("q")).toMatchObject(empty);
    const attempts = Math.max(...record.map(({ attempt }) => attempt));
    expect(attempts).toBeGreaterThan(1);
  }, 60_000);
});

describe("a killed sluice up", () => {
  test("takes its workers and their commands along, and gives their jobs back", async ({ cli }) => {
    const sluice = await cli.open();
    await sluice.publishMany("q", [1, 2, 3]);
    const command = ["--queue", "q", "--exec", "echo begun; sleep 60 & sleep 60"];
    const up = cli.start(["up", ...command, "--max", "2", "--per-worker", "1"]);
    await up.waitFor(/\[w1\] begun/);
    await up.waitFor(/\[w2\] begun/);
    const began = Date.now();
    up.kill("SIGKILL");
    await cli.expectNoProcesses(5000);
    const goneMs = Date.now() - began;
    const again = await sluice.driver.receive("q", { max: 9, waitMs: 0, leaseMs: 9000 });
    expect(again.map(({ attempt }) => attempt)).toEqual([1, 1, 1]);
    console.log(`all gone, and their jobs back, ${goneMs} ms after kill -9 of the parent`);
  });
});

describe("a killed worker", () => {
  test("takes its command along, and its job is received again after one lease", async ({
    cli,
  }) => {
    const sluice = await cli.open();
    await sluice.publish("q", 1);
    const command = ["--queue", "q", "--exec", "echo begun; sleep 60 & sleep 60"];
    const worker = cli.start(["work", ...command, "--lease", "1s"]);
    await worker.waitFor("begun");
    const began = Date.now();
    worker.kill("SIGKILL");
    await cli.expectNoProcesses(1000);
    const receive = () => sluice.driver.receive("q", { max: 1, waitMs: 0, leaseMs: 9000 });
    const [delivery] = await until(
      async () => {
        const got = await receive();
        return got.length > 0 && got;
      },
      { withinMs: 3000, what: "the job comes back" },
    );
    expect(delivery?.attempt).toBe(2);
    console.log(`the job of a killed worker came back ${Date.now() - began} ms later (lease 1 s)`);
  });
});
