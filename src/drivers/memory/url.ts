import { type Clock, type Driver, SluiceError } from "../../core/index.ts";
import { memoryDriver } from "./memory-driver.ts";

/**
 * Opens the queues that a URL names: `memory:` for queues of one's own, `memory:tests` for those that all connections
 * of this process with that name share, with `?dedup=10m`. Throws `URL_INVALID`.
 */
export async function openMemory(url: string, context: { readonly clock: Clock }): Promise<Driver> {
  const [, name, query = ""] = /^memory:([\w.-]*)(?:\?(.*))?$/.exec(url) ?? [];
  if (name === undefined) throw invalid(url, "a name of letters, digits or . _ -, or none");
  const parameters = new URLSearchParams(query);
  if (parameters.size > (parameters.has("dedup") ? 1 : 0))
    throw invalid(url, "no parameter but dedup");
  return memoryDriver({
    name,
    clock: context.clock,
    dedupWindow: parameters.get("dedup") ?? "10m",
  });
}

function invalid(url: string, expected: string): SluiceError {
  return new SluiceError(
    "URL_INVALID",
    `a memory URL has ${expected}; got ${url}. Write memory: or memory:tests.`,
  );
}
