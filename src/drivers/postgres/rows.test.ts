import { expect, test } from "vitest";
import { packMessages, parseReceipt, textArray } from "./rows.ts";

const plain = { id: "a", headers: {}, delayMs: 0, priority: 0, deduplicate: false };

test("an array of texts keeps quotes, backslashes, braces, commas and what looks like NULL", () => {
  const texts = ['a"b', "a\\b", "{a,b}", "NULL", "", null];
  expect(textArray(texts)).toBe(String.raw`{"a\"b","a\\b","{a,b}","NULL","",NULL}`);
});

test("a batch is packed without the columns that say nothing", () => {
  const bodies = ["one", "", "three"].map((text) => Buffer.from(text));
  const packed = packMessages(bodies.map((body) => ({ ...plain, body })));
  expect(packed).toEqual({
    ids: '{"a","a","a"}',
    bodies: Buffer.from("onethree"),
    sizes: "{3,0,5}",
    headers: null,
    delays: null,
    priorities: null,
    keyed: null,
  });
});

test("a batch of which one message says more is packed with all columns of that kind", () => {
  const body = Buffer.from("1");
  const packed = packMessages([
    { ...plain, body },
    { id: "b", body, headers: { a: "b" }, delayMs: 5, priority: 9, deduplicate: true },
  ]);
  expect(packed).toMatchObject({
    headers: String.raw`{NULL,"{\"a\":\"b\"}"}`,
    delays: "{0,5}",
    priorities: "{0,9}",
    keyed: "{false,true}",
  });
});

test.each([
  "",
  "1",
  "1.2",
  "1.2.3.4",
  "-1.2.3",
  "1.2.x",
  " 1.2.3",
  "9999999999999999.1.1",
  "1.1.2147483648",
])("%j is no receipt", (receipt) => expect(parseReceipt(receipt)).toBe(null));

test("a receipt names message, lease and holder", () => {
  expect(parseReceipt("12.3.456")).toEqual({ seq: 12, lease: 3, holder: 456 });
});
