/** `sluice.dev/objective`: a wait, or pairs such as `maxWait=30s,mode=latency`. */
import { durationOf } from "./duration-of.ts";
import { below, type Place, type Read, refuse } from "./field.ts";
import type { ObjectMeta } from "./object-meta.ts";
import { parseDecimal } from "./quantity.ts";
import type { ScaledJob } from "./scaled-job.ts";
import type { ScaledObject } from "./scaled-object.ts";
import type { MessagesPerJob, ObjectiveControl } from "./scaling-controls.ts";

const key = "sluice.dev/objective";
const modes = ["cost", "balanced", "latency"] as const;

/** How it is written, and what it means. */
const messagesPerJob: ReadonlyMap<string, MessagesPerJob> = new Map([
  ["1", "one"],
  ["many", "many"],
]);

/** What a part says; null for what it cannot be. */
type PartReader = (text: string) => Partial<ObjectiveControl> | null;

const wholeFrom1 = /^[1-9]\d{0,5}$/;

const parts: ReadonlyMap<string, PartReader> = new Map<string, PartReader>([
  ["maxWait", (text) => period(text, (maxWaitMs) => (maxWaitMs > 0 ? { maxWaitMs } : null))],
  [
    "mode",
    (text) => {
      const mode = modes.find((one) => one === text);
      return mode === undefined ? null : { mode };
    },
  ],
  ["theta", (text) => shareUpTo(1, text, (theta) => ({ theta }))],
  ["lateShare", (text) => shareUpTo(0.5, text, (lateShare) => ({ lateShare }))],
  [
    "adaptive",
    (text) => (text === "true" || text === "false" ? { adaptive: text === "true" } : null),
  ],
  ["startCost", (text) => period(text, (startCostMs) => ({ startCostMs }))],
  ["startupDelay", (text) => period(text, (startupDelayMs) => ({ startupDelayMs }))],
]);

const concurrency: PartReader = (text) =>
  wholeFrom1.test(text) ? { concurrency: Number(text) } : null;

const objectParts: ReadonlyMap<string, PartReader> = new Map<string, PartReader>([
  ...parts,
  ["concurrency", concurrency],
]);

const jobParts: ReadonlyMap<string, PartReader> = new Map<string, PartReader>([
  ...parts,
  ["concurrency", concurrency],
  [
    "messagesPerJob",
    (text) => {
      const count = messagesPerJob.get(text);
      return count === undefined ? null : { messagesPerJob: count };
    },
  ],
]);

/** What the annotation says. `at` is the place of the annotations. */
export function readObjective(
  kind: ScaledObject["kind"] | ScaledJob["kind"],
  annotations: ObjectMeta["annotations"],
  at: Place,
): Read<ObjectiveControl | null> {
  const value = annotations[key];
  if (value === undefined) return null;
  const readers = kind === "ScaledJob" ? jobParts : objectParts;
  const pairs = value.includes("=") ? value.split(",") : [`maxWait=${value}`];
  const said = pairs.map((pair) => {
    const [name, text] = splitPair(pair);
    return readers.get(name)?.(text) ?? null;
  });
  const read: Partial<ObjectiveControl> = Object.assign({ mode: "cost" }, ...said);
  const { maxWaitMs, mode = "cost" } = read;
  const isOneForEach = kind === "ScaledJob" && read.messagesPerJob !== "many";
  const isSense = !isOneForEach || (read.concurrency ?? 1) === 1;
  if (maxWaitMs !== undefined && !said.includes(null) && isSense)
    return { ...read, maxWaitMs, mode };
  const ofKind =
    kind === "ScaledJob"
      ? `messagesPerJob is ${[...messagesPerJob.keys()].join(" or ")}, and 1 without it; concurrency is how many messages a job works at a time, and more than 1 goes with messagesPerJob=many alone`
      : "concurrency is how many jobs a worker runs at a time, and 1 without it";
  return refuse(
    below(at, key),
    `must be a wait to keep, such as "30s" or "maxWait=30s,mode=latency" (mode is one of ${modes.join(", ")}; there may also be ${[...parts.keys()].slice(2).join(", ")}; ${ofKind}); got ${JSON.stringify(value)}.`,
  );
}

function period(
  text: string,
  make: (ms: number) => Partial<ObjectiveControl> | null,
): Partial<ObjectiveControl> | null {
  const ms = durationOf(text);
  return ms === null ? null : make(ms);
}

function shareUpTo(
  most: number,
  text: string,
  make: (share: number) => Partial<ObjectiveControl>,
): Partial<ObjectiveControl> | null {
  const share = parseDecimal(text);
  return share !== null && share > 0 && share <= most ? make(share) : null;
}

function splitPair(pair: string): [name: string, value: string] {
  const at = pair.indexOf("=");
  return at < 0 ? [pair.trim(), ""] : [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
}
