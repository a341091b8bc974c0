/** The thread of lease-stand-in.ts. */
import { parentPort, workerData } from "node:worker_threads";
import { type Driver, silentLogger, systemClock } from "../core/index.ts";
import { beatsPerLease, type StandInData } from "./lease-stand-in.ts";
import { readLeases, type SharedLease, type SharedTable } from "./shared-leases.ts";

interface DriverModule {
  openDriver(
    url: string,
    context: { clock: typeof systemClock; logger: typeof silentLogger; create: boolean },
  ): Promise<Driver>;
}

const { address, leaseMs, beats }: StandInData = workerData;
const counter = new Int32Array(beats);
/** Receipts that the broker did not know any more. */
const lost = new Set<string>();
/** So many looks without a beat mean that the main thread is blocked; half a lease is left then. */
const looksUntilBlocked = beatsPerLease / 2;

let table: SharedTable | null = null;
let opening: Promise<Driver> | null = null;
let lastBeat = -1;
let silentLooks = 0;

parentPort?.on("message", (latest: SharedTable) => {
  table = latest;
});

setInterval(() => {
  const beat = Atomics.load(counter, 0);
  silentLooks = beat === lastBeat ? silentLooks + 1 : 0;
  lastBeat = beat;
  if (silentLooks === 0) lost.clear();
  if (silentLooks < looksUntilBlocked || silentLooks % 2 !== looksUntilBlocked % 2) return;
  const held = heldLeases();
  if (held.length > 0) void renewAll(held);
}, leaseMs / beatsPerLease);

function heldLeases(): readonly SharedLease[] {
  return table === null ? [] : readLeases(table).filter(({ receipt }) => !lost.has(receipt));
}

async function renewAll(held: readonly SharedLease[]): Promise<void> {
  const receiptsOf = new Map<string, string[]>();
  for (const { queue, receipt } of held)
    receiptsOf.set(queue, [...(receiptsOf.get(queue) ?? []), receipt]);
  try {
    const driver = await openDriver();
    for (const [queue, receipts] of receiptsOf) {
      const kept = (await driver.extend?.(queue, receipts, leaseMs)) ?? [];
      for (const [index, receipt] of receipts.entries()) {
        if (kept[index] !== true) lost.add(receipt);
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
