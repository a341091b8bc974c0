import { expect, test } from "vitest";
import { triggerReference } from "../../scripts/triggers.ts";

test("docs/6-reference/triggers.md shows what the types of trigger declare", async () => {
  const { present, wanted } = await triggerReference();
  expect(present === wanted, "it is out of date; run: npm run triggers").toBe(true);
});
