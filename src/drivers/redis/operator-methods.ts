/** What an operator or a scaler asks: dead letters, peeking, purging, listing, due times. */
import type {
  Browser,
  DeadLetterSelection,
  DeadLetters,
  DueTimes,
  Purger,
  QueueLister,
} from "../../core/index.ts";
import { toDeadLetter, toWaitingMessage } from "./records.ts";
import { deadLettersScript, takeDeadScript } from "./scripts/dead-letters.ts";
import { dueScript, lookScript, peekScript, purgeScript } from "./scripts/look.ts";
import type { Store } from "./store.ts";

/** What one script call looks at, so that none holds the server up for long. */
const mostPerCall = 500;

/** These methods over an open store. */
export function operatorMethods(
  store: Store,
): DeadLetters & Browser & QueueLister & Purger & DueTimes {
  /** Makes everything ready that is due. */
  async function promoteAll(queue: string): Promise<void> {
    while (((await store.run(lookScript, queue)) as readonly number[])[1] === 0);
  }

  return {
    async deadLetters(queue, { limit }) {
      const reply = (await store.run(deadLettersScript, queue, [limit])) as readonly Buffer[];
      return groupsOf(5, reply).map((fields) => toDeadLetter(queue, fields));
    },
    redrive: (queue, selection) => takeDead(store, queue, { ...selection, to: "redrive" }),
    purgeDeadLetters: (queue, selection) => takeDead(store, queue, { ...selection, to: "purge" }),
    async peek(queue, { limit }) {
      await promoteAll(queue);
      const reply = (await store.run(peekScript, queue, [limit])) as readonly Buffer[];
      return groupsOf(4, reply).map(toWaitingMessage);
    },
    async purge(queue) {
      await promoteAll(queue);
      let total = 0;
      for (;;) {
        const purged = Number(await store.run(purgeScript, queue, [mostPerCall]));
        total += purged;
        if (purged < mostPerCall) return total;
      }
    },
    queues: () => store.queues(),
    dueWithin: async (queue, edgesMs) =>
      (await store.run(dueScript, queue, edgesMs)) as readonly number[],
  };
}

/** Goes through the dead letters of this moment, part by part; those that come later are not looked at. */
async function takeDead(
  store: Store,
  queue: string,
  { ids, to }: DeadLetterSelection & { readonly to: "redrive" | "purge" },
): Promise<number> {
  store.check();
  if (ids?.length === 0) return 0;
  const which = ids === undefined ? ["all"] : ["chosen", ...ids];
  let total = 0;
  let latest = "";
  for (let skip = 0; skip >= 0; ) {
    const args = [to, latest, skip, mostPerCall, ...which];
    const reply = (await store.run(takeDeadScript, queue, args)) as readonly [
      number,
      Buffer,
      number,
    ];
    total += reply[0];
    latest = String(reply[1]);
    skip = reply[2];
  }
  return total;
}

function groupsOf(size: number, values: readonly Buffer[]): readonly (readonly Buffer[])[] {
  return Array.from({ length: values.length / size }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}
