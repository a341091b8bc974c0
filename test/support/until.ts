import { setTimeout as wait } from "node:timers/promises";

/** How long to look, and what for. */
export interface Patience {
  readonly withinMs: number;
  /** Names the wait in the error when it was in vain. */
  readonly what: string;
}

/** Asks every 20 ms until the answer is neither null nor false, and resolves with it; throws when time is up. */
export async function until<T>(
  ask: () => T | Promise<T>,
  patience: Patience,
): Promise<Exclude<T, null | false>> {
  const giveUpAt = Date.now() + patience.withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== false) return answer as Exclude<T, null | false>;
    if (Date.now() > giveUpAt)
      throw new Error(`${patience.what}: not within ${patience.withinMs} ms`);
    await wait(20);
  }
}
