import { randomUUID } from "node:crypto";
import { type Driver, describeError, sleep, systemClock } from "../../core/index.ts";
import { driverConformance } from "./cases.ts";
import type { ConformanceCase, ConformanceContext, Need, Requirement } from "./conformance-case.ts";
import { methodsOf } from "./methods-of.ts";

/** The driver under test. */
export interface ConformanceSubject {
  /** Opens a connection; all of them see the same store. */
  readonly open: () => Promise<Driver>;
  /** Stops and starts the broker, where that can be done. */
  readonly restart?: () => Promise<void>;
  /** What the names of all queues begin with. Default `conformance.` */
  readonly queuePrefix?: string;
}

/** What {@link runConformance} runs. */
export interface ConformanceOptions extends ConformanceSubject {
  /** Default: all. */
  readonly cases?: readonly ConformanceCase[];
  /** How many cases may run at a time, since most of them wait most of the time. Default 1. */
  readonly concurrency?: number;
  /** Told of each result as it comes. */
  readonly onResult?: (result: ConformanceResult) => void;
  /** Ends the run after the cases under way. */
  readonly signal?: AbortSignal;
}

/** How one case ended. */
export interface ConformanceResult {
  readonly case: ConformanceCase;
  readonly status: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped; empty when it passed. */
  readonly reason: string;
  /** What was thrown, when it failed. */
  readonly error?: unknown;
  readonly ms: number;
}

const defaultTimeoutMs = 20_000;

/**
 * Runs the cases, those that must run alone after all others. Resolves with a result for each that ran, in the order of
 * the cases; never rejects because a case failed.
 */
export async function runConformance(
  options: ConformanceOptions,
): Promise<readonly ConformanceResult[]> {
  const { cases = driverConformance, concurrency = 1, signal } = options;
  const results = new Map<ConformanceCase, ConformanceResult>();
  const runAll = async (waiting: Iterator<ConformanceCase>): Promise<void> => {
    while (!signal?.aborted) {
      const { value: subject, done } = waiting.next();
      if (done) return;
      const result = await runConformanceCase(subject, options);
      results.set(subject, result);
      options.onResult?.(result);
    }
  };
  const isAlone = ({ runsAlone = false }: ConformanceCase): boolean => runsAlone || concurrency < 2;
  const together = cases.filter((subject) => !isAlone(subject)).values();
  await Promise.all(Array.from({ length: concurrency }, () => runAll(together)));
  await runAll(cases.filter(isAlone).values());
  return cases.flatMap((subject) => results.get(subject) ?? []);
}

/** Runs one case on connections of its own and closes them. Never rejects. */
export async function runConformanceCase(
  subject: ConformanceCase,
  options: ConformanceSubject,
): Promise<ConformanceResult> {
  const startedAt = performance.now();
  const done = (status: ConformanceResult["status"], reason: string) => ({
    case: subject,
    status,
    reason,
    ms: Math.round(performance.now() - startedAt),
  });
  try {
    const missing = await withConnections(options, (context) => attempt(subject, context));
    return missing === null ? done("passed", "") : done("skipped", missing);
  } catch (error) {
    return { ...done("failed", describeError(error)), error };
  }
}

/** Resolves with what the driver lacks for the case, or `null` after the case passed. */
async function attempt(
  subject: ConformanceCase,
  context: ConformanceContext,
): Promise<string | null> {
  const undeclared = subject.requires?.find((name) => !isDeclared(context.driver, name));
  if (undeclared !== undefined) return `${context.driver.name} does not declare ${undeclared}`;
  const lacking = subject.needs?.find((need) => !isThere(context, need));
  if (lacking !== undefined) return `${lacking} is not to be had with ${context.driver.name}`;
  for (const name of subject.requires ?? []) checkMethods(context.driver, name);
  await within(subject.timeoutMs ?? defaultTimeoutMs, subject.run(context));
  return null;
}

function isDeclared({ capabilities }: Driver, name: Requirement): boolean {
  if (name === "fifo") return capabilities.ordering === "fifo";
  if (name === "durable" || name === "shared") return capabilities[name];
  return capabilities[name] !== "none";
}

function isThere(context: ConformanceContext, need: Need): boolean {
  return need === "restart" ? context.restart !== undefined : context.driver[need] !== undefined;
}

function checkMethods(driver: Driver, name: Requirement): void {
  const methods: Partial<Record<Requirement, readonly (keyof Driver)[]>> = methodsOf;
  const missing = methods[name]?.find((method) => driver[method] === undefined);
  if (missing !== undefined)
    throw new Error(`${driver.name} declares ${name} and has no method ${missing}`);
}

/** Opens what the work asks for, and closes all of it, which must work too. */
async function withConnections<T>(
  { open, restart, queuePrefix = "conformance." }: ConformanceSubject,
  work: (context: ConformanceContext) => Promise<T>,
): Promise<T> {
  const opened: Driver[] = [];
  let isOver = false;
  const openAnother = async (): Promise<Driver> => {
    const driver = await within(defaultTimeoutMs, open());
    opened.push(driver);
    // A case that ran out of time may go on opening connections that nobody would close.
    if (isOver) await driver.close();
    return driver;
  };
  const freshQueue = (): string => `${queuePrefix}${randomUUID()}`;
  const closeAll = async (): Promise<void> => {
    isOver = true;
    await within(defaultTimeoutMs, Promise.all(opened.map((driver) => driver.close())));
  };
  try {
    const context = { driver: await openAnother(), queue: freshQueue(), freshQueue };
    const result = await work({ ...context, open: openAnother, ...(restart ? { restart } : {}) });
    await closeAll();
    return result;
  } catch (error) {
    // The case's own failure says more than a close that fails after it.
    await closeAll().catch(() => undefined);
    throw error;
  }
}

/** As `work`, unless it takes longer than `ms`. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const limit = sleep(systemClock, ms, over.signal).then(
    () => Promise.reject(new Error(`it did not end within ${ms} ms`)),
    () => work,
  );
  try {
    return await Promise.race([work, limit]);
  } finally {
    over.abort();
  }
}
