import type { DriverCapabilities } from "../../core/index.ts";

/** The ways to end a delivery that the model knows. `retry later` has a delay, `retry` has none. */
export const endings = ["ack", "retry", "retry later", "dead-letter", "release"] as const;

/** One of {@link endings}. */
export type Ending = (typeof endings)[number];

/**
 * One thing that a consumer, publisher or operator does. Operations name messages by number, counted around what there
 * is at that point (`which`), so any part of a list of operations is a list that can be run: that makes failures small.
 */
export type Operation =
  | {
      readonly kind: "publish";
      readonly count: number;
      readonly priority: number;
      readonly isDelayed: boolean;
      /** Number of a chosen id, for deduplication; `null` for ids of their own. */
      readonly key: number | null;
    }
  | { readonly kind: "receive"; readonly max: number }
  /** Ends as many held deliveries as there are endings, in one call. */
  | { readonly kind: "settle"; readonly which: number; readonly endings: readonly Ending[] }
  /** Settles a delivery a second time. */
  | { readonly kind: "settle again"; readonly which: number; readonly ending: Ending }
  /** All dead letters, or one. */
  | { readonly kind: "redrive" | "purge dead"; readonly which: number | null }
  | { readonly kind: "depth" | "peek" | "list dead" }
  /** Lets time pass, which only a virtual clock does for real. */
  | { readonly kind: "wait"; readonly ms: number };

/** A kind of operation, how often it is drawn, and what the driver must declare for it. */
const kinds: readonly {
  readonly kind: Operation["kind"];
  readonly weight: number;
  readonly requires?: "deadLetters" | "browse";
}[] = [
  { kind: "publish", weight: 24 },
  { kind: "receive", weight: 26 },
  { kind: "settle", weight: 30 },
  { kind: "settle again", weight: 4 },
  { kind: "depth", weight: 6 },
  { kind: "redrive", weight: 4, requires: "deadLetters" },
  { kind: "purge dead", weight: 1, requires: "deadLetters" },
  { kind: "list dead", weight: 2, requires: "deadLetters" },
  { kind: "peek", weight: 3, requires: "browse" },
];

/** A list of operations that asks only for what the driver declares; the same for the same `random`. */
export function randomOperations(
  count: number,
  capabilities: DriverCapabilities,
  random: () => number,
): readonly Operation[] {
  const allowed = kinds.filter(({ requires }) => !requires || capabilities[requires] !== "none");
  const total = allowed.reduce((sum, { weight }) => sum + weight, 0);
  const below = (limit: number): number => Math.floor(random() * limit);
  return Array.from({ length: count }, () => {
    let place = random() * total;
    const drawn = allowed.find(({ weight }) => {
      place -= weight;
      return place < 0;
    });
    return randomOperation(drawn?.kind ?? "depth", capabilities, below);
  });
}

function randomOperation(
  kind: Operation["kind"],
  capabilities: DriverCapabilities,
  below: (limit: number) => number,
): Operation {
  const mayDelay = capabilities.delay !== "none";
  const possible = endings.filter((ending) => mayDelay || ending !== "retry later");
  switch (kind) {
    case "publish": {
      const chosen = capabilities.deduplication !== "none" && below(4) === 0;
      const priority = below(Math.min(capabilities.limits.maxPriority, 2) + 1);
      const isDelayed = mayDelay && below(8) === 0;
      return { kind, count: 1 + below(4), priority, isDelayed, key: chosen ? below(6) : null };
    }
    case "receive":
      return { kind, max: 1 + below(5) };
    case "settle": {
      // Each ending once at most: which of two messages retried in one call comes first is nobody's promise.
      const start = below(possible.length);
      const turned = [...possible.slice(start), ...possible.slice(0, start)];
      return { kind, which: below(100), endings: turned.slice(0, 1 + below(3)) };
    }
    case "settle again":
      return { kind, which: below(100), ending: possible[below(possible.length)] ?? "ack" };
    case "redrive":
    case "purge dead":
      return { kind, which: below(3) === 0 ? null : below(100) };
    case "wait":
      return { kind, ms: below(hourMs) };
    default:
      return { kind };
  }
}

const hourMs = 3_600_000;
