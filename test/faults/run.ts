import { randomUUID } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import type { Sluice } from "../../src/index.ts";
import { type BlackHoleProxy, startBlackHoleProxy } from "../support/black-hole-proxy.ts";
import { Load } from "./load.ts";
import { open } from "./subjects.ts";

/** Consumption must be back this soon after the broker or the network is. */
export const resumeMs = 10_000;
/** A publish must have confirmed or rejected after this long, whatever happens. */
export const answerMs = 30_000;
/** Jobs that were leased when the fault came must have run again by then. */
export const allHandledMs = 45_000;

/** What the steps of a fault work with. */
export interface Run {
  readonly load: Load;
  readonly count: number;
  /** The broker stores an id once. */
  readonly deduplicates: boolean;
  /** What the publishers and the worker are connected through. */
  readonly proxy: { readonly publisher: BlackHoleProxy; readonly worker: BlackHoleProxy };
  /** Closes both connections with all that waits on them; resolves with how long that took. */
  closeConnections(): Promise<number>;
}

/** What a run is started with. */
export interface RunOptions {
  readonly url: string;
  readonly count: number;
  readonly handlerMs?: number;
  /** Added in each direction. */
  readonly latencyMs?: number;
}

/** Runs publishers and a worker, each behind a proxy of its own, and ends everything afterwards. */
export async function withLoad(
  { url, latencyMs = 0, ...options }: RunOptions,
  steps: (run: Run) => Promise<void>,
): Promise<void> {
  const proxy = {
    publisher: await startBlackHoleProxy(url),
    worker: await startBlackHoleProxy(url),
  };
  for (const each of Object.values(proxy)) each.delay(latencyMs);
  const connections: Sluice[] = [];
  try {
    const connectTo = async (through: BlackHoleProxy): Promise<Sluice> => {
      const sluice = await open(through.url);
      connections.push(sluice);
      return sluice;
    };
    const [publisher, consumer] = [await connectTo(proxy.publisher), await connectTo(proxy.worker)];
    const queue = `faults-${randomUUID().slice(0, 8)}`;
    const load = new Load({ queue, publisher, consumer, ...options });
    try {
      const closeConnections = async (): Promise<number> => {
        const startedAt = Date.now();
        await Promise.all(connections.map((sluice) => sluice.driver.close()));
        return Date.now() - startedAt;
      };
      const deduplicates = publisher.driver.capabilities.deduplication !== "none";
      await steps({ load, count: options.count, deduplicates, proxy, closeConnections });
    } finally {
      await load.close();
    }
  } finally {
    await closeAll(connections);
    await Promise.all(Object.values(proxy).map((each) => each.close()));
  }
}

/** A connection that does not close is a fault of its own, which must not hide the one that the test is about. */
async function closeAll(connections: readonly Sluice[]): Promise<void> {
  const closed = Promise.all(connections.map((sluice) => sluice.close().catch(() => undefined)));
  const late = wait(5000, "late" as const, { ref: false });
  if ((await Promise.race([closed, late])) === "late") console.log("a connection does not close");
}

/** How something is broken and mended. */
export interface Fault {
  readonly break: () => Promise<void>;
  readonly mend: () => Promise<void>;
  /** How long resuming may take. Default {@link resumeMs}. */
  readonly withinMs?: number;
}

/** Stops the load at a share of its messages, breaks something while publishers go on, mends it and sees both resume. */
export async function breakAt(share: number, { load, count }: Run, fault: Fault): Promise<string> {
  const at = Math.floor(count * share);
  const burst = Math.ceil(count / 20);
  load.allow(at + burst);
  await load.confirmed(at);
  await fault.break();
  load.allow(at + 2 * burst);
  await wait(500);
  await fault.mend();
  const mendedAt = Date.now();
  load.allow(at + 3 * burst);
  const withinMs = fault.withinMs ?? resumeMs;
  const [published, worked] = await Promise.all([
    load.resumed("publishing", mendedAt, withinMs),
    load.resumed("working", mendedAt, withinMs),
  ]);
  return `at ${Math.round(share * 100)} %: publishing after ${published} ms, working after ${worked} ms`;
}

/** Publishes the rest and waits until all is handled; tells the figures. */
export async function finish(
  { load, count }: Run,
  mayBeLost?: (confirmedAt: number) => boolean,
): Promise<string> {
  load.allow(count);
  const startedAt = Date.now();
  await load.confirmed(count);
  await load.allHandled(allHandledMs, mayBeLost);
  const { lost, duplicates, rejections, slowestMs } = load;
  return `${count} confirmed and handled after ${Date.now() - startedAt} ms, ${lost} lost, ${duplicates} run again, ${rejections} publishes rejected, the slowest answered after ${slowestMs} ms`;
}
