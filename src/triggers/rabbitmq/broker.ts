/** The part of the package `amqplib` that is used, so that its types never show in ours. */
import { loadClient } from "../client.ts";
import { noAnswer, reasonOf, wrongAnswer } from "../failure.ts";
import type { ConnectionPlan } from "../shared-connection.ts";
import { type TlsTexts, tlsOptions } from "../tls.ts";

/** A connection of `amqplib`. */
export interface AmqpConnectionLike {
  createChannel(): Promise<AmqpChannelLike>;
  close(): Promise<void>;
  on(event: "error" | "close", listener: (error?: unknown) => void): unknown;
}

interface AmqpChannelLike {
  checkQueue(queue: string): Promise<{ readonly messageCount: number }>;
  close(): Promise<void>;
  on(event: "error", listener: (error: unknown) => void): unknown;
}

interface AmqplibLike {
  connect(url: object, socketOptions: object): Promise<AmqpConnectionLike>;
  readonly credentials: { external(): unknown };
}

/** Where a broker is and who asks. */
export interface AmqpPlace {
  readonly url: string;
  readonly vhostName: string | null;
  readonly username: string | null;
  readonly password: string | null;
  /** Null without TLS of its own settings. */
  readonly tls: TlsTexts | null;
}

/** The connection behind a place. */
export function amqpConnection(
  place: AmqpPlace,
  timeoutMs: number,
): ConnectionPlan<AmqpConnectionLike> {
  return {
    key: `amqp ${JSON.stringify(place)}`,
    async open() {
      const amqplib = await loadClient<AmqplibLike>(
        "amqplib@^2.0",
        "the trigger rabbitmq",
        () => import("amqplib"),
      );
      try {
        const options = socketOptions(amqplib, place, timeoutMs);
        const connection = await amqplib.connect(connectOptions(place), options);
        // Whoever uses a connection that broke gets an error from the call; nobody else needs to know.
        connection.on("error", () => undefined);
        return connection;
      } catch (error) {
        throw noAnswer(`${brokerOf(place)} cannot be reached: ${reasonOf(error)}`, error);
      }
    },
    close: (connection) => connection.close(),
    atOnce: 16, // channels; a broker allows 2,047 of a connection
  };
}

function connectOptions({ url, vhostName, username, password }: AmqpPlace): object {
  const parsed = new URL(url);
  const { protocol, hostname, port, pathname } = parsed;
  const vhost = vhostName ?? decodeURIComponent(pathname.slice(1));
  return {
    protocol: protocol.slice(0, -1),
    hostname: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? (protocol === "amqps:" ? 5671 : 5672) : Number(port),
    username: username ?? (decodeURIComponent(parsed.username) || "guest"),
    password: password ?? (decodeURIComponent(parsed.password) || "guest"),
    vhost: vhost === "" ? "/" : vhost,
    heartbeat: 10,
  };
}

/** A certificate without any password says who asks by itself (SASL EXTERNAL). */
function socketOptions(amqplib: AmqplibLike, place: AmqpPlace, timeoutMs: number): object {
  const { tls, username, url } = place;
  const isExternal = tls?.cert && username === null && new URL(url).password === "";
  return {
    ...(tls && tlsOptions(tls)),
    ...(isExternal && { credentials: amqplib.credentials.external() }),
    timeout: timeoutMs,
    noDelay: true,
    clientProperties: { connection_name: "sluice-scaler" },
  };
}

/** How many messages are ready. The broker closes the channel over a queue that it has not, so each look opens one. */
export async function countReady(
  connection: AmqpConnectionLike,
  place: AmqpPlace,
  queue: string,
): Promise<number> {
  let channel: AmqpChannelLike | null = null;
  try {
    channel = await connection.createChannel();
    channel.on("error", () => undefined);
    const { messageCount } = await channel.checkQueue(queue);
    await channel.close();
    return messageCount;
  } catch (error) {
    // What a channel is closed for says nothing against the connection.
    const isAnswer = error instanceof Error && "code" in error && Number(error.code) >= 400;
    const message = `${brokerOf(place)} does not tell the length of ${JSON.stringify(queue)}: ${reasonOf(error)}`;
    throw isAnswer ? wrongAnswer(message, error) : noAnswer(message, error);
  }
}

function brokerOf({ url }: AmqpPlace): string {
  const { protocol, host } = new URL(url);
  return `${protocol}//${host}`;
}
