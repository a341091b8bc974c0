import type { SluiceError } from "../../core/index.ts";
import type { ResolvedTrigger, SourcePosition, SpecSet } from "../../specs/index.ts";

/** One thing that the YAML means: `on`, `from zero`, `how many`. */
export interface Meaning {
  readonly topic: string;
  readonly text: string;
}

/** Something in the YAML that is allowed and does not do what one would think, or cannot work here. */
export interface Remark {
  /** The name of the rule, such as `idle-flaps`. */
  readonly rule: string;
  readonly severity: "error" | "warning" | "info";
  /** The way to what it is about: `["spec", "idleReplicaCount"]`. */
  readonly path: readonly (string | number)[];
  /** What it does, why, and what to write. */
  readonly text: string;
}

/** One scaled object or job in plain words. */
export interface Explanation {
  readonly kind: "ScaledObject" | "ScaledJob";
  readonly namespace: string;
  readonly name: string;
  readonly source: SourcePosition;
  readonly meaning: readonly Meaning[];
  readonly remarks: readonly (Remark & { readonly source: SourcePosition })[];
}

/** A trigger's authentication and environment, or why they cannot be had. In the order of the triggers. */
export type Resolution = ResolvedTrigger | SluiceError;

/** What an explanation is made from. */
export interface Explained<T> {
  readonly set: SpecSet;
  readonly object: T;
  readonly resolutions: readonly Resolution[];
  /** What the triggers' own declarations say of their metadata; null where nothing is wrong. */
  readonly faults?: readonly (SluiceError | null)[];
}
