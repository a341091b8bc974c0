/**
 * The part of `@azure/service-bus` and `@azure/identity` that is used, in types of our own so that theirs never reach our
 * declarations. The SDK connects again by itself; it is told not to repeat calls, since the callers know better which may
 * be repeated.
 */
import { SluiceError } from "../../core/index.ts";

/** A 64-bit number of the package `long`. */
export interface LongLike {
  readonly __isLong__: true;
  toBytesBE(): readonly number[];
  toString(): string;
}

/** Values of application properties. */
export type PropertyValue = string | number | boolean | Date | null;

/** A message as the SDK sends it. */
export interface SentMessage {
  readonly body: Uint8Array;
  readonly messageId: string;
  readonly contentType?: string;
  readonly applicationProperties: Readonly<Record<string, PropertyValue>>;
  readonly scheduledEnqueueTimeUtc?: Date;
}

/** A message as the SDK delivers or shows it. */
export interface ReceivedMessage {
  readonly body: unknown;
  readonly messageId?: unknown;
  readonly contentType?: string;
  readonly applicationProperties?: Readonly<Record<string, unknown>>;
  readonly deliveryCount?: number;
  readonly enqueuedTimeUtc?: Date;
  readonly lockedUntilUtc?: Date;
  readonly lockToken?: string;
  readonly sequenceNumber?: LongLike;
  readonly deadLetterReason?: string;
  readonly deadLetterErrorDescription?: string;
}

/** Messages that travel together. */
export interface MessageBatch {
  readonly count: number;
  readonly maxSizeInBytes: number;
  tryAddMessage(message: SentMessage): boolean;
}

/** Sends to one queue. */
export interface Sender {
  createMessageBatch(): Promise<MessageBatch>;
  sendMessages(messages: SentMessage | MessageBatch): Promise<void>;
  scheduleMessages(message: SentMessage, at: Date): Promise<readonly LongLike[]>;
  close(): Promise<void>;
}

type ChangedProperties = Readonly<Record<string, PropertyValue>>;

/** Receives from one queue or its dead-letter queue; one `receiveMessages` at a time. */
export interface Receiver {
  receiveMessages(
    max: number,
    options: { readonly maxWaitTimeInMs: number; readonly abortSignal?: AbortSignal },
  ): Promise<readonly ReceivedMessage[]>;
  peekMessages(
    max: number,
    options: { readonly fromSequenceNumber: LongLike; readonly omitMessageBody?: boolean },
  ): Promise<readonly ReceivedMessage[]>;
  completeMessage(message: ReceivedMessage): Promise<void>;
  abandonMessage(message: ReceivedMessage, changed: ChangedProperties): Promise<void>;
  deadLetterMessage(message: ReceivedMessage, changed: ChangedProperties): Promise<void>;
  renewMessageLock(message: ReceivedMessage): Promise<Date>;
  close(): Promise<void>;
}

/** How a receiver is made. */
export interface ReceiverOptions {
  readonly receiveMode: "peekLock";
  readonly maxAutoLockRenewalDurationInMs: number;
  readonly skipParsingBodyAsJson: boolean;
  readonly subQueueType?: "deadLetter";
}

/** One AMQP connection. */
export interface BusClient {
  createSender(queue: string): Sender;
  createReceiver(queue: string, options: ReceiverOptions): Receiver;
  close(): Promise<void>;
}

/** What the management API says about a queue. */
export interface QueueProperties {
  readonly lockDuration: string;
  readonly maxDeliveryCount: number;
  readonly requiresDuplicateDetection: boolean;
  readonly requiresSession: boolean;
}

/** What the management API counts. */
export interface QueueCounts {
  readonly activeMessageCount: number;
  readonly scheduledMessageCount: number;
  readonly deadLetterMessageCount: number;
}

/** A request on its way, of the part that is changed. */
export interface PipelineRequest {
  url: string;
  allowInsecureConnection?: boolean;
  timeout?: number;
}

/** The management API. */
export interface AdministrationClient {
  readonly pipeline: {
    addPolicy(policy: {
      readonly name: string;
      sendRequest(
        request: PipelineRequest,
        next: (request: PipelineRequest) => Promise<unknown>,
      ): Promise<unknown>;
    }): void;
  };
  getNamespaceProperties(): Promise<{ readonly messagingSku: string }>;
  getQueue(queue: string): Promise<QueueProperties>;
  getQueueRuntimeProperties(queue: string): Promise<QueueCounts>;
  createQueue(queue: string, options: Readonly<Record<string, unknown>>): Promise<QueueProperties>;
  listQueues(): AsyncIterable<{ readonly name: string }>;
}

/** What `@azure/identity` gives, or a caller of `azureServiceBusDriver`: tokens of Entra ID. */
export interface TokenCredentialLike {
  getToken(
    scopes: string | readonly string[],
    options?: object,
  ): Promise<{ readonly token: string; readonly expiresOnTimestamp: number } | null>;
}

/** Who we are: a connection string with a key or a signature, or a namespace and a credential. */
export type Identity =
  | { readonly connectionString: string }
  | { readonly host: string; readonly credential: TokenCredentialLike };

/** Makes clients for an identity. */
export interface Clients {
  connect(timeoutMs: number): BusClient;
  administer(): AdministrationClient;
}

type Construct<T> = new (...args: readonly unknown[]) => T;

interface ServiceBusModule {
  readonly ServiceBusClient: Construct<BusClient>;
  readonly ServiceBusAdministrationClient: Construct<AdministrationClient>;
}

/** Loads the SDK. Rejects with `CLIENT_MISSING` when it is not installed. */
export async function loadClients(identity: Identity): Promise<Clients> {
  const sdk = (await load(
    "@azure/service-bus",
    () => import("@azure/service-bus"),
  )) as ServiceBusModule;
  const subject =
    "host" in identity ? [identity.host, identity.credential] : [identity.connectionString];
  return {
    connect: (timeoutMs) =>
      endingRenewals(
        new sdk.ServiceBusClient(...subject, {
          retryOptions: { maxRetries: 0, timeoutInMs: timeoutMs },
        }),
      ),
    administer: () =>
      // Once more, since the server may close a kept-alive connection in the moment in which it is used again.
      new sdk.ServiceBusAdministrationClient(...subject, {
        retryOptions: { maxRetries: 1, retryDelayInMs: 100 },
      }),
  };
}

/** What the SDK keeps in a client beside what its types tell. */
interface Inside {
  readonly _connectionContext?: Readonly<
    Record<"senders" | "messageReceivers" | "managementClients", Record<string, RenewingLink>>
  >;
}

interface RenewingLink {
  _ensureTokenRenewal?: () => void;
}

/**
 * The same client. A renewal of a token that is under way when the SDK closes a link would set the timer of the next one,
 * and the process would live on for it.
 */
function endingRenewals(client: BusClient): BusClient {
  const close = client.close.bind(client);
  client.close = () => {
    const { senders, messageReceivers, managementClients } =
      (client as Inside)._connectionContext ?? {};
    for (const link of [senders, messageReceivers, managementClients].flatMap((all) =>
      Object.values(all ?? {}),
    ))
      link._ensureTokenRenewal = () => undefined;
    return close();
  };
  return client;
}

/** The credential that fits where this runs: environment, workload identity, managed identity, `az login`. */
export async function loadDefaultCredential(): Promise<TokenCredentialLike> {
  const identity = (await load("@azure/identity", () => import("@azure/identity"))) as {
    readonly DefaultAzureCredential: Construct<TokenCredentialLike>;
  };
  return new identity.DefaultAzureCredential();
}

async function load(name: string, importIt: () => Promise<unknown>): Promise<unknown> {
  try {
    return await importIt();
  } catch (cause) {
    const instead =
      name === "@azure/identity" ? ", or put a key into the URL instead of using Entra ID" : "";
    const message = `the azure-service-bus driver needs the package ${name}, which is not installed. Run: npm install ${name}${instead}`;
    throw new SluiceError("CLIENT_MISSING", message, { cause });
  }
}

/**
 * The sequence number 0, from which all messages are seen. The SDK asks for a `Long` and knows one by this mark; the
 * package itself is the SDK's, not ours.
 */
export const firstSequence: LongLike = toLong(0n);

/** A sequence number as the SDK wants it. */
export function toLong(value: bigint): LongLike {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return { __isLong__: true, toBytesBE: () => [...bytes], toString: () => String(value) };
}
