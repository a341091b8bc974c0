import type { Delivery, Driver } from "../../core/index.ts";
import { countNames } from "./expectations.ts";

/** What is left in queues after a clean-up. */
export interface Leftovers {
  /** How many queues were used. */
  readonly used: number;
  /** Those that are not empty, or of which the driver could not tell. */
  readonly queues: readonly string[];
}

/** Connections that remember what was done through them, so that it can be cleaned up. */
export interface RecordedUse {
  readonly open: () => Promise<Driver>;
  /** Empties every queue that was used, as far as the driver can. Never rejects because a queue cannot be emptied. */
  cleanUp(): Promise<Leftovers>;
}

/** Remembers the queues and the deliveries of all connections that are opened through it. */
export function recordUse(open: () => Promise<Driver>): RecordedUse {
  const receipts = new Map<string, Set<string>>();
  const receiptsOf = (queue: string): Set<string> => {
    const known = receipts.get(queue) ?? new Set();
    receipts.set(queue, known);
    return known;
  };
  return {
    async open() {
      const driver = await open();
      const recorded: Pick<Driver, "publish" | "receive"> = {
        publish(queue, messages, options) {
          receiptsOf(queue);
          return driver.publish(queue, messages, options);
        },
        async receive(queue, request) {
          const got = await driver.receive(queue, request);
          for (const { receipt } of got) receiptsOf(queue).add(receipt);
          return got;
        },
      };
      return overlay(driver, recorded);
    },
    async cleanUp() {
      const driver = await open();
      const left: string[] = [];
      try {
        for (const [queue, leased] of receipts)
          if (!(await empty(driver, queue, leased).catch(() => false))) left.push(queue);
      } finally {
        await driver.close();
      }
      return { used: receipts.size, queues: left };
    },
  };
}

/** The driver with some methods of its own; the others stay bound to it. */
function overlay(driver: Driver, methods: Partial<Driver>): Driver {
  return new Proxy(driver, {
    get(target, name) {
      const value: unknown = Reflect.get(name in methods ? methods : target, name);
      return typeof value === "function" && !(name in methods) ? value.bind(target) : value;
    },
  });
}

const mostPerCall = 100;
/** A message that can be received as long as anything is there. */
const drainMs = 10_000;

/** Whether nothing is left: messages still leased by cases that ended are acknowledged, the others deleted. */
async function empty(driver: Driver, queue: string, leased: ReadonlySet<string>): Promise<boolean> {
  const receipts = [...leased];
  for (let start = 0; start < receipts.length; start += mostPerCall) {
    const group = receipts.slice(start, start + mostPerCall);
    await driver.settle(queue, group.map(acknowledged));
  }
  if (driver.purge) await driver.purge(queue);
  else await drain(driver, queue);
  await driver.purgeDeadLetters?.(queue, {});
  const depth = await driver.depth(queue);
  // Sampled figures are of before.
  return countNames.every((name) => !depth[name] || driver.capabilities.depth[name] === "sampled");
}

async function drain(driver: Driver, queue: string): Promise<void> {
  const endsAt = Date.now() + drainMs;
  while (Date.now() < endsAt) {
    const request = { max: mostPerCall, waitMs: 0, leaseMs: drainMs };
    const got: readonly Delivery[] = await driver.receive(queue, request);
    if (got.length === 0) return;
    await driver.settle(
      queue,
      got.map(({ receipt }) => acknowledged(receipt)),
    );
  }
}

function acknowledged(receipt: string): { readonly receipt: string; readonly outcome: "ack" } {
  return { receipt, outcome: "ack" };
}
