/**
 * Whether a message and the copy that takes its place are both there. Duplicate detection settles that in the broker; where
 * a queue has none, or it is not known to have it, looking into the queue does: browsing shows every message that is not
 * over, also locked and scheduled ones, in the order of sequence numbers, which only grow.
 */
import { firstSequence, type ReceivedMessage, type Receiver, toLong } from "./client.ts";
import { openReceiver } from "./lane.ts";
import type { Session } from "./link.ts";
import type { Parcel } from "./message-codec.ts";
import type { Parts } from "./parts.ts";

/** What the broker shows at a time. */
const pageSize = 250;
const copyId = /^sluice\/(\d{1,19})\/\d+$/;

/** The message id of every copy that is made of a message during one stay, so that it can be told and stored once. */
export function copyIdOf(message: ReceivedMessage, { stay }: Parcel): string {
  return `sluice/${message.sequenceNumber}/${stay}`;
}

/** Whether the message is a copy that took, or is to take, the place of another one. */
export function isCopy({ messageId }: ReceivedMessage): boolean {
  return originalOf(messageId) !== null;
}

/** Looks into one queue. All reject with what the SDK throws. */
export class Succession {
  readonly #parts: Parts;
  readonly #queue: string;
  readonly #receivers = new WeakMap<Session, Receiver>();

  constructor(parts: Parts, queue: string) {
    this.#parts = parts;
    this.#queue = queue;
  }

  /** Whether the message that this one is a copy of is still in the queue. */
  async hasOriginal({ messageId }: ReceivedMessage): Promise<boolean> {
    const original = originalOf(messageId);
    if (original === null) return false;
    const [found] = await this.#peek(1, original);
    return found?.sequenceNumber?.toString() === String(original);
  }

  /** Whether a copy was made of the message in its present stay. Reads the whole queue without the bodies. */
  async hasCopy(message: ReceivedMessage, parcel: Parcel): Promise<boolean> {
    const wanted = copyIdOf(message, parcel);
    let from = BigInt(firstSequence.toString());
    for (;;) {
      const page = await this.#peek(pageSize, from);
      if (page.some(({ messageId }) => messageId === wanted)) return true;
      const last = page.at(-1)?.sequenceNumber;
      if (last === undefined) return false;
      from = BigInt(last.toString()) + 1n;
    }
  }

  async #peek(max: number, from: bigint): Promise<readonly ReceivedMessage[]> {
    const { link, throttle } = this.#parts;
    return throttle.run(`looking into ${this.#queue}`, () => {
      const session = link.session();
      return link.call(session, () =>
        this.#receiver(session).peekMessages(max, {
          fromSequenceNumber: toLong(from),
          omitMessageBody: true,
        }),
      );
    });
  }

  #receiver(session: Session): Receiver {
    const known = this.#receivers.get(session);
    if (known) return known;
    const receiver = openReceiver(session.client, this.#queue);
    this.#receivers.set(session, receiver);
    return receiver;
  }
}

function originalOf(messageId: unknown): bigint | null {
  const sequence = typeof messageId === "string" ? copyId.exec(messageId)?.[1] : undefined;
  return sequence === undefined ? null : BigInt(sequence);
}
