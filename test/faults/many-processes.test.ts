/** Many processes on one file at the same time. */
import { describe, expect } from "vitest";
import { test } from "../support/cli.ts";
import { until } from "../support/until.ts";
import {
  confirmed,
  idsOf,
  readRecord,
  recordingEnv,
  recordingWorker,
  startProducer,
  startRecordingWorker,
} from "./recording.ts";

const nothing = { ready: 0, delayed: 0, inFlight: 0, dead: 0 };

/** The nearest-rank percentile. */
function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}

describe("six producers and six workers on one file", () => {
  test("lose none of 3,000 jobs and run none twice", async ({ cli }) => {
    const sluice = await cli.open();
    const began = Date.now();
    const crew = Array.from({ length: 6 }, () => startRecordingWorker(cli, { concurrency: 10 }));
    const producers = Array.from({ length: 6 }, () => startProducer(cli, 500, 10));
    for (const producer of producers) {
      const { status, stderr } = await producer.ended(60_000);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    }
    const publishedMs = Date.now() - began;
    await until(
      async () => (await sluice.depth("q")).inFlight === 0 && (await sluice.depth("q")).ready === 0,
      {
        withinMs: 30_000,
        what: "the queue becomes empty",
      },
    );
    for (const worker of crew) worker.kill("SIGTERM");
    for (const worker of crew) expect((await worker.ended()).status).toBe(0);

    const sent = producers.flatMap(confirmed);
    const ms = sent.map((one) => one.ms);
    console.log(
      `3,000 published in ${publishedMs} ms, worked after ${Date.now() - began} ms;`,
      `publish p50 ${percentile(ms, 0.5)} ms, p99 ${percentile(ms, 0.99)} ms, max ${Math.max(...ms)} ms`,
    );
    expect(sent).toHaveLength(3000);
    expect(idsOf(readRecord(cli), "end").toSorted()).toEqual(sent.map(({ id }) => id).toSorted());
    expect(await sluice.depth("q")).toMatchObject(nothing);
  }, 90_000);
});

describe("two sluice up on one file", () => {
  test("do every job once between them", async ({ cli }) => {
    const sluice = await cli.open();
    const ids = await sluice.publishMany("q", Array(300).fill({ workMs: 20 }));
    const limits = ["--max", "3", "--cooldown", "300ms", "--stabilization", "300ms"];
    const args = ["up", recordingWorker, ...limits, "--exit-when-idle", "500ms"];
    const options = { env: recordingEnv(cli), withinMs: 30_000 };
    const both = await Promise.all([cli.run(args, options), cli.run(args, options)]);
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    const record = readRecord(cli);
    expect(idsOf(record, "end").toSorted()).toEqual(ids.toSorted());
    expect(idsOf(record, "start")).toHaveLength(ids.length);
    expect(new Set(record.map(({ pid }) => pid)).size).toBe(6);
    expect(await sluice.depth("q")).toMatchObject(nothing);
  }, 40_000);
});

describe("a producer killed while it publishes", () => {
  test("has every id that it saw confirmed in the queue", async ({ cli }) => {
    const sluice = await cli.open();
    const all: string[] = [];
    for (const moment of [1, 40, 150, 400, 800]) {
      const producer = startProducer(cli, 1_000_000, 20);
      await until(() => confirmed(producer).length >= moment, {
        withinMs: 10_000,
        what: `${moment} confirmations`,
      });
      producer.kill("SIGKILL");
      await producer.exit;
      all.push(...confirmed(producer).map(({ id }) => id));
    }
    const waiting = await sluice.peek("q", { limit: 1_000_000 });
    const stored = new Set(waiting.map(({ id }) => id));
    expect(all.length).toBeGreaterThan(1000);
    expect(all.filter((id) => !stored.has(id))).toEqual([]);
    expect((await sluice.depth("q")).ready).toBe(stored.size);
    console.log(`${all.length} confirmed by five killed producers, ${stored.size} stored`);
  });
});
