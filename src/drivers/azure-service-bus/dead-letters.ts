/**
 * The dead-letter sub-queue. It is looked at by peeking, which takes nothing; what is redriven or purged is received with
 * a lock, so that two who do it at once share the work. Letters that were not chosen go back when it is over.
 */
import type { DeadLetterSelection, DeadLetters } from "../../core/index.ts";
import { firstSequence, type ReceivedMessage, type Receiver, toLong } from "./client.ts";
import { isLockLost, toDriverError } from "./errors.ts";
import { inParallel } from "./in-parallel.ts";
import { openReceiver } from "./lane.ts";
import { fromReceived, toCopy, toDeadLetter } from "./message-codec.ts";
import type { Parts } from "./parts.ts";

/** What the broker shows or hands out at a time. */
const pageSize = 250;
const mostAtOnce = 100;
/** Letters that were just locked by somebody else are not there; this long is waited for the first. */
const lookMs = 1;

/** Looks after dead letters. */
export function createDeadLetters(parts: Parts): DeadLetters {
  const { clock, link, throttle, queues, publisher, namespace } = parts;

  /** `work` on a receiver of its own; `otherwise` for a queue that is not there and would be made by a publish. */
  async function onDead<T>(
    queue: string,
    doing: string,
    job: { readonly otherwise: T; readonly work: (receiver: Receiver) => Promise<T> },
  ): Promise<T> {
    try {
      if ((await queues.exists(queue)) === false) return job.otherwise;
      const session = link.session();
      const receiver = openReceiver(session.client, queue, "deadLetter");
      try {
        return await job.work(receiver);
      } finally {
        await receiver.close().catch(() => undefined);
      }
    } catch (error) {
      throw toDriverError(error, { namespace, doing: `${doing} dead letters`, queue });
    }
  }

  const call: Call = (work) =>
    throttle.run("handling dead letters", () => link.call(link.session(), work));

  return {
    deadLetters: (queue, { limit }) =>
      onDead(queue, "listing", {
        otherwise: [],
        async work(receiver) {
          const now = clock.now();
          const found = await peekUpTo(call, receiver, limit);
          return found.map((letter) => toDeadLetter(letter, queue, now));
        },
      }),
    redrive: (queue, selection) =>
      onDead(queue, "redriving", {
        otherwise: 0,
        work: (receiver) =>
          takeChosen({ call, receiver }, selection, (letter) => {
            // Dying before the letter is gone leaves it to be redriven again, under the same id.
            const messageId = `sluice/dead/${letter.sequenceNumber}`;
            const fresh = { messageId, attempts: 0, readyAt: clock.now() };
            return publisher.send(queue, toCopy(fromReceived(letter), fresh));
          }),
      }),
    purgeDeadLetters: (queue, selection) =>
      onDead(queue, "purging", {
        otherwise: 0,
        work: (receiver) => takeChosen({ call, receiver }, selection, async () => undefined),
      }),
  };
}

/** Makes a call to the broker, within its time and as fast as it is allowed. */
type Call = <T>(work: () => Promise<T>) => Promise<T>;

async function peekUpTo(
  call: Call,
  receiver: Receiver,
  limit: number,
): Promise<readonly ReceivedMessage[]> {
  const found: ReceivedMessage[] = [];
  let from = firstSequence;
  while (found.length < limit) {
    const ask = Math.min(pageSize, limit - found.length);
    const page = await call(() => receiver.peekMessages(ask, { fromSequenceNumber: from }));
    found.push(...page);
    const last = page.at(-1)?.sequenceNumber;
    if (last === undefined) break;
    from = toLong(BigInt(last.toString()) + 1n);
  }
  return found;
}

/** Takes the chosen letters for good after `use`. Returns how many. */
async function takeChosen(
  { call, receiver }: { readonly call: Call; readonly receiver: Receiver },
  { ids }: DeadLetterSelection,
  use: (letter: ReceivedMessage) => Promise<void>,
): Promise<number> {
  const wanted = ids === undefined ? null : new Set(ids);
  if (wanted?.size === 0) return 0;
  const others: ReceivedMessage[] = [];
  let count = 0;
  for (;;) {
    const page = await call(() => receiver.receiveMessages(pageSize, { maxWaitTimeInMs: lookMs }));
    if (page.length === 0) break;
    const chosen = page.filter((letter) => wanted?.has(fromReceived(letter).id) ?? true);
    others.push(...page.filter((letter) => !chosen.includes(letter)));
    const taken = await inParallel(chosen, mostAtOnce, async (letter) => {
      await use(letter);
      return completed(call, () => receiver.completeMessage(letter));
    });
    count += taken.filter(Boolean).length;
  }
  await inParallel(others, mostAtOnce, (letter) =>
    completed(call, () => receiver.abandonMessage(letter, {})),
  );
  return count;
}

/** Whether it took effect; a letter whose lock was lost is somebody else's. */
async function completed(call: Call, work: () => Promise<void>): Promise<boolean> {
  try {
    await call(work);
    return true;
  } catch (error) {
    if (isLockLost(error)) return false;
    throw error;
  }
}
