import { expect, test } from "vitest";
import {
  bitPattern,
  delayRoute,
  duePattern,
  maxDelayMs,
  roundDelay,
  rungName,
  topRung,
} from "./ladder.ts";

/** Whether a topic exchange takes the key for the pattern. */
function matches(pattern: string, key: string): boolean {
  const parts = pattern.split(".").map((word) => {
    if (word === "#") return ".*";
    return word === "*" ? "[^.]+" : word.replaceAll("%", "\\%");
  });
  return new RegExp(`^${parts.join("\\.")}$`).test(key);
}

test.each([1, 2, 63, 64, 65, 150, 900, 1000, 59_999, 3_600_000, 86_400_001, maxDelayMs])(
  "rounds %i ms up by at most a 32nd, over at most six rungs that add up to it",
  (delayMs) => {
    const rounded = roundDelay(delayMs);
    expect(rounded).toBeGreaterThanOrEqual(delayMs);
    expect(rounded).toBeLessThanOrEqual(delayMs * (1 + 1 / 32));
    const { rungs } = delayRoute("q", delayMs);
    expect(rungs.length).toBeLessThanOrEqual(6);
    expect(rungs.reduce((sum, rung) => sum + 2 ** rung, 0)).toBe(rounded);
  },
);

test("keeps short delays to the millisecond", () => {
  for (let delayMs = 1; delayMs < 64; delayMs += 1) expect(roundDelay(delayMs)).toBe(delayMs);
});

test("waits on exactly the rungs of the route, from the exchange it enters", () => {
  const { exchange, routingKey, rungs } = delayRoute("mail.welcome", 5000);
  expect(exchange).toBe(rungName(rungs[0] ?? -1));
  const waits = Array.from({ length: topRung + 1 }, (_, rung) => rung).filter((rung) =>
    matches(bitPattern(rung, 1), routingKey),
  );
  expect(waits.toReversed()).toEqual([...rungs]);
});

test("reaches its own queue and none with a similar name, with the longest name that there is", () => {
  const { routingKey } = delayRoute("x.a.b", 10);
  expect(matches(duePattern("x.a.b"), routingKey)).toBe(true);
  expect(matches(duePattern("a.b"), routingKey)).toBe(false);
  expect(delayRoute("a".repeat(128), maxDelayMs).routingKey.length).toBeLessThanOrEqual(255);
});
