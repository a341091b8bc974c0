import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

test("gives kinds turns of their own, which others of the kind share", async () => {
  const turns = new Turns();
  const log: string[] = [];
  let turn = 0;
  const count = (): void => {
    turn += 1;
    if (turn < 6) setImmediate(count);
  };
  setImmediate(count);
  const take = async (kind: Parameters<Turns["take"]>[0]) => {
    await turns.take(kind);
    log.push(`${kind} ${turn}`);
  };
  await Promise.all(
    (["completions", "odd", "even", "odd", "completions", "even"] as const).map(take),
  );
  expect(log.slice(0, 2)).toEqual(["completions 0", "completions 0"]);
  const [odd = "", sameOdd, even = "", sameEven] = log.slice(2);
  expect([sameOdd, sameEven]).toEqual([odd, even]);
  expect([odd.slice(0, 3), even.slice(0, 4)]).toEqual(["odd", "even"]);
  expect(odd.slice(-1)).not.toBe(even.slice(-1));
});
