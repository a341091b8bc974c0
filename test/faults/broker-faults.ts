import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import type { FaultCase } from "./fault-case.ts";
import { breakAt, finish } from "./run.ts";

/** Fewer while something is tried out: `SLUICE_TEST_FAULT_MESSAGES=2000`. */
const count = Number(process.env.SLUICE_TEST_FAULT_MESSAGES ?? 10_000);
/** A kill takes what is under way, and there is no more of that in a longer run. */
const countOfKill = Math.min(count, 3000);

const closeMs = 5000;

/** The broker itself goes away and comes back. */
export const brokerFaults: readonly FaultCase[] = [
  {
    name: "loses nothing when the broker is stopped and started twice",
    load: { count },
    run: async (run, { server }) => [
      await breakAt(1 / 3, run, { break: server.stop, mend: server.start }),
      await breakAt(1 / 2, run, { break: server.stop, mend: server.start }),
      await finish(run),
    ],
  },
  {
    name: "loses nothing that was safe when the broker is killed",
    load: { count: countOfKill },
    async run(run, { server, subject }) {
      let killedAt = 0;
      const kill = async (): Promise<void> => {
        killedAt = Date.now();
        await server.kill();
      };
      const figures = await breakAt(1 / 3, run, { break: kill, mend: server.start });
      const wasUnsafe = (at: number): boolean =>
        at > killedAt - subject.mayLoseMs && at <= killedAt;
      return [figures, await finish(run, wasUnsafe)];
    },
  },
  // The last one: it leaves the broker stopped, since a RabbitMQ takes ten seconds to start for nobody.
  {
    name: "closes its connections within 5 s while the broker is away",
    load: { count: 200 },
    async run({ load, closeConnections }, { server }) {
      load.allow(100);
      await load.confirmed(100);
      await server.kill();
      const late = wait(closeMs, null, { ref: false });
      const ms = await Promise.race([closeConnections(), late]);
      assert.ok(ms !== null, `the connections are closed within ${closeMs} ms`);
      return [`closed after ${ms} ms`];
    },
  },
];
