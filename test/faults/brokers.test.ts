/**
 * What becomes of jobs when a broker, the network to it or a worker fails: written once, run for every driver with a
 * server of its own. The figures that it prints answer "how soon is it back?".
 */
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, type TestContext, test } from "vitest";
import { brokerFaults } from "./broker-faults.ts";
import type { FaultCase } from "./fault-case.ts";
import { networkFaults } from "./network-faults.ts";
import { withLoad } from "./run.ts";
import { type FoundServer, serverFor, subjects } from "./subjects.ts";
import { killWorkerInJob } from "./worker-faults.ts";

// The drivers side by side, since most of the time is waiting. So are the faults behind proxies, of which the server
// knows nothing; those that break the server come one after the other, when no other test needs it.
const sideBySide = { concurrent: true, timeout: 120_000 } as const;
const oneByOne = { concurrent: false, timeout: 120_000 } as const;

for (const subject of subjects) {
  describe.concurrent(subject.name, () => {
    let found: FoundServer = { reason: "the server did not start" };
    beforeAll(async () => {
      found = await serverFor(subject);
    }, 300_000);
    afterAll(() => found.server?.close());

    const running =
      ({ name, load, run }: FaultCase) =>
      async ({ skip }: TestContext): Promise<void> => {
        const { server, reason } = found;
        if (server === undefined) return skip(reason);
        await withLoad({ url: server.url, ...load }, async (under) => {
          const figures = await run(under, { subject, server });
          console.log([`${subject.name}: ${name}`, ...figures].join("\n  "));
        });
      };

    for (const fault of networkFaults) test(fault.name, sideBySide, running(fault));

    test(
      "runs a job again within lease + 2 s when its worker is killed",
      sideBySide,
      async ({ skip }: TestContext) => {
        const { server, reason } = found;
        if (server === undefined) return skip(reason);
        const ms = await killWorkerInJob(server.url, `faults-${randomUUID().slice(0, 8)}`);
        console.log(`${subject.name}: the job of a killed worker runs again after ${ms} ms`);
      },
    );

    for (const fault of brokerFaults) test(fault.name, oneByOne, running(fault));
  });
}
