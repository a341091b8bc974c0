/** Messages as the protocol guide writes them: annotations of the broker, lock tokens as delivery tags, batches. */
import rhea, { type Message } from "rhea";
import { Refusal, type StoredMessage } from "./message-queue.ts";

/** The message format of a batch: a message whose data sections are messages. */
export const batchFormat = 0x80013700;

/** A Section of rhea: a body together with its kind. */
interface Section {
  readonly typecode: number;
  readonly content: unknown;
  readonly multiple?: boolean;
}

/** Every property that the message of a test may have; others would be lost and are refused. */
const carried: ReadonlySet<string> = new Set([
  "body",
  "application_properties",
  "message_annotations",
  "message_id",
  "content_type",
  "correlation_id",
  "subject",
  "to",
  "reply_to",
  "durable",
  "priority",
  "first_acquirer",
  "delivery_count",
]);

/** A message as it was sent. Throws {@link Refusal} for what this server does not know. */
export function decode(bytes: Buffer): Message {
  const message = rhea.message.decode(bytes) as unknown as Message;
  for (const [name, value] of Object.entries(message)) {
    if (value !== undefined && typeof value !== "function" && !carried.has(name))
      throw new Refusal("amqp:not-implemented", `this server does not know ${name} of a message`);
  }
  return message;
}

/** The messages of a batch. */
export function decodeBatch(bytes: Buffer): readonly Buffer[] {
  const { body } = rhea.message.decode(bytes) as unknown as { readonly body: Section };
  const parts = body.multiple ? (body.content as readonly Buffer[]) : [body.content as Buffer];
  return parts;
}

/** When a message asked to be enqueued, or `null` for at once. */
export function scheduleOf(message: Message): number | null {
  const at: unknown = message.message_annotations?.["x-opt-scheduled-enqueue-time"];
  if (at === undefined || at === null) return null;
  const ms = at instanceof Date ? at.getTime() : Number(at);
  return ms > Date.now() ? ms : null;
}

const states: Readonly<Record<StoredMessage["state"], number>> = {
  active: 0,
  deferred: 1,
  scheduled: 2,
};

/** A stored message as it is delivered or shown. */
export function encode(stored: StoredMessage, isBrief = false): Buffer {
  const { content } = stored;
  const message: Message = {
    ...content,
    body: isBrief ? rhea.message.data_section(Buffer.alloc(0)) : content.body,
    delivery_count: stored.deliveryCount,
    message_annotations: {
      ...content.message_annotations,
      "x-opt-sequence-number": rhea.types.wrap_long(stored.sequence),
      "x-opt-enqueue-sequence-number": rhea.types.wrap_long(stored.enqueuedSequence),
      "x-opt-enqueued-time": new Date(stored.enqueuedAt),
      "x-opt-message-state": rhea.types.wrap_int(states[stored.state]),
      ...(stored.lock && { "x-opt-locked-until": new Date(stored.lock.until) }),
      ...(stored.deadLetterSource && { "x-opt-deadletter-source": stored.deadLetterSource }),
    },
  };
  return rhea.message.encode(message);
}

/** A lock token as a delivery tag: a GUID, whose first three fields are little-endian. */
export function tagOf(token: string): Buffer {
  const bytes = Buffer.from(token.replaceAll("-", ""), "hex");
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

/** A lock token as an AMQP uuid. */
export function tokenOf(uuid: Buffer): string {
  return rhea.uuid_to_string(uuid);
}
