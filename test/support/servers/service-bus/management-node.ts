/** The operations of a queue's `$management` node that this server knows; any other is refused as not implemented. */
import rhea, { type Message, type Typed } from "rhea";
import { decode, encode, scheduleOf, tokenOf } from "./encoding.ts";
import { type MessageQueue, Refusal } from "./message-queue.ts";
import type { Right } from "./tokens.ts";

type Body = Readonly<Record<string, unknown>>;

interface Operation {
  readonly right: Right;
  /** Returns the body of the answer; `null` for one without content. */
  run(queue: MessageQueue, body: Body): Body | null;
}

/** Every operation, by its name. */
export const operations: Readonly<Record<string, Operation>> = {
  "com.microsoft:schedule-message": {
    right: "Send",
    run(queue, body) {
      const entries = listOf<{ readonly message: Buffer }>(body.messages);
      const sequences = entries.map(({ message }) => {
        checkSize(queue, message.length);
        const content = decode(message);
        return queue.enqueue(content, scheduleOf(content));
      });
      return { "sequence-numbers": rhea.types.wrap_array(sequences.map(longOf), 0x81, undefined) };
    },
  },
  "com.microsoft:cancel-scheduled-message": {
    right: "Send",
    run(queue, body) {
      for (const sequence of listOf<unknown>(body["sequence-numbers"]))
        queue.cancelScheduled(numberOf(sequence));
      return null;
    },
  },
  "com.microsoft:renew-lock": {
    right: "Listen",
    run(queue, body) {
      const ends = tokensOf(body).map((token) => queue.renew(token));
      return { expirations: rhea.types.wrap_array(ends, 0x83, undefined) };
    },
  },
  "com.microsoft:peek-message": {
    right: "Listen",
    run(queue, body) {
      const from = numberOf(body["from-sequence-number"]);
      const found = queue.peek(from, Math.min(Number(body["message-count"]), 250));
      if (found.length === 0) return null;
      const isBrief = body["omit-message-body"] === true;
      return { messages: found.map((message) => ({ message: encode(message, isBrief) })) };
    },
  },
  "com.microsoft:receive-by-sequence-number": {
    right: "Listen",
    run(queue, body) {
      if (Number(body["receiver-settle-mode"]) !== 1)
        throw new Refusal(
          "amqp:not-implemented",
          "deferred messages are received with a lock only",
        );
      const sequences = listOf<unknown>(body["sequence-numbers"]).map(numberOf);
      const messages = queue.lockDeferred(sequences).map((stored) => ({
        "lock-token": rhea.types.wrap_uuid(rhea.string_to_uuid(stored.lock?.token ?? "")),
        message: encode(stored),
      }));
      return { messages };
    },
  },
  "com.microsoft:update-disposition": { right: "Listen", run: updateDisposition },
};

function updateDisposition(queue: MessageQueue, body: Body): null {
  const status = String(body["disposition-status"]);
  const properties = (body["properties-to-modify"] ?? {}) as Body;
  for (const token of tokensOf(body)) {
    if (status === "completed") queue.complete(token);
    else if (status === "abandoned") queue.abandon(token, properties);
    else if (status === "defered") queue.defer(token, properties);
    else if (status === "suspended")
      queue.deadLetter(token, {
        ...properties,
        DeadLetterReason: body["deadletter-reason"],
        DeadLetterErrorDescription: body["deadletter-description"],
      });
    else throw new Refusal("amqp:not-implemented", `disposition-status ${status} is not known`);
  }
  return null;
}

/** Throws when a message is larger than the queue takes. */
export function checkSize(queue: MessageQueue, bytes: number): void {
  const { maxMessageBytes } = queue.settings;
  if (bytes > maxMessageBytes)
    throw new Refusal(
      "amqp:link:message-size-exceeded",
      `The received message (size: ${bytes}) exceeds the limit (${maxMessageBytes}) currently allowed on the link.`,
    );
}

/** The HTTP-like status of each condition that can come back. */
export const statusOf: Readonly<Record<string, number>> = {
  "amqp:not-implemented": 501,
  "amqp:not-found": 404,
  "amqp:not-allowed": 400,
  "amqp:unauthorized-access": 401,
  "amqp:link:message-size-exceeded": 403,
  "com.microsoft:message-not-found": 404,
  "com.microsoft:message-lock-lost": 410,
  "com.microsoft:server-busy": 503,
};

function tokensOf(body: Body): readonly string[] {
  return listOf<Buffer>(body["lock-tokens"]).map(tokenOf);
}

function listOf<T>(value: unknown): readonly T[] {
  if (Array.isArray(value)) return value as readonly T[];
  throw new Refusal("amqp:decode-error", "a list was expected");
}

/** A long as rhea decodes it: a number, or the bytes of one beyond 2^53. */
function numberOf(value: unknown): number {
  return Buffer.isBuffer(value) ? Number(value.readBigInt64BE()) : Number(value);
}

function longOf(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

/** An answer to `request`. */
export function answer(request: Message, status: number, more: Partial<Message> = {}): Message {
  const accepted = { statusCode: status, statusDescription: status < 300 ? "OK" : "refused" };
  return {
    body: null,
    ...more,
    correlation_id: request.message_id as string | Typed as string,
    application_properties: { ...accepted, ...more.application_properties },
  };
}
