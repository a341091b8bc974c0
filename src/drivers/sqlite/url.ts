import { type Clock, type Driver, type Logger, redactUrl, SluiceError } from "../../core/index.ts";
import { sqliteDriver } from "./driver.ts";

/**
 * Opens the queue file that a URL names: `sqlite:jobs.db` (beside the working directory), `sqlite:/var/lib/jobs.db` or
 * `sqlite:///var/lib/jobs.db`, with `?synchronous=full|normal` and `?dedup=10m`. Throws `URL_INVALID`.
 */
export async function openSqlite(
  url: string,
  context: { readonly clock: Clock; readonly logger: Logger; readonly create: boolean },
): Promise<Driver> {
  const [address = "", query = ""] = url.slice("sqlite:".length).split("?", 2);
  const path = decode(address.startsWith("//") ? address.slice(2) : address, url);
  if (path === "" || path === ":memory:")
    throw invalid(
      url,
      "a file name",
      "Write sqlite:jobs.db, or use memory: for a queue without a file",
    );
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys()) {
    if (name !== "synchronous" && name !== "dedup")
      throw invalid(url, "no parameter but synchronous and dedup", `Remove ${name}`);
  }
  const synchronous = parameters.get("synchronous") ?? "full";
  if (synchronous !== "full" && synchronous !== "normal")
    throw invalid(url, "synchronous=full or synchronous=normal", "Correct it");
  return sqliteDriver({
    path,
    synchronous,
    dedupWindow: parameters.get("dedup") ?? "10m",
    ...context,
  });
}

function decode(path: string, url: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new SluiceError(
      "URL_INVALID",
      `${redactUrl(url)} has a % that is not followed by two hexadecimal digits. Write %25 for a plain %.`,
      { cause },
    );
  }
}

function invalid(url: string, expected: string, fix: string): SluiceError {
  return new SluiceError(
    "URL_INVALID",
    `a sqlite URL has ${expected}; got ${redactUrl(url)}. ${fix}.`,
  );
}
