/**
 * One connection that answers within a bounded time or rejects with a retryable error.
 *
 * connecting → ready → (socket closed, or no byte moved for too long) connecting → … → closed. A call waits for `ready`
 * at most as long as it would wait for an answer. A socket that is open only on our side is noticed by the first call
 * that gets no answer, and replaced.
 */
import type { Cancel, Clock } from "../../core/index.ts";
import type { ClientLike } from "./client.ts";
import {
  isReplica,
  isUnauthenticated,
  isUnknownScript,
  toDriverError,
  unavailable,
} from "./errors.ts";
import type { Argument } from "./records.ts";
import type { Script } from "./scripts/script.ts";

/** See the top of this file. */
export interface Connection {
  /** Rejects with a `SluiceError`. */
  send(command: string, args: readonly Argument[], options?: SendOptions): Promise<unknown>;
  /** Runs a script, by its hash where the server knows it. */
  run(script: Script, call: ScriptCall): Promise<unknown>;
  /** Gives up the socket and connects anew. */
  replace(): void;
  /** What is under way is rejected. */
  close(): void;
}

/** What may be said about a command. */
export interface SendOptions {
  /** How long the server may rightly take before it answers. Default 0. */
  readonly waitMs?: number;
  /** Called when the command has been written: what is sent from then on is carried out after it. */
  readonly onWritten?: (() => void) | undefined;
}

/** What a script is run with. */
export interface ScriptCall extends SendOptions {
  readonly keys: readonly string[];
  readonly args: readonly Argument[];
}

/** What a {@link Connection} is made of. */
export interface ConnectionOptions {
  readonly client: ClientLike;
  /** For messages; without the password. */
  readonly address: string;
  readonly clock: Clock;
  /** How long a call may wait without a sign of life. */
  readonly timeoutMs: number;
}

/** Connects for the first time. Rejects when that does not work at once: nothing is known to be there yet. */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const { client, address } = options;
  let lastError: unknown = null;
  client.on("error", (error) => {
    lastError = error;
  });
  client.on("ready", () => {
    lastError = null;
  });
  limitGreeting(options);
  try {
    await client.connect();
  } catch (error) {
    client.disconnect();
    throw toDriverError(address, lastError ?? error);
  }
  return createConnection(options, () => lastError);
}

/**
 * The client limits the time of connecting, but not of the greeting that follows: a socket whose other end is dead from
 * the start would be waited for in vain.
 */
function limitGreeting({ client, clock, timeoutMs }: ConnectionOptions): void {
  let cancelTimer: Cancel = () => undefined;
  const cancel = (): void => cancelTimer();
  client.on("connect", () => {
    cancelTimer();
    cancelTimer = clock.after(timeoutMs, () => {
      if (client.status !== "ready" && client.status !== "end") client.disconnect(true);
    });
  });
  client.on("ready", cancel);
  client.on("close", cancel);
  client.on("end", cancel);
}

function createConnection(options: ConnectionOptions, lastError: () => unknown): Connection {
  const { client, address, clock, timeoutMs } = options;

  function replace(): void {
    if (client.status !== "end") client.disconnect(true);
  }

  async function becomeReady(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const done = (): void => {
        cancelTimer();
        client.off("ready", done);
        client.off("end", fail);
        resolve();
      };
      const fail = (): void => {
        cancelTimer();
        client.off("ready", done);
        client.off("end", fail);
        const error = lastError();
        reject(
          error === null
            ? unavailable(address, `no connection within ${timeoutMs} ms`)
            : toDriverError(address, error),
        );
      };
      const cancelTimer = clock.after(timeoutMs, fail);
      client.on("ready", done);
      client.on("end", fail);
    });
  }

  async function send(
    command: string,
    args: readonly Argument[],
    { waitMs = 0, onWritten }: SendOptions = {},
  ): Promise<unknown> {
    // A socket that just broke is noticed here first; what is not sent is no doubt about what was carried out.
    if (client.status !== "ready" || client.stream?.writable === false) await becomeReady();
    try {
      const answer = client.callBuffer(command, args);
      onWritten?.();
      return await withinTime(options, { answer, waitMs, replace });
    } catch (error) {
      if (isReplica(error)) replace();
      if (isUnknownScript(error)) throw error;
      // Version 5 of the client goes on when the server refuses its password, and only mentions why.
      throw toDriverError(address, isUnauthenticated(error) ? (lastError() ?? error) : error);
    }
  }

  return {
    send,
    async run(script, { keys, args, ...options }) {
      try {
        return await send("EVALSHA", [script.sha, keys.length, ...keys, ...args], options);
      } catch (error) {
        if (!isUnknownScript(error)) throw error;
        return send("EVAL", [script.text, keys.length, ...keys, ...args], options);
      }
    },
    replace,
    close: () => client.disconnect(),
  };
}

interface Call {
  readonly answer: Promise<unknown>;
  readonly waitMs: number;
  readonly replace: () => void;
}

/** The answer. Without a sign of life for the allowed time the socket is dead and is replaced. */
async function withinTime(options: ConnectionOptions, call: Call): Promise<unknown> {
  const { client, address, clock, timeoutMs } = options;
  let cancelTimer: Cancel = () => undefined;
  const silence = new Promise<never>((_, reject) => {
    const arm = (ms: number, before: Progress): void => {
      cancelTimer = clock.after(ms, () => {
        const progress = progressOf(client);
        if (isAlive(before, progress)) return arm(timeoutMs, progress);
        call.replace();
        reject(unavailable(address, `no answer within ${ms} ms`));
      });
    };
    arm(timeoutMs + call.waitMs, progressOf(client));
  });
  try {
    return await Promise.race([call.answer, silence]);
  } finally {
    cancelTimer();
  }
}

interface Progress {
  readonly read: number;
  readonly sent: number;
  readonly unsent: number;
}

function progressOf({ stream }: ClientLike): Progress {
  if (!stream) return { read: 0, sent: 0, unsent: 0 };
  const { bytesRead, bytesWritten, writableLength } = stream;
  return { read: bytesRead, sent: bytesWritten - writableLength, unsent: writableLength };
}

/**
 * Something came, or a large command is on its way. That small ones can be sent means nothing: the system takes them
 * for a peer that is gone, too.
 */
function isAlive(before: Progress, now: Progress): boolean {
  return now.read > before.read || (now.unsent > 0 && now.sent > before.sent);
}
