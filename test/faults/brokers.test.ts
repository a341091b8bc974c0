/**
 * What becomes of jobs when a broker, the network to it or a worker fails: written once, run for every driver with a
 * server of its own. The figures that it prints answer "how soon is it back?".
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, type TestContext, test } from "vitest";
import { brokerFaults } from "./broker-faults.ts";
import { networkFaults } from "./network-faults.ts";
import { withLoad } from "./run.ts";
import { type FoundServer, serverFor, subjects } from "./subjects.ts";
import { killWorkerInJob } from "./worker-faults.ts";

// The drivers side by side, since most of the time is waiting; the faults of one after the other, on the same server.
const oneByOne = { concurrent: false, timeout: 120_000 } as const;

for (const subject of subjects) {
  describe.concurrent(subject.name, () => {
    let found: FoundServer = { reason: "the server did not start" };
    beforeAll(async () => {
      found = await serverFor(subject);
    }, 300_000);
    afterAll(() => found.server?.close());

    for (const { name, load, run } of [...brokerFaults, ...networkFaults]) {
      test(name, oneByOne, async ({ skip }: TestContext) => {
        const { server, reason } = found;
        if (server === undefined) return skip(reason);
        await withLoad({ url: server.url, ...load }, async (under) => {
          const figures = await run(under, { subject, server });
          console.log([`${subject.name}: ${name}`, ...figures].join("\n  "));
        });
      });
    }

    test(
      "runs a job again within lease + 2 s when its worker is killed",
      oneByOne,
      async ({ skip }: TestContext) => {
        const { server, reason } = found;
        if (server === undefined) return skip(reason);
        const ms = await killWorkerInJob(server.url, `faults-${randomUUID().slice(0, 8)}`);
        console.log(`${subject.name}: the job of a killed worker runs again after ${ms} ms`);
      },
    );
  });
}
