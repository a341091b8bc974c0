/**
 * The part of amqplib that this driver uses, in types of its own so that the client's never reach our declarations.
 * amqplib leaves frames, channels and reconnecting to its caller, which is what credit and leases are built from.
 */
import { SluiceError } from "../../core/index.ts";

/** What a delivery is known by, and what it travelled with. */
export interface AmqpMessage {
  readonly content: Buffer;
  readonly fields: {
    readonly deliveryTag: number;
    readonly redelivered: boolean;
    /** Of a basic.get: how many are left. */
    readonly messageCount?: number;
  };
  readonly properties: AmqpProperties;
}

/** The standard properties that are read, and the table of headers. */
export interface AmqpProperties {
  readonly messageId?: unknown;
  readonly timestamp?: unknown;
  readonly contentType?: unknown;
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
}

/** How a message is sent. */
export interface AmqpPublishOptions {
  readonly mandatory: boolean;
  readonly persistent: boolean;
  readonly messageId: string;
  readonly timestamp: number;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** Arguments of a queue. */
export type QueueArguments = Readonly<Record<string, string | number>>;

interface QueueCount {
  readonly messageCount: number;
}

/** A channel. Its methods throw once it is closed; `close` is emitted whoever closed it. */
export interface AmqpChannel {
  assertQueue(
    queue: string,
    options: { readonly durable: boolean; readonly arguments: QueueArguments },
  ): Promise<QueueCount>;
  checkQueue(queue: string): Promise<QueueCount>;
  purgeQueue(queue: string): Promise<QueueCount>;
  bindQueue(queue: string, exchange: string, pattern: string): Promise<unknown>;
  assertExchange(exchange: string, type: string, options: { durable: boolean }): Promise<unknown>;
  bindExchange(to: string, from: string, pattern: string): Promise<unknown>;
  prefetch(count: number): Promise<unknown>;
  consume(
    queue: string,
    onMessage: (message: AmqpMessage | null) => void,
    options: { readonly consumerTag: string },
  ): Promise<unknown>;
  cancel(consumerTag: string): Promise<unknown>;
  /** amqplib ends the channel over a delivery for a tag that it does not know. */
  registerConsumer(tag: string, onMessage: (message: AmqpMessage | null) => void): void;
  unregisterConsumer(tag: string): void;
  get(queue: string): Promise<AmqpMessage | false>;
  ack(message: AmqpMessage, allUpTo: boolean): void;
  reject(message: AmqpMessage, requeue: boolean): void;
  nackAll(requeue: boolean): void;
  close(): Promise<unknown>;
  on(event: "close", listener: () => void): unknown;
  on(event: "error", listener: (error: unknown) => void): unknown;
  on(event: "return", listener: (message: AmqpMessage) => void): unknown;
  off(event: "close", listener: () => void): unknown;
}

/** A channel whose publishes the broker confirms. */
export interface AmqpConfirmChannel extends AmqpChannel {
  publish(
    exchange: string,
    routingKey: string,
    body: Buffer,
    options: AmqpPublishOptions,
    onConfirm: (error: unknown) => void,
  ): boolean;
}

/** The socket beneath a connection. */
export interface AmqpStream {
  readonly bytesRead?: number;
  /** amqplib ends it when the connection is over. */
  readonly writableEnded?: boolean;
  write: (chunk: Uint8Array) => boolean;
  readonly writableNeedDrain?: boolean;
  end: () => unknown;
  destroy(error?: Error): unknown;
}

/** A connection. `close` is emitted whoever closed it. */
export interface AmqpConnection {
  readonly connection: {
    readonly serverProperties?: { readonly version?: unknown };
    readonly stream: AmqpStream;
  };
  createChannel(): Promise<AmqpChannel>;
  createConfirmChannel(): Promise<AmqpConfirmChannel>;
  close(): Promise<unknown>;
  on(event: "close", listener: (error?: unknown) => void): unknown;
  on(event: "error", listener: (error: unknown) => void): unknown;
  on(event: "blocked", listener: (reason: string) => void): unknown;
  on(event: "unblocked", listener: () => void): unknown;
}

/** Where and as whom to connect. `vhost` is still percent-encoded, which is how amqplib wants it. */
export interface AmqpAddress {
  readonly protocol: "amqp" | "amqps";
  readonly hostname: string;
  readonly port: number;
  readonly username: string;
  readonly password: string;
  readonly vhost: string;
  /** Seconds. */
  readonly heartbeat: number;
}

/** amqplib's `connect`. */
export type AmqpConnect = (
  address: AmqpAddress,
  socket: Readonly<Record<string, unknown>>,
) => Promise<AmqpConnection>;

/** Loads amqplib. Rejects with `CLIENT_MISSING` when it is not installed. */
export async function loadClient(): Promise<AmqpConnect> {
  try {
    const client: unknown = await import("amqplib");
    return (client as { readonly connect: AmqpConnect }).connect;
  } catch (cause) {
    const message = "the rabbitmq driver needs amqplib: npm install amqplib";
    throw new SluiceError("CLIENT_MISSING", message, { cause });
  }
}
