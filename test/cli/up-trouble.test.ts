import { readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import { test } from "../support/cli.ts";

const quick = ["--cooldown", "300ms", "--stabilization", "300ms", "--polling", "100ms"];
const untilIdle = ["--exit-when-idle", "300ms"];

/** A worker file whose handler for the queue `q` has this body. */
const workerFile = (body: string): string => `
import { appendFileSync } from "node:fs";
import { defineJob, defineWorker } from "sluice";
const job = defineJob("q", { retry: { attempts: 3 } }).handle((input, job) => { ${body} });
export const worker = defineWorker({ handlers: [job], lease: "300ms" });
`;

describe.concurrent("up", () => {
  test("says once what is wrong with a file that only workers cannot load, and ends with status 2", async ({
    cli,
  }) => {
    cli.installSluice();
    await (await cli.open()).publish("q", 1);
    const onlyInWorkers = `
      if (process.env.SLUICE_WORKER_ID) {
        appendFileSync("starts", "1");
        throw new Error("no such thing as a licence");
      }`;
    const file = cli.write("worker.mjs", onlyInWorkers + workerFile(""));
    const ended = await cli.run(["up", file, ...quick, "--max", "1"]);
    expect(ended.status).toBe(2);
    const [log, report] = ended.stderr.split(
      /^error a worker must start and say that it is ready/m,
    );
    expect(log).toContain("scaled from=0 to=1");
    expect(report).toContain("no such thing as a licence");
    expect(ended.stderr).not.toContain("restartIn");
    expect(readFileSync(cli.path("starts"), "utf8")).toBe("1");
  });

  test("starts a worker that dies of each job again, ever later, until the job is dead", async ({
    cli,
  }) => {
    cli.installSluice();
    const sluice = await cli.open();
    await sluice.publish("q", 1);
    const body = `appendFileSync("attempts", job.attempt + " "); process.exit(3);`;
    const file = cli.write("worker.mjs", workerFile(body));
    const ended = await cli.run(["up", file, ...quick, ...untilIdle]);
    expect(ended.status).toBe(0);
    expect(readFileSync(cli.path("attempts"), "utf8")).toBe("1 2 3 ");
    const pauses = [...ended.stderr.matchAll(/worker crashed .*exit="code 3".* restartIn=(\S+)/g)];
    expect(pauses.map(([, pause]) => pause)).toEqual(["250ms", "500ms", "1.0s"]);
    const [letter] = await sluice.deadLetters("q");
    expect(letter?.reason).toMatch(/given up after 3 .*attempts: .* its worker crashed/);
  });

  test("works the other jobs beside one that kills its worker", async ({ cli }) => {
    cli.installSluice();
    const sluice = await cli.open();
    await sluice.publishMany("q", ["poison", "a", "b", "c", "d"]);
    const body = `
      if (input === "poison") process.kill(process.pid, "SIGKILL");
      appendFileSync("done", input);`;
    const file = cli.write("worker.mjs", workerFile(body));
    const limits = ["--max", "2", "--concurrency", "1"];
    const ended = await cli.run(["up", file, ...limits, ...quick, ...untilIdle]);
    expect(ended.status).toBe(0);
    expect([...readFileSync(cli.path("done"), "utf8")].sort()).toEqual(["a", "b", "c", "d"]);
    expect(await sluice.depth("q")).toMatchObject({ ready: 0, delayed: 0, inFlight: 0, dead: 1 });
  });

  test("leaves although the worker file keeps a timer of its own", async ({ cli }) => {
    cli.installSluice();
    const file = cli.write("worker.mjs", `${workerFile("")} setInterval(() => undefined, 1000);`);
    expect((await cli.run(["up", file, ...untilIdle])).status).toBe(0);
  });

  test("takes its numbers from the worker file, and options override them", async ({ cli }) => {
    cli.installSluice();
    const scaled = workerFile("").replace(
      `lease: "300ms"`,
      `scale: { maxReplicaCount: 2, messageCount: 1, cooldownPeriod: "200ms" }`,
    );
    const file = cli.write("worker.mjs", scaled);
    const sluice = await cli.open();
    for (const [options, expected] of [
      [[], "from=0 to=2"],
      [["--max", "1"], "from=0 to=1"],
    ] as const) {
      await sluice.publishMany("q", [1, 2, 3, 4]);
      const { stderr } = await cli.run(["up", file, ...options, ...untilIdle]);
      expect(stderr).toContain(`scaled ${expected}`);
    }
  });
});

describe.concurrent("up refuses", () => {
  const exec = ["--queue", "q", "--exec", "true"];
  for (const [what, args, says] of [
    ["more --min than --max workers", ["--min", "5", "--max", "2"], "minReplicaCount must be at"],
    ["no workers at all", ["--max", "0"], "Expected a whole number from 1"],
    ["to look all the time", ["--polling", "1ms"], "pollingInterval must be at least 50 ms"],
    ["queues that workers cannot see", ["--url", "memory:"], "Use a file, such as --url sqlite"],
  ] as const) {
    test(what, async ({ cli }) => {
      const ended = await cli.run(["up", ...exec, ...args]);
      expect(ended.status).toBe(2);
      expect(ended.stderr).toContain(says);
    });
  }
});
