/**
 * What a driver can do, as data. Shared code asks this and never the driver's name; the conformance suite runs a case
 * only when its capabilities are declared, and fails a driver that declares what it does not hold.
 */

/** `native`: the broker does it. `emulated`: the driver builds it from other features, and says so at connect. */
export type Support = "native" | "emulated" | "none";

/**
 * How far a figure can be trusted. `exact`: true at the moment of the answer. `approximate`: true soon after. `sampled`: from
 * statistics that the broker gathers every few seconds, and `null` until it has some. `unknown`: `null`, never zero.
 */
export type Accuracy = "exact" | "approximate" | "sampled" | "unknown";

/** The accuracy of each figure of `depth`. */
export interface DepthCapabilities {
  /** `with in flight`: the broker tells one approximate figure for ready and leased messages, which stands under `ready`. */
  readonly ready: Accuracy | "with in flight";
  readonly delayed: Accuracy;
  readonly inFlight: Accuracy;
  readonly dead: Accuracy;
  readonly oldestAge: Accuracy;
  /** Messages per second. Default: `unknown`, and then `depth` has no rates. */
  readonly rates?: Accuracy;
}

/** Hard limits, checked before anything is sent. `Number.POSITIVE_INFINITY` where there is none. */
export interface DriverLimits {
  readonly maxBodyBytes: number;
  /** The server's setting that `maxBodyBytes` comes from. Absent when the limit is the driver's own. */
  readonly maxBodySetting?: string;
  readonly maxHeaderBytes: number;
  readonly maxDelayMs: number;
  /** Messages of one publish call; more are sent in several calls. */
  readonly maxPublishBatch: number;
  /**
   * Calls of publish, and of settle, under way at a time for each queue, where more than one is faster. Default 1. It holds
   * for what is awaited one by one; callers of the driver may exceed it.
   */
  readonly maxCallsUnderWay?: number;
  /** Priorities run from 0 (default) to `maxPriority` (first). 0 when priority is not supported. */
  readonly maxPriority: number;
  /** Names that differ in case only are the same queue. Default: they are two queues. */
  readonly queueNames?: "case-insensitive";
}

/** Everything a driver declares about itself. */
export interface DriverCapabilities {
  /** Messages survive the end of the process and of the machine. */
  readonly durable: boolean;
  /** Other processes see the same queues. */
  readonly shared: boolean;
  /** `fifo`: equal priority is received in the order it became ready, by one consumer. */
  readonly ordering: "fifo" | "best-effort";
  readonly delay: Support;
  readonly priority: Support;
  /** A repeated id within the window is stored once. */
  readonly deduplication: Support;
  /** Running leases can be prolonged. */
  readonly leaseExtension: Support;
  /** Failures of earlier attempts travel with the message. */
  readonly failureHistory: Support;
  /** Consumers are told of new messages instead of asking. */
  readonly wakeUp: Support;
  /** Dead letters can be listed, redriven and purged. */
  readonly deadLetters: Support;
  /** Waiting messages can be looked at without taking them. */
  readonly browse: Support;
  /** Messages can be published inside a transaction of the caller's own, in the same database. */
  readonly transactions: Support;
  readonly depth: DepthCapabilities;
  readonly limits: DriverLimits;
}

/** A capability that is a {@link Support}. */
export type SupportName = {
  [Name in keyof DriverCapabilities]: DriverCapabilities[Name] extends Support ? Name : never;
}[keyof DriverCapabilities];

/** All of them, in the order that documents list them. */
export const supportNames: readonly SupportName[] = [
  "delay",
  "priority",
  "deduplication",
  "leaseExtension",
  "failureHistory",
  "wakeUp",
  "deadLetters",
  "browse",
  "transactions",
];

/** The capabilities that a driver builds itself because its broker has none. */
export function emulatedCapabilities(capabilities: DriverCapabilities): readonly SupportName[] {
  return supportNames.filter((name) => capabilities[name] === "emulated");
}
