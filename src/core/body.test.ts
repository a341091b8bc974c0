import { describe, expect, test } from "vitest";
import { decodeBody, encodeBody, undefinedJob } from "./body.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("encodeBody", () => {
  test.each([
    [{ id: 7, name: "ü" }, '{"id":7,"name":"ü"}'],
    [null, "null"],
    [0, "0"],
    ["text", '"text"'],
    [[1, undefined], "[1,null]"],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
  ])("writes %j as JSON without a header", (value, json) => {
    const encoded = encodeBody(value, "json");
    expect(Buffer.from(encoded.body).toString()).toBe(json);
    expect(encoded.headers).toEqual({});
  });

  test("leaves bytes as they are and says what they are", () => {
    const body = new Uint8Array([0, 255, 128]);
    expect(encodeBody(body, "bytes")).toEqual({
      body,
      headers: { "content-type": "application/octet-stream" },
    });
  });

  test("writes text as UTF-8 and says what it is", () => {
    const encoded = encodeBody("Köln 🌊", "text");
    expect(new TextDecoder().decode(encoded.body)).toBe("Köln 🌊");
    expect(encoded.headers).toEqual({ "content-type": "text/plain" });
  });

  test.each([
    ["nothing as JSON", undefined, "json"],
    ["a function as JSON", () => 1, "json"],
    ["a symbol as JSON", Symbol("x"), "json"],
    ["a bigint as JSON", { id: 5n }, "json"],
    ["an object for text", {}, "text"],
    ["nothing for text", undefined, "text"],
    ["a text for bytes", "x", "bytes"],
    ["null for bytes", null, "bytes"],
    ["an array for bytes", [1, 2], "bytes"],
  ] as const)("refuses %s", (_what, value, format) => {
    expect(() => encodeBody(value, format)).toThrow(
      expect.objectContaining({ code: "INPUT_INVALID" }),
    );
  });

  test("refuses a value that contains itself and keeps the reason", () => {
    const value: Record<string, unknown> = {};
    value.self = value;
    expect(() => encodeBody(value, "json")).toThrow(
      expect.objectContaining({ code: "INPUT_INVALID", cause: expect.any(TypeError) }),
    );
  });
});

describe("decodeBody of what Sluice wrote", () => {
  test.each([
    [{ id: 7, list: [1, "ü"] }, "json"],
    ["", "json"],
    ["Köln 🌊", "text"],
    ["", "text"],
    [new Uint8Array([0, 255]), "bytes"],
    [new Uint8Array(), "bytes"],
  ] as const)("gives %j back as it was: %s", (value, format) => {
    const { body, headers } = encodeBody(value, format);
    expect(decodeBody(body, headers, format)).toEqual(value);
  });

  test("reads only its own part of a larger buffer", () => {
    const whole = Buffer.from('xx{"a":1}xx');
    expect(decodeBody(whole.subarray(2, 9), {}, "json")).toEqual({ a: 1 });
  });
});

describe("decodeBody of what others wrote", () => {
  test.each([
    ["JSON with its content type", '{"a":1}', "application/json", "json", { a: 1 }],
    ["JSON with parameters", '{"a":1}', "application/json; charset=utf-8", "json", { a: 1 }],
    ["JSON without a content type", "[1]", undefined, "json", [1]],
    [
      "JSON behind a byte order mark, as .NET writes it",
      '\ufeff{"a":1}',
      undefined,
      "json",
      { a: 1 },
    ],
    ["text for a job that expects JSON", "hello", "text/plain", "json", "hello"],
    ["text with a content type in capitals", "hello", "Text/Plain", "json", "hello"],
    ["anything for a job of text", '{"a":1}', "application/json", "text", '{"a":1}'],
    ["text that is labelled as bytes", "hello", "application/octet-stream", "text", "hello"],
  ] as const)("reads %s", (_what, body, type, format, value) => {
    const headers = type === undefined ? {} : { "content-type": type };
    expect(decodeBody(bytes(body), headers, format)).toEqual(value);
  });

  test.each([
    ["labelled as bytes", "Application/Octet-Stream", "json"],
    ["of any label, for a job of bytes", "application/json", "bytes"],
  ] as const)("gives the bytes of a body %s", (_what, type, format) => {
    const body = new Uint8Array([1, 2]);
    expect(decodeBody(body, { "content-type": type }, format)).toEqual(body);
  });

  test.each([
    ["an empty body", new Uint8Array(), "json"],
    ["half a value", bytes('{"a":'), "json"],
    ["plain words", bytes("hello"), "json"],
    ["JSON in Latin-1", Buffer.from('{"name":"Köln"}', "latin1"), "json"],
    ["text in Latin-1", Buffer.from("Köln", "latin1"), "text"],
  ] as const)("refuses %s with BODY_UNDECODABLE", (_what, body, format) => {
    expect(() => decodeBody(body, {}, format)).toThrow(
      expect.objectContaining({ code: "BODY_UNDECODABLE", retryable: false }),
    );
  });

  test("shows how a body begins, on one short line", () => {
    expect(() => decodeBody(bytes(`<xml>\n${"x".repeat(5000)}`), {}, "json")).toThrow(
      /^body must be JSON; got 5006 bytes that begin with "<xml>\\nx.{1,200}$/,
    );
  });
});

describe("undefinedJob", () => {
  test("sends bytes as bytes and anything else as JSON", async () => {
    const job = undefinedJob("any");
    const body = new Uint8Array([1]);
    expect(await job.encode(body)).toEqual(encodeBody(body, "bytes"));
    expect(await job.encode({ a: 1 })).toEqual(encodeBody({ a: 1 }, "json"));
  });
});
