import { createId, type Driver, type OutgoingMessage } from "../../core/index.ts";

/** A message with everything at its default but what is given. A text body is UTF-8. */
export function outgoing(
  body: string | Uint8Array,
  fields: Partial<Omit<OutgoingMessage, "body">> = {},
): OutgoingMessage {
  return {
    id: createId(Date.now()),
    body: typeof body === "string" ? new TextEncoder().encode(body) : body,
    headers: {},
    delayMs: 0,
    priority: 0,
    deduplicate: false,
    ...fields,
  };
}

/** Publishes texts in one call; resolves with their ids. */
export function publishTexts(
  driver: Driver,
  queue: string,
  texts: readonly string[],
  fields: Partial<Omit<OutgoingMessage, "body" | "id">> = {},
): Promise<readonly string[]> {
  return driver.publish(
    queue,
    texts.map((text) => outgoing(text, fields)),
  );
}

/** The text of a body. */
export function textOf(message: { readonly body: Uint8Array }): string {
  return new TextDecoder().decode(message.body);
}

/** The texts of bodies. */
export function textsOf(messages: readonly { readonly body: Uint8Array }[]): readonly string[] {
  return messages.map(textOf);
}

/** `count` texts: `prefix0`, `prefix1`, … */
export function numbered(count: number, prefix = ""): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}
