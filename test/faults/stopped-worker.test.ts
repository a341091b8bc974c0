import { expect } from "vitest";
import { test } from "../support/cli.ts";
import { until } from "../support/until.ts";
import { idsOf, readRecord, startRecordingWorker } from "./recording.ts";

test("a worker that was stopped for longer than its lease cannot settle, and the jobs run elsewhere", async ({
  cli,
}) => {
  const sluice = await cli.open();
  // One job is due to end as soon as the worker goes on, the other one much later.
  const [short, long] = await sluice.publishMany("q", [{ workMs: 800 }, { workMs: 2500 }]);
  const options = { lease: "500ms", concurrency: 2 };
  const stopped = startRecordingWorker(cli, options);
  const starts = () => idsOf(readRecord(cli), "start").length;
  await until(() => starts() === 2, { withinMs: 10_000, what: "both jobs start" });
  stopped.kill("SIGSTOP");
  const other = startRecordingWorker(cli, options);
  await until(() => idsOf(readRecord(cli), "end").includes(short ?? ""), {
    withinMs: 10_000,
    what: "the short job ends in the other worker",
  });

  stopped.kill("SIGCONT");
  for (const id of [short, long])
    await stopped.waitFor(new RegExp(`lease lost.* id=${id} attempt=1`), 5000);
  await until(() => idsOf(readRecord(cli), "end").includes(long ?? ""), {
    withinMs: 10_000,
    what: "the long job ends",
  });
  for (const worker of [stopped, other]) worker.kill("SIGTERM");
  const ends = await Promise.all([stopped.ended(), other.ended()]);
  expect(ends.map(({ status }) => status)).toEqual([0, 0]);
  expect(ends[0].stderr).toContain("left completed=0 failed=2");
  expect(ends[1].stderr).toContain("left completed=2 failed=0");
  const elsewhere = readRecord(cli).filter(({ pid }) => pid === other.pid);
  expect(elsewhere.map(({ event, attempt }) => `${event} ${attempt}`)).toEqual([
    "start 2",
    "start 2",
    "end 2",
    "end 2",
  ]);
  expect(await sluice.depth("q")).toMatchObject({ ready: 0, delayed: 0, inFlight: 0, dead: 0 });
});
