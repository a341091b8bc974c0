import { seededRandom } from "../seeded-random.ts";
import { type ConformanceCase, type ConformanceContext, casesOf } from "./conformance-case.ts";
import { patienceMs } from "./consumer.ts";
import { pause } from "./expectations.ts";
import { followModel } from "./follow-model.ts";
import { type Operation, randomOperations } from "./operations.ts";

const seeds = [1, 2, 3, 4, 5, 6];

/** How long a failure is made smaller, and how patiently each try waits for a message that does not come. */
const shrinkingMs = 20_000;
const shrinkingPatienceMs = 300;

/** A driver and a simple model of a queue, put through the same random operations. */
export const modelCases: readonly ConformanceCase[] = casesOf(
  "model",
  seeds.map((seed) => ({
    name: `does what a simple model of a queue does, for random operations from seed ${seed}`,
    runsAlone: true,
    timeoutMs: 120_000,
    run: (context) => checkSeed(context, { seed, count: 120, patienceMs }),
  })),
);

/** What {@link checkSeed} runs. */
export interface SeedOptions {
  readonly seed: number;
  /** How many operations. */
  readonly count: number;
  readonly patienceMs: number;
}

/** Rejects with the seed and a short list of operations that shows the difference. */
export async function checkSeed(context: ConformanceContext, options: SeedOptions): Promise<void> {
  const { seed, count } = options;
  const operations = randomOperations(count, context.driver.capabilities, seededRandom(seed));
  const failure = await failureOf(context, operations, options.patienceMs);
  if (failure === null) return;
  const patienceMs = Math.min(options.patienceMs, shrinkingPatienceMs);
  const shortest = await shrink(operations, (shorter) => failureOf(context, shorter, patienceMs));
  const lines = shortest.operations.map((operation) => JSON.stringify(operation));
  const cause = shortest.failure ?? failure;
  const message = `seed ${seed}: ${cause.message}\nafter these operations:\n${lines.join("\n")}`;
  throw new Error(message, { cause });
}

async function failureOf(
  { driver, freshQueue }: ConformanceContext,
  operations: readonly Operation[],
  patienceMs: number,
): Promise<Error | null> {
  try {
    const queue = freshQueue();
    await followModel({ driver, queue, operations, advance: pause, patienceMs });
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

interface Shrunk {
  readonly operations: readonly Operation[];
  /** How these operations fail; `null` when nothing shorter than the original does. */
  readonly failure: Error | null;
}

/** Leaves out halves, quarters, … and at last single operations as long as the rest still fails. */
async function shrink(
  operations: readonly Operation[],
  failureWith: (operations: readonly Operation[]) => Promise<Error | null>,
): Promise<Shrunk> {
  let shortest: Shrunk = { operations, failure: null };
  const endsAt = Date.now() + shrinkingMs;
  for (let size = operations.length >> 1; size >= 1; size >>= 1) {
    let start = 0;
    while (start < shortest.operations.length && Date.now() < endsAt) {
      const shorter = shortest.operations.toSpliced(start, size);
      const failure = await failureWith(shorter);
      if (failure === null) start += size;
      else shortest = { operations: shorter, failure };
    }
  }
  return shortest;
}
