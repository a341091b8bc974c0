/**
 * One connection to the broker that heals: down → (somebody needs it) connecting → up → (closed by anyone, or silent for
 * too long) down. There is no loop that reconnects; whoever needs the connection next opens it.
 *
 * A half-open socket is noticed by silence: the broker sends a heartbeat every half interval, so a few looks in a row
 * without a byte mean that nobody is there.
 */
import { type Logger, SluiceError } from "../../core/index.ts";
import { isOver } from "./channel.ts";
import type { AmqpAddress, AmqpConnect, AmqpConnection, AmqpStream } from "./client.ts";
import { toConnectError, toDriverError } from "./errors.ts";

/** How a {@link Link} connects. */
export interface LinkOptions {
  readonly connect: AmqpConnect;
  readonly address: AmqpAddress;
  /** The URL as it may be shown. */
  readonly shownAddress: string;
  /** Options of the TLS socket. */
  readonly tls: Readonly<Record<string, unknown>>;
  /** Names the connection in the broker's own lists. */
  readonly name: string;
  readonly logger: Logger;
  /** How long the broker may hold back publishers before the connection is given up. */
  readonly blockedMs: number;
}

/** See the top of this file. */
export interface Link {
  /** The open connection, or a new one. Rejects with what keeps it from opening, or `CLOSED`. */
  open(): Promise<AmqpConnection>;
  /** Whether the broker holds back publishers. */
  readonly isBlocked: boolean;
  /** Why the last connection was lost, if that is known; its channels close without a reason of their own. */
  readonly failure: unknown;
  /** Closes for good; idempotent. */
  close(): Promise<void>;
}

/** Without a byte. Shorter than what a worker may take to resume: a connection may be opened into a dead network. */
const connectMs = 5000;
const closeMs = 2000;
/** Not worth a copy. */
const largeBytes = 16_384;
/** The broker may begin with these while the next are gathered. */
const mostGathered = 8192;
/** Looks without a byte after which the other side counts as gone; four make two heartbeats of the broker's. */
const silentLooks = 4;

/** A link that is down until it is needed. */
export function createLink(options: LinkOptions): Link {
  const { shownAddress, logger } = options;
  let current: Promise<AmqpConnection> | null = null;
  let isClosed = false;
  let isBlocked = false;
  let failure: unknown = null;

  async function connect(): Promise<AmqpConnection> {
    const connection = await dial(options);
    failure = null;
    connection.on("error", (error) => {
      failure = error;
    });
    if (isClosed) {
      await hangUp(connection);
      throw closedError(shownAddress);
    }
    watchSilence(connection, options.address.heartbeat);
    watchBlocked(connection, options, (blocked) => {
      isBlocked = blocked;
    });
    return connection;
  }

  return {
    get isBlocked() {
      return isBlocked;
    },
    get failure() {
      return failure;
    },
    open() {
      if (isClosed) return Promise.reject(closedError(shownAddress));
      if (current) return current;
      const opening = connect();
      current = opening;
      const down = (): void => {
        if (current === opening) current = null;
        isBlocked = false;
      };
      opening.then((connection) => {
        connection.on("close", (error) => {
          down();
          if (isClosed) return;
          const reason = toDriverError(error ?? "closed", { address: shownAddress, doing: "idle" });
          logger.warn("the connection to RabbitMQ was lost", { name: options.name, reason });
        });
      }, down);
      return opening;
    },
    async close() {
      isClosed = true;
      const connection = await current?.catch(() => null);
      if (connection) await hangUp(connection);
    },
  };
}

/** The error of every call after close. */
export function closedError(address: string): SluiceError {
  return new SluiceError("CLOSED", `the connection to ${address} was closed; connect again.`);
}

async function dial(options: LinkOptions): Promise<AmqpConnection> {
  const { address, shownAddress } = options;
  try {
    const connection = await options.connect(address, {
      ...options.tls,
      noDelay: true,
      timeout: connectMs,
      clientProperties: { connection_name: options.name },
    });
    // Without a listener an "error" event would end the process; "close" follows it and is what counts.
    connection.on("error", () => undefined);
    if (isOver(connection)) throw new Error("the broker ended it at once");
    gatherWrites(connection.connection.stream);
    return connection;
  } catch (error) {
    throw toConnectError(error, shownAddress, address.protocol === "amqps");
  }
}

/** amqplib writes each frame by itself; those of one turn leave in one system call, which is most of their cost. */
function gatherWrites(stream: AmqpStream): void {
  const write = stream.write.bind(stream);
  const end = stream.end.bind(stream);
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  const flush = (): void => {
    const chunks = gathered;
    gathered = [];
    gatheredBytes = 0;
    // One copy costs less than a system call with a list of many small pieces.
    if (chunks.length > 0) write(Buffer.concat(chunks));
  };
  stream.write = (chunk) => {
    if (chunk.byteLength > largeBytes) {
      flush();
      return write(chunk);
    }
    gatheredBytes += chunk.byteLength;
    if (gathered.push(chunk) === 1) process.nextTick(flush);
    if (gatheredBytes >= mostGathered) flush();
    return !stream.writableNeedDrain;
  };
  // The last frame, the goodbye, is written right before the end.
  stream.end = () => {
    flush();
    return end();
  };
}

/** Says goodbye, and does not wait for an answer that may never come. */
async function hangUp(connection: AmqpConnection): Promise<void> {
  const { stream } = connection.connection;
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, closeMs);
  });
  await Promise.race([connection.close().catch(() => undefined), limit]);
  clearTimeout(timer);
  // With an error, or calls that still wait for their answers would wait for ever.
  stream.destroy(new Error("closed"));
}

function watchSilence(connection: AmqpConnection, heartbeat: number): void {
  const { stream } = connection.connection;
  let seen = stream.bytesRead ?? 0;
  let silent = 0;
  const everyMs = (heartbeat * 1000) / silentLooks;
  const timer = setInterval(() => {
    const now = stream.bytesRead ?? 0;
    silent = now === seen ? silent + 1 : 0;
    seen = now;
    if (silent >= silentLooks) stream.destroy(new Error("no sign of life from the broker"));
  }, everyMs);
  timer.unref();
  connection.on("close", () => clearInterval(timer));
}

/** A blocked broker reads no more of this connection: what waits for a confirmation is given up after a bound. */
function watchBlocked(
  connection: AmqpConnection,
  options: LinkOptions,
  onChange: (isBlocked: boolean) => void,
): void {
  const { logger, name, blockedMs } = options;
  let timer: NodeJS.Timeout | undefined;
  connection.on("blocked", (reason) => {
    onChange(true);
    logger.warn("RabbitMQ holds back publishers", { name, reason });
    clearTimeout(timer);
    timer = setTimeout(
      () => connection.connection.stream.destroy(new Error(`blocked: ${reason}`)),
      blockedMs,
    );
  });
  connection.on("unblocked", () => {
    clearTimeout(timer);
    onChange(false);
    logger.info("RabbitMQ takes publishers again", { name });
  });
  connection.on("close", () => clearTimeout(timer));
}
