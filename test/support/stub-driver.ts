import type { Delivery, Driver, DriverCapabilities } from "../../src/core/index.ts";

/** A broker that can do nothing but the least, to be given more by the test. */
export const leastCapabilities: DriverCapabilities = {
  durable: false,
  shared: false,
  ordering: "best-effort",
  delay: "none",
  priority: "none",
  deduplication: "none",
  leaseExtension: "none",
  failureHistory: "none",
  wakeUp: "none",
  deadLetters: "none",
  browse: "none",
  transactions: "none",
  depth: {
    ready: "unknown",
    delayed: "unknown",
    inFlight: "unknown",
    dead: "unknown",
    oldestAge: "unknown",
  },
  limits: {
    maxBodyBytes: 100,
    maxHeaderBytes: 60,
    maxDelayMs: 60_000,
    maxPublishBatch: 3,
    maxPriority: 0,
  },
};

/** A driver that holds no message, takes every publish and settles everything, except where `methods` says otherwise. */
export function stubDriver(methods: Partial<Driver> = {}): Driver {
  return {
    name: "stub",
    capabilities: leastCapabilities,
    publish: async (_queue, messages) => messages.map((message) => message.id),
    receive: async () => [],
    settle: async (_queue, settlements) => settlements.map(() => true),
    depth: async () => ({
      ready: null,
      delayed: null,
      inFlight: null,
      dead: null,
      oldestAgeMs: null,
    }),
    close: async () => undefined,
    ...methods,
  };
}

/** A delivery for tests that are not about its content. */
export function delivery(about: Partial<Delivery> = {}): Delivery {
  return {
    id: "m1",
    body: Buffer.from("{}"),
    headers: {},
    attempt: 1,
    priority: 0,
    publishedAt: null,
    readyAt: null,
    history: [],
    receipt: "r1",
    ...about,
  };
}
