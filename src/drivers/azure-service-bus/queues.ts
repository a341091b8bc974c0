/**
 * What the management API knows: whether a queue is there and how it was made, and how many messages it holds. All of it
 * takes the right Manage. Without it the queues must exist, their settings are unknown, and so is depth; the rest works.
 */
import { type Logger, type QueueDepth, SluiceError } from "../../core/index.ts";
import type { AdministrationClient, QueueProperties } from "./client.ts";
import { codeOf, type ErrorSubject, toDriverError } from "./errors.ts";

/** What matters of how a queue was made; `null` where that is not to be known. */
export interface QueueFacts {
  readonly lockMs: number | null;
  readonly maxDeliveryCount: number | null;
  readonly detectsDuplicates: boolean | null;
}

/** What the namespace says about us when we connect. */
export interface NamespaceFacts {
  /** `null` when the right to manage is missing; then `reason` says why. */
  readonly sku: string | null;
  readonly reason: string | null;
}

/** See the top of this file. */
export interface Queues {
  /** The queue is there. Rejects with `QUEUE_NOT_FOUND`, or `OPTION_UNSUPPORTED` for one with sessions. */
  ensure(queue: string): Promise<QueueFacts>;
  /** Whether the queue is there; `null` when that is not to be known. Creates nothing. */
  exists(queue: string): Promise<boolean | null>;
  depth(queue: string): Promise<QueueDepth>;
  list(): Promise<readonly string[]>;
}

/** What {@link createQueues} works with. */
export interface QueuesOptions {
  readonly administration: AdministrationClient;
  readonly facts: NamespaceFacts;
  /** As it may be shown. */
  readonly namespace: string;
  /** Make queues that are not there. */
  readonly create: boolean;
  /** For queues that are made. */
  readonly lockMs: number;
  readonly duplicateWindowMs: number;
  readonly logger: Logger;
}

/** An API that does not answer must not hold up what works without it. */
const answerMs = 10_000;
const unknownFacts: QueueFacts = { lockMs: null, maxDeliveryCount: null, detectsDuplicates: null };
/** Long enough to survive many crashes: attempts are counted above it. */
const maxDeliveryCount = 100;

/** Sends the requests of a client to `url` instead of to the namespace by HTTPS, and gives each a time limit. */
export function redirect(administration: AdministrationClient, url: string | null): void {
  administration.pipeline.addPolicy({
    name: "sluiceEndpoint",
    sendRequest(request, next) {
      request.timeout = answerMs;
      if (url !== null) {
        const { pathname, search } = new URL(request.url);
        request.url = new URL(pathname + search, url).href;
        request.allowInsecureConnection = url.startsWith("http:");
      }
      return next(request);
    },
  });
}

/** Asks for the tier, which tells whether we may manage. Never rejects. */
export async function askNamespace(
  administration: AdministrationClient,
  entityPath: string | null,
): Promise<NamespaceFacts & { readonly isReachable: boolean }> {
  try {
    const { messagingSku } = await administration.getNamespaceProperties();
    return { sku: messagingSku, reason: null, isReachable: true };
  } catch (error) {
    const isReachable = isAnswer(error);
    // A key of one queue may manage that queue and not the namespace.
    if (isReachable && entityPath !== null) {
      const isOurs = await administration.getQueue(entityPath).then(
        () => true,
        () => false,
      );
      if (isOurs) return { sku: "unknown", reason: null, isReachable };
    }
    const reason = isReachable
      ? "the credentials do not give the right Manage"
      : "the management API does not answer";
    return { sku: null, reason, isReachable };
  }
}

/** Asks over HTTP. */
export function createQueues(options: QueuesOptions): Queues {
  const { administration, facts, create } = options;
  const known = new Map<string, Promise<QueueFacts>>();

  return {
    ensure(queue) {
      const looked = known.get(queue);
      if (looked !== undefined) return looked;
      const looking = look(options, queue, () => known.delete(queue));
      known.set(queue, looking);
      looking.catch(() => known.delete(queue));
      return looking;
    },
    async exists(queue) {
      if (facts.sku === null) return null;
      try {
        await administration.getQueue(queue);
        return true;
      } catch (error) {
        if (isMissing(error) && create) return false;
        throw toDriverError(error, subjectOf(options, "looking for the queue", queue));
      }
    },
    async depth(queue) {
      if (facts.sku === null) return { ...unknownDepth, reason: facts.reason ?? "" };
      try {
        const counts = await administration.getQueueRuntimeProperties(queue);
        return {
          ...unknownDepth,
          ready: counts.activeMessageCount,
          delayed: counts.scheduledMessageCount,
          dead: counts.deadLetterMessageCount,
        };
      } catch (error) {
        if (isMissing(error) && create) return { ...unknownDepth, ready: 0, delayed: 0, dead: 0 };
        throw toDriverError(error, subjectOf(options, "counting", queue));
      }
    },
    async list() {
      try {
        const names: string[] = [];
        for await (const { name } of administration.listQueues()) names.push(name);
        return names.sort();
      } catch (error) {
        throw toDriverError(error, subjectOf(options, "listing queues"));
      }
    },
  };
}

function subjectOf({ namespace }: QueuesOptions, doing: string, queue?: string): ErrorSubject {
  return { namespace, doing, ...(queue === undefined ? {} : { queue }) };
}

/** Looks at a queue, and makes it where that is wanted. `forget`: the answer is not for keeping. */
async function look(
  options: QueuesOptions,
  queue: string,
  forget: () => void,
): Promise<QueueFacts> {
  const { facts, namespace, logger } = options;
  if (facts.sku === null) return unknownFacts;
  try {
    return check(options, queue, await findOrCreate(options, queue));
  } catch (error) {
    if (isAnswer(error) || error instanceof SluiceError)
      throw toDriverError(error, subjectOf(options, "looking for the queue", queue));
    logger.warn("the settings of a queue are not known: no answer", { queue, namespace });
    forget();
    return unknownFacts;
  }
}

async function findOrCreate(options: QueuesOptions, queue: string): Promise<QueueProperties> {
  const { administration, create, namespace, logger } = options;
  try {
    return await administration.getQueue(queue);
  } catch (error) {
    if (!isMissing(error) || !create) throw error;
  }
  try {
    const created = await administration.createQueue(queue, settingsOf(options));
    logger.info("created a queue", { queue, namespace });
    return created;
  } catch (error) {
    if (codeOf(error) !== "MessageEntityAlreadyExistsError") throw error;
    return administration.getQueue(queue);
  }
}

function settingsOf(options: QueuesOptions): Readonly<Record<string, unknown>> {
  const { facts, lockMs, duplicateWindowMs } = options;
  return {
    lockDuration: `PT${lockMs / 1000}S`,
    maxDeliveryCount,
    ...(facts.sku !== "Basic" && {
      requiresDuplicateDetection: true,
      duplicateDetectionHistoryTimeWindow: `PT${Math.ceil(duplicateWindowMs / 1000)}S`,
    }),
  };
}

function check(
  { namespace, logger }: QueuesOptions,
  queue: string,
  properties: QueueProperties,
): QueueFacts {
  if (properties.requiresSession)
    throw new SluiceError(
      "OPTION_UNSUPPORTED",
      `the queue ${queue} requires sessions, which the azure-service-bus driver leaves alone. Use a queue without them.`,
    );
  const { maxDeliveryCount: most, requiresDuplicateDetection: detects } = properties;
  if (!detects)
    logger.warn(
      "the queue has no duplicate detection: a repeated id is stored again, and retries with a delay take more calls",
      { queue, namespace },
    );
  if (most < 3)
    logger.warn(
      "the queue's MaxDeliveryCount is lower than any job's attempts: the broker dead-letters a job whose workers died that often",
      { queue, namespace, maxDeliveryCount: most },
    );
  return {
    lockMs: toMs(properties.lockDuration),
    maxDeliveryCount: most,
    detectsDuplicates: detects,
  };
}

const unknownDepth: QueueDepth = {
  ready: null,
  delayed: null,
  inFlight: null,
  dead: null,
  oldestAgeMs: null,
};

/** The API answers 200 with an empty list for a queue that is not there. */
function isMissing(error: unknown): boolean {
  return codeOf(error) === "MessageEntityNotFoundError";
}

/** Whether the API said something, if only no. */
function isAnswer(error: unknown): boolean {
  return typeof error === "object" && error !== null && "statusCode" in error && !!error.statusCode;
}

/** ISO 8601, as far as lock durations go: PT30S, PT1M, PT1M30S. */
function toMs(duration: string): number | null {
  const parts = /^PT(?:(\d+)M)?(?:([\d.]+)S)?$/.exec(duration);
  return parts === null ? null : (Number(parts[1] ?? 0) * 60 + Number(parts[2] ?? 0)) * 1000;
}
