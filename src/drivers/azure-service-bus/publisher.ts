/** Sends messages: as many in one batch as the link's size limit allows, one batch for each time that they are due. */
import type { Clock, OutgoingMessage } from "../../core/index.ts";
import type { MessageBatch, Sender, SentMessage } from "./client.ts";
import { inParallel } from "./in-parallel.ts";
import type { Link, Session } from "./link.ts";
import { toSentMessage } from "./message-codec.ts";
import type { Throttle } from "./throttle.ts";

/** See the top of this file. All reject with what the SDK throws. */
export interface Publisher {
  publish(queue: string, messages: readonly OutgoingMessage[], clock: Clock): Promise<void>;
  /** Sends one message as it is. */
  send(queue: string, message: SentMessage): Promise<void>;
  /** Has a message enqueued later. */
  schedule(queue: string, message: SentMessage, at: number): Promise<void>;
}

/** A link gives out 1,000 credits, one for each send under way. */
const mostAtOnce = 200;

/** Sends over `link`. */
export function createPublisher(link: Link, throttle: Throttle): Publisher {
  const senders = new WeakMap<Session, Map<string, Sender>>();

  function senderOf(session: Session, queue: string): Sender {
    const ofSession = senders.get(session) ?? new Map<string, Sender>();
    senders.set(session, ofSession);
    const known = ofSession.get(queue);
    if (known) return known;
    const sender = session.client.createSender(queue);
    ofSession.set(queue, sender);
    return sender;
  }

  function call<T>(queue: string, work: (sender: Sender) => Promise<T>): Promise<T> {
    return throttle.run(`sending to ${queue}`, () => {
      const session = link.session();
      return link.call(session, () => work(senderOf(session, queue)));
    });
  }

  async function sendAll(queue: string, messages: readonly SentMessage[]): Promise<void> {
    let batch: MessageBatch | null = null;
    for (const message of messages) {
      batch ??= await call(queue, (sender) => sender.createMessageBatch());
      if (batch.tryAddMessage(message)) continue;
      if (batch.count > 0) {
        const full = batch;
        await call(queue, (sender) => sender.sendMessages(full));
        batch = await call(queue, (sender) => sender.createMessageBatch());
        if (batch.tryAddMessage(message)) continue;
      }
      // Too large for a batch; Premium takes larger single messages.
      await call(queue, (sender) => sender.sendMessages(message));
    }
    if (batch !== null && batch.count > 0) {
      const last = batch;
      await call(queue, (sender) => sender.sendMessages(last));
    }
  }

  return {
    async publish(queue, messages, clock) {
      // Opens the link where that is still to be done, so that delays begin when the messages can leave.
      await call(queue, (sender) => sender.createMessageBatch());
      const now = clock.now();
      const byDelay = new Map<number, SentMessage[]>();
      for (const message of messages) {
        const { delayMs } = message;
        const sent = toSentMessage(message, now);
        const due = delayMs > 0 ? { scheduledEnqueueTimeUtc: new Date(now + delayMs) } : {};
        byDelay.set(delayMs, [...(byDelay.get(delayMs) ?? []), { ...sent, ...due }]);
      }
      const soonestFirst = [...byDelay].sort(([one], [other]) => one - other);
      await inParallel(soonestFirst, mostAtOnce, ([, group]) => sendAll(queue, group));
    },
    send: (queue, message) => call(queue, (sender) => sender.sendMessages(message)),
    async schedule(queue, message, at) {
      await call(queue, (sender) => sender.scheduleMessages(message, new Date(at)));
    },
  };
}
