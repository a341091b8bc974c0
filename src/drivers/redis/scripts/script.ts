import { createHash } from "node:crypto";
import { prelude } from "./prelude.ts";

/** A Lua script and the name under which a server that has seen it knows it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

/** A script of this body after the common beginning. */
export function defineScript(body: string): Script {
  const text = `${prelude}\n${body.trim()}\n`;
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}
