/** What travels in a message's body, and what a job makes of it. */
import { isUtf8 } from "node:buffer";
import { describeError, SluiceError, showValue } from "./errors.ts";
import { bytesContentType, contentTypeHeader, type Headers } from "./message.ts";
import { checkQueueName } from "./queue.ts";

/** What a body is: `json` values, `text` (UTF-8) or plain `bytes`. */
export type BodyFormat = "json" | "text" | "bytes";

/** All of them. */
export const bodyFormats: readonly BodyFormat[] = ["json", "text", "bytes"];

/** A message's content before it has an id and a place in a queue. */
export interface EncodedJob {
  readonly body: Uint8Array;
  readonly headers: Headers;
}

/** The part of a job definition that publishing needs. */
export interface Publishable<Input> {
  readonly queue: string;
  /** Validates and encodes. Rejects with `INPUT_INVALID`. */
  encode(input: Input): Promise<EncodedJob>;
}

/** A job on a queue that nobody defined: any JSON value, or bytes as they are. */
export function undefinedJob(queue: string): Publishable<unknown> {
  return {
    queue: checkQueueName(queue),
    encode: async (input) => encodeBody(input, input instanceof Uint8Array ? "bytes" : "json"),
  };
}

/** The bytes of a value, with the header that tells what they are; JSON needs none. */
export function encodeBody(value: unknown, format: BodyFormat): EncodedJob {
  if (format === "bytes") {
    if (!(value instanceof Uint8Array))
      throw badInput("a Uint8Array, since the job's body is bytes", value);
    return { body: value, headers: { [contentTypeHeader]: bytesContentType } };
  }
  if (format === "text") {
    if (typeof value !== "string") throw badInput("a text, since the job's body is text", value);
    return { body: Buffer.from(value), headers: { [contentTypeHeader]: "text/plain" } };
  }
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
    throw new SluiceError(
      "INPUT_INVALID",
      `input must be a JSON value; it cannot be written as one (${describeError(cause)}).`,
      { cause },
    );
  }
  if (json === undefined) throw badInput("a JSON value", value);
  return { body: Buffer.from(json), headers: {} };
}

/**
 * The value of a body. A job of text or bytes gets that, whatever the content type says; any other job gets what the
 * content type names, which is JSON when it names neither text nor plain bytes. Throws `BODY_UNDECODABLE`.
 */
export function decodeBody(body: Uint8Array, headers: Headers, format: BodyFormat): unknown {
  const type = (headers[contentTypeHeader] ?? "").toLowerCase();
  if (format === "bytes") return body;
  if (format === "json" && type.startsWith(bytesContentType)) return body;
  if (!isUtf8(body)) {
    const message = `body must be UTF-8; got ${body.byteLength} bytes that are not. Publish UTF-8, or define the job with body: "bytes".`;
    throw new SluiceError("BODY_UNDECODABLE", message);
  }
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  if (format === "text" || type.startsWith("text/")) return text;
  try {
    return JSON.parse(text.startsWith("\ufeff") ? text.slice(1) : text);
  } catch (cause) {
    const message = `body must be JSON; got ${body.byteLength} bytes that begin with ${showValue(text)}. Publish JSON, or define the job with body: "text" or "bytes".`;
    throw new SluiceError("BODY_UNDECODABLE", message, { cause });
  }
}

function badInput(expected: string, came: unknown): SluiceError {
  return new SluiceError(
    "INPUT_INVALID",
    `input must be ${expected}; got ${came === null ? "null" : typeof came}.`,
  );
}
