import { createHash } from "node:crypto";
import { type KeyName, keyNames } from "../keys.ts";
import { prelude } from "./prelude.ts";

/** A Lua script and the name under which a server that has seen it knows it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
  /** The keys of a queue that it takes, in this order. */
  readonly keys: readonly KeyName[];
}

/** A script of this body, which uses keys of a queue and parts of the {@link prelude} by their names. */
export function defineScript(body: string): Script {
  let code = body.trim();
  for (const [name, part] of Object.entries(prelude).reverse())
    if (mentions(code, name)) code = `${part.trim()}\n${code}`;
  const keys = keyNames.filter((name) => mentions(code, name));
  const text = `local ${keys.join(", ")} = unpack(KEYS)\n${code}\n`;
  return { text, sha: createHash("sha1").update(text).digest("hex"), keys };
}

function mentions(code: string, name: string): boolean {
  return new RegExp(`\\b${name}\\b`).test(code);
}
