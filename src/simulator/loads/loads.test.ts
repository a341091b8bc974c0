import { describe, expect, test } from "vitest";
import { constant } from "../distribution.ts";
import { readCsv } from "./csv.ts";
import { type CsvLoadOptions, readCsvLoad } from "./csv-load.ts";
import { createLoad, type Load, second, sliceLoad } from "./load.ts";
import { openLoad } from "./open-load.ts";
import { type RecordingLine, readRecording } from "./recording.ts";

async function* linesOf(text: string): AsyncGenerator<string> {
  if (text !== "") yield* text.split("\n");
}

async function read(text: string, options: CsvLoadOptions = {}): Promise<Load> {
  return readCsvLoad(await readCsv(linesOf(text), "load.csv"), options);
}

const seconds = (values: Float64Array): readonly number[] => [...values].map((us) => us / second);

describe("a file of arrivals", () => {
  test("is read from the beginning of the load, by its usual columns", async () => {
    const load = await read("time,duration\n1,0.5\n1.25,2\n\n3,0\n");
    expect(seconds(load.arrivalUs)).toEqual([1, 1.25, 3]);
    expect(seconds(load.serviceUs)).toEqual([0.5, 2, 0]);
  });

  test("may have dates, other names, another unit, and quotes", async () => {
    const text =
      '"TIMESTAMP";Tokens;"Generated, all"\n2023-11-16 18:17:03.9799600;1;10\n2023-11-16 18:17:04.0319605;1;8';
    const load = await read(text, { durationColumn: "generated, all", durationUnitMs: 30 });
    expect([...load.arrivalUs]).toEqual([0, 52_000]);
    expect(seconds(load.serviceUs)).toEqual([0.3, 0.24]);
    expect(load.originMs).toBe(Date.UTC(2023, 10, 16, 18, 17, 3, 979) + 0.96);
  });

  test("gets drawn durations where it has none, and says so", async () => {
    const load = await read("t\n0\n1", { service: constant(250) });
    expect(seconds(load.serviceUs)).toEqual([0.25, 0.25]);
    expect(load.notes.join()).toContain("drawn");
  });

  test("may have a byte order mark, line ends of Windows and empty cells at the end", async () => {
    const load = await read("\ufeffTime,Duration,\r\n0,1,\r\n2,3,\r\n");
    expect(seconds(load.arrivalUs)).toEqual([0, 2]);
    expect(seconds(load.serviceUs)).toEqual([1, 3]);
  });

  test("is read no further than it is wanted", async () => {
    const load = await read("t,service\n0,1\n10,2\nnothing", { untilMs: 10_000 });
    expect(seconds(load.arrivalUs)).toEqual([0]);
    expect(load.spanUs).toBe(10 * second);
  });

  test("can be cut by time while it is read", async () => {
    const load = await read("t,service\n0,1\n10,2\n20,3", { fromMs: 5000, untilMs: 15_000 });
    expect(seconds(load.arrivalUs)).toEqual([5]);
    expect(seconds(load.serviceUs)).toEqual([2]);
  });
});

describe("a file of counts", () => {
  test("becomes arrivals within their bins, the same for the same seed", async () => {
    const text = "time,count\n0,2\n60,0\n120,3";
    const load = await read(text, { service: constant(1000), seed: 4 });
    expect(load.arrivalUs).toHaveLength(5);
    expect(load.spanUs).toBe(180 * second);
    expect(load.arrivalUs[1]).toBeLessThan(60 * second);
    expect(load.arrivalUs[2]).toBeGreaterThanOrEqual(120 * second);
    expect(load.notes.join()).toContain("seed 4");
    expect((await read(text, { service: constant(1000), seed: 4 })).arrivalUs).toEqual(
      load.arrivalUs,
    );
  });

  test("can be scaled, and its gaps can mean no jobs", async () => {
    const text = "time,value\n0,200\n300,200\n900,200";
    const load = await read(text, { service: constant(1), scale: 0.5, gaps: "zero" });
    expect(load.arrivalUs).toHaveLength(300);
    expect(load.spanUs).toBe(1200 * second);
  });
});

const service = constant(1);

/** A text, how it is read, and what its error says. */
const refused: readonly (readonly [string, CsvLoadOptions, string])[] = [
  ["", {}, "load.csv:1: a load must begin with a header"],
  ["time,duration\n", {}, "load.csv:1: a load must have at least one job"],
  ["when,duration\n0,1", {}, "load.csv:1: there must be a column of times, such as time"],
  ["time,value\n0,1", {}, "load.csv:1: there must be a column of durations"],
  ["time,duration\n0,1", { durationColumn: "cost" }, "load.csv:1: there must be a column cost"],
  ["time,duration\n5,1\n4,1", {}, "load.csv:3: time must not be before that of the line above"],
  ["time,duration\n-5,1", {}, "load.csv:2: time must be seconds from 0"],
  ["time,duration\nsoon,1", {}, "load.csv:2: time must be seconds from 0"],
  ["time,duration\n0,1\n1,-1", {}, "load.csv:3: duration must be a number from 0"],
  ["time,duration\n0,1\n\n1,", {}, "load.csv:4: duration must be a number from 0"],
  ["time,duration\n0,1\n1", {}, "load.csv:3: duration must be a number from 0"],
  ["time,count\n0,1\n60,x", { service }, "load.csv:3: count must be a number from 0"],
  ["time,count\n0,1\n60,1\n180,1", { service }, "load.csv:4: bins of 60 s must follow each other"],
  ["time,count\n0,1\n60,1\n90,1", { service }, "load.csv:4: bins of 60 s must follow"],
  ["time,count\n0,1\n0,1", { service }, "load.csv:3: this bin was there already"],
  ["time,count\n0,1", { service }, "load.csv:1: a load must have at least two bins"],
  ["time,count\n0,1e9\n1,1", { service }, "at most 100,000,000 jobs"],
  ["time,duration\n0,1", { fromMs: 9 }, "between --from and --until"],
  ["time,duration\n0,NaN", {}, "load.csv:2: duration must be a number from 0"],
  ["time,duration\n0,1e400", {}, "load.csv:2: duration must be a number from 0"],
  ["time,duration\n0,1e300", {}, "load.csv:2: duration must be at most 9007199254 s"],
  [
    "time;duration\n0;2,5",
    {},
    'load.csv:2: duration must be a number from 0; got "2,5". Write 2.5',
  ],
  ["time,duration\n1e400,1", {}, "load.csv:2: time must be seconds from 0"],
  ["time,duration\n1764000000000,1", {}, "Divide milliseconds by 1000."],
  ["time,duration\n2026-13-01,1", {}, "load.csv:2: time must be seconds from 0, or a date"],
  ["time,duration\n2026-01-01,1\n5,1", {}, "load.csv:3: time must be a date as in the lines above"],
  ["time,duration\n5,1\n2026-01-01,1", {}, "load.csv:3: time must be seconds as in the lines"],
  ["time,duration,Duration\n0,1,2", { durationColumn: "x" }, "there must be a column x"],
  [
    "time,duration,duration\n0,1,2",
    {},
    "load.csv:1: columns must have names of their own; duration",
  ],
  ["time,duration\n1,000,2", {}, "load.csv:2: a line must have no more cells than the header, 2"],
  ['time,duration\n0,"1\n2"', {}, 'load.csv:2: a quote (") must be closed on its line'],
  ["\u0007\u001b[31m\u0000,b\n0,1", {}, "there are \ufffd\ufffd[31m\ufffd, b."],
];

describe("bad input", () => {
  test.each(refused)("%j is refused with its line", async (text, options, message) => {
    await expect(read(text, options)).rejects.toMatchObject({
      code: "LOAD_INVALID",
      message: expect.stringContaining(message),
    });
  });

  test("options that a load cannot honour are refused", async () => {
    await expect(openLoad("step", { scale: 2 })).rejects.toMatchObject({ code: "OPTION_INVALID" });
    await expect(read("t,service\n0,1", { scale: 2 })).rejects.toMatchObject({
      code: "OPTION_INVALID",
    });
    await expect(openLoad("long", { untilMs: 1 })).rejects.toMatchObject({ code: "LOAD_INVALID" });
    const { load } = await openLoad("step", { fromMs: 60_000, untilMs: 120_000 });
    expect(load.spanUs).toBe(60 * second);
  });

  test("an unknown name is neither a load nor a file", async () => {
    await expect(openLoad("mmppp")).rejects.toMatchObject({
      code: "LOAD_INVALID",
      message: expect.stringMatching(/^mmppp must be a file .* mmpp, /),
    });
  });

  test("a load made by hand is checked too", () => {
    const make = (arrivals: readonly number[], services: readonly number[]) => () =>
      createLoad({
        name: "x",
        arrivalUs: Float64Array.from(arrivals),
        serviceUs: Float64Array.from(services),
      });
    expect(make([5, 4], [1, 1])).toThrow(/job 1 must arrive/);
    expect(make([-1], [1])).toThrow(/job 0 must arrive/);
    expect(make([0], [Number.NaN])).toThrow(/job 0 must take/);
    expect(make([0], [])).toThrow(/a service time for each/);
  });
});

describe("a recording", () => {
  const attempt = {
    type: "attempt",
    queue: "q",
    worker: "w1",
    attempt: 1,
    outcome: "done",
  } as const;
  const lines: readonly RecordingLine[] = [
    { type: "recording", version: 1, at: 1000, queues: ["q"], concurrency: 2 },
    { type: "worker", id: "w1", step: "requested", at: 1000 },
    { ...attempt, id: "b", readyAt: 3000, startedAt: 3100, endedAt: 3600.5 },
    { type: "worker", id: "w1", step: "ready", at: 1400 },
    { ...attempt, id: "a", readyAt: 2000, startedAt: 2500, endedAt: 2600, outcome: "failed" },
    { ...attempt, id: "a", readyAt: 2000, startedAt: 4000, endedAt: 4250, attempt: 2 },
    { type: "worker", id: "w1", step: "gone", at: 6000 },
    { type: "end", at: 9000 },
  ];
  const text = lines.map((line) => JSON.stringify(line)).join("\n");

  test("becomes a load with the measured service times, and what was observed", async () => {
    const { load, observed, startup, header } = await readRecording(linesOf(text), "run.jsonl");
    expect(header.concurrency).toBe(2);
    expect(seconds(load.arrivalUs)).toEqual([1, 2]);
    expect(seconds(load.serviceUs)).toEqual([0.25, 0.5005]);
    expect([...(load.failures ?? [])]).toEqual([1, 0]);
    expect(load.spanUs).toBe(8 * second);
    expect(observed).toEqual({
      jobs: 2,
      p95WaitMs: 500,
      maxWaitMs: 500,
      workerSeconds: 5,
      peakWorkers: 1,
    });
    expect(startup).toEqual({ kind: "measured", ms: [400] });
  });

  test("takes a start-up to the first job that waited, a leave from the last, and the pauses between", async () => {
    const job = (id: string, startedAt: number, endedAt: number) => ({
      ...{ ...attempt, id, readyAt: 900, startedAt, endedAt },
    });
    const busy: readonly RecordingLine[] = [
      ...lines.slice(0, 2),
      { type: "worker", id: "w1", step: "ready", at: 1400 },
      ...[job("a", 1450, 1500), job("b", 1520, 1600)],
      { type: "worker", id: "w1", step: "draining", at: 1550 },
      { type: "worker", id: "w1", step: "gone", at: 1690 },
    ];
    const written = busy.map((line) => JSON.stringify(line)).join("\n");
    const { load, startup, shutdown } = await readRecording(linesOf(written), "run.jsonl");
    expect(startup).toEqual({ kind: "measured", ms: [450] });
    expect(shutdown).toEqual({ kind: "measured", ms: [90] });
    expect(seconds(load.serviceUs)).toEqual([0.07, 0.1]);
    expect(load.notes.join()).toContain("20ms later");
  });

  test.each([
    ["", "run.jsonl:1: a recording must begin with its header"],
    ['{"type":"end","at":1}', "run.jsonl:1: a recording must begin with"],
    [`${text.split("\n")[0]}\n{"type":"attempt"`, "run.jsonl:2: each line"],
    [`${text.split("\n")[0]}\n`, "at least one attempt"],
    [
      `${text.split("\n")[0]}\n{"type":"attempt","queue":"q","id":"a"}`,
      "run.jsonl:2: an attempt must",
    ],
    [
      `${text.split("\n")[0]}\n{"type":"attempt","queue":"q","readyAt":1,"startedAt":1,"endedAt":1}`,
      "run.jsonl:2: an attempt must have its queue and its id",
    ],
    [
      `${text.split("\n")[0]}\n{"type":"worker","id":"w","step":"ready"}`,
      "run.jsonl:2: a worker's step must have",
    ],
  ])("that is broken is refused with its line: %j", async (broken, message) => {
    await expect(readRecording(linesOf(broken), "run.jsonl")).rejects.toMatchObject({
      code: "LOAD_INVALID",
      message: expect.stringContaining(message),
    });
  });
});

test("a fold has the jobs of its time, from its own beginning", () => {
  const load = createLoad({
    name: "x",
    arrivalUs: Float64Array.of(0, 10, 20, 30),
    serviceUs: Float64Array.of(1, 2, 3, 4),
    spanUs: 100,
  });
  const fold = sliceLoad(load, 10, 30);
  expect([...fold.arrivalUs]).toEqual([0, 10]);
  expect([...fold.serviceUs]).toEqual([2, 3]);
  expect(fold.spanUs).toBe(20);
});
