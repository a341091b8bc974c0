/** The thread of lease-stand-in.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { type Driver, silentLogger, systemClock } from "../core/index.ts";
import { beatsPerLease, type StandInChanges, type StandInData } from "./lease-stand-in.ts";

interface DriverModule {
  openDriver(
    url: string,
    context: { clock: typeof systemClock; logger: typeof silentLogger; create: boolean },
  ): Promise<Driver>;
}

const { address, leaseMs, beats }: StandInData = workerData;
const counter = new Int32Array(beats);
const queueOf = new Map<string, string>();
/** So many looks without a beat mean that the main thread is blocked; half a lease is left then. */
const looksUntilBlocked = beatsPerLease / 2;

let opening: Promise<Driver> | null = null;
let lastBeat = -1;
let silentLooks = 0;

parentPort?.on("message", ({ added, removed }: StandInChanges) => {
  for (const { queue, receipts } of added)
    for (const receipt of receipts) queueOf.set(receipt, queue);
  for (const receipt of removed) queueOf.delete(receipt);
});

setInterval(() => {
  const beat = Atomics.load(counter, 0);
  silentLooks = beat === lastBeat ? silentLooks + 1 : 0;
  lastBeat = beat;
  const isBlocked = silentLooks >= looksUntilBlocked && queueOf.size > 0;
  if (isBlocked && silentLooks % 2 === looksUntilBlocked % 2) void renewAll();
}, leaseMs / beatsPerLease);

async function renewAll(): Promise<void> {
  const receiptsOf = new Map<string, string[]>();
  for (const [receipt, queue] of queueOf)
    receiptsOf.set(queue, [...(receiptsOf.get(queue) ?? []), receipt]);
  try {
    const driver = await openDriver();
    for (const [queue, receipts] of receiptsOf) {
      const kept = (await driver.extend?.(queue, receipts, leaseMs)) ?? [];
      for (const [index, receipt] of receipts.entries()) {
        if (kept[index] !== true) queueOf.delete(receipt);
      }
    }
  } catch (error) {
    // The broker may be away; the next look tries again, and the main thread says so when it is back.
    opening = null;
    process.emitWarning(`renewing leases for a blocked worker failed: ${String(error)}`);
  }
}

function openDriver(): Promise<Driver> {
  opening ??= import(address.module).then((module: DriverModule) =>
    module.openDriver(address.url, { clock: systemClock, logger: silentLogger, create: false }),
  );
  return opening;
}
