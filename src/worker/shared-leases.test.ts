import { expect, test } from "vitest";
import { createLeaseWriter, readLeases, type SharedTable } from "./shared-leases.ts";

function leases() {
  const tables: SharedTable[] = [];
  const writer = createLeaseWriter((table) => tables.push(table));
  const read = () => {
    const table = tables.at(-1);
    if (table === undefined) throw new Error("there is no table");
    return [...readLeases(table)].map(({ queue, receipt }) => `${queue} ${receipt}`).sort();
  };
  return { tables, writer, read };
}

test("what was added and not removed is read", () => {
  const { writer, read } = leases();
  writer.add("mail", "1.1.5");
  writer.add("thumbs", "2.1.5");
  writer.add("mail", "3.1.5");
  writer.remove("2.1.5");
  writer.remove("unknown");
  expect(read()).toEqual(["mail 1.1.5", "mail 3.1.5"]);
});

test("slots are used again, so that the first table lasts", () => {
  const { tables, writer, read } = leases();
  for (let round = 0; round < 1000; round += 1) {
    writer.add("mail", `${round}`);
    if (round >= 3) writer.remove(`${round - 3}`);
  }
  expect(read()).toEqual(["mail 997", "mail 998", "mail 999"]);
  expect(tables).toHaveLength(1);
});

test("a table that is full is replaced by a larger one with the same leases", () => {
  const { tables, writer, read } = leases();
  for (let index = 0; index < 300; index += 1) writer.add("mail", `receipt-${index}`);
  expect(tables.length).toBeGreaterThan(1);
  expect(read()).toHaveLength(300);
  for (let index = 0; index < 300; index += 1) writer.remove(`receipt-${index}`);
  expect(read()).toEqual([]);
});

test("a receipt of any length and any characters is kept", () => {
  const { writer, read } = leases();
  const long = `${"€".repeat(2000)}\nand a line`;
  writer.add("mail", "short");
  writer.add("mail", long);
  expect(read()).toEqual(["mail short", `mail ${long}`]);
});
