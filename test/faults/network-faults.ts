import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import type { FaultCase } from "./fault-case.ts";
import { answerMs, breakAt, finish, resumeMs } from "./run.ts";

const count = 2000;
const darkMs = 5000;

/** Connections whose other end is gone without a word. */
function deadConnectionsOf(side: "publisher" | "worker"): FaultCase {
  return {
    name: `loses nothing when all connections of the ${side} go dead for 5 s`,
    // Jobs take a while, so that some run, and have to be settled, when it happens.
    load: { count, handlerMs: 20 },
    async run(run) {
      const proxy = run.proxy[side];
      const figures = await breakAt(1 / 3, run, {
        async break() {
          proxy.swallow();
          await wait(darkMs);
        },
        mend: async () => proxy.heal(),
        // A publish is not tried again before it is rejected, and until then there is nothing to work.
        ...(side === "publisher" && { withinMs: answerMs }),
      });
      const end = await finish(run);
      const { slowestMs } = run.load;
      assert.ok(slowestMs < answerMs, `a publish was unanswered for ${slowestMs} ms`);
      return [figures, end];
    },
  };
}

const lostConfirmations: FaultCase = {
  name: "stores once what is published again because its confirmation was lost",
  load: { count: 1000 },
  async run(run) {
    const { load, proxy } = run;
    load.allow(400);
    await load.confirmed(400);
    proxy.publisher.mute();
    const mutedAt = Date.now();
    load.allow(420);
    await load.doubted(1); // the rest may wait behind the first
    proxy.publisher.heal();
    load.allow(440);
    await load.resumed("publishing", mutedAt, answerMs);
    const end = await finish(run);
    if (run.deduplicates) assert.equal(load.duplicates, 0, "no job runs twice");
    return [end];
  },
};

const deadConnectionOfIdleWorker: FaultCase = {
  name: "wakes an idle worker whatever connection of it has gone dead",
  load: { count: 100 },
  async run({ load, proxy }) {
    let published = 0;
    const figures: string[] = [];
    const wakes = async (situation: string): Promise<void> => {
      const at = Date.now();
      published += 1;
      load.allow(published);
      const working = load.resumed("working", at, resumeMs);
      figures.push(`${situation}: ${await working.catch((error) => String(error))}`);
    };
    await wakes("alive");
    for (const connection of proxy.worker.open) {
      proxy.worker.swallow(connection);
      await wait(200);
      await wakes(`connection ${connection} dead`);
    }
    proxy.worker.swallow();
    await wait(darkMs);
    proxy.worker.heal();
    await wakes("all dead for 5 s");
    assert.ok(!figures.some((figure) => figure.includes("Error")), figures.join("\n"));
    return figures;
  },
};

const resetRounds = 10;
const burst = 300;

const resets: FaultCase = {
  name: "loses nothing when connections are reset again and again",
  load: { count: (resetRounds + 1) * burst, handlerMs: 10 },
  async run(run) {
    const { load, proxy } = run;
    let connections = 0;
    const cut = (): void => {
      connections += proxy.publisher.cut() + proxy.worker.cut();
    };
    for (let round = 1; round <= resetRounds; round += 1) {
      load.allow(round * burst);
      // In the middle of a burst, with publishes and jobs under way.
      await load.confirmed((round - 1) * burst + burst / 4);
      cut();
      // And every other time once more, into the connections that are being opened again.
      if (round % 2 === 0) await wait(150).then(cut);
    }
    const resetAt = Date.now();
    load.allow(run.count);
    const [published, worked] = await Promise.all([
      load.resumed("publishing", resetAt, resumeMs),
      load.resumed("working", resetAt, resumeMs),
    ]);
    const figures = `${connections} resets: publishing after ${published} ms, working after ${worked} ms`;
    return [figures, await finish(run)];
  },
};

const latency: FaultCase = {
  name: "keeps leases of 5 s for jobs of 6.5 s behind 300 ms of latency",
  load: { count: 50, latencyMs: 300, handlerMs: 6500 },
  async run(run) {
    const end = await finish(run);
    assert.equal(run.load.duplicates, 0, "no job runs twice");
    return [end];
  },
};

/** The network between Sluice and the broker misbehaves. */
export const networkFaults: readonly FaultCase[] = [
  deadConnectionsOf("publisher"),
  deadConnectionsOf("worker"),
  lostConfirmations,
  deadConnectionOfIdleWorker,
  resets,
  latency,
];
