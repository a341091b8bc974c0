import type { Period } from "./duration.ts";
import type { ObjectiveOptions } from "./objective-options.ts";

/** How many workers there may be and how many messages each shall have; fields are spelled as KEDA spells them. */
export interface ScaleOptions {
  /** Never fewer. Default 0. */
  readonly minReplicaCount?: number;
  /** Never more. Default 10. */
  readonly maxReplicaCount?: number;
  /** Messages, waiting or running, per replica. Default 5. */
  readonly messageCount?: number;
  /** From zero, workers start when there are more messages than this. Default 0. */
  readonly activationMessageCount?: number;
  /** How long there must be nothing to do before the last worker leaves: seconds, or a text. Default 10 s. */
  readonly cooldownPeriod?: Period;
  /** How long fewer workers must have been enough before any leaves: seconds, or a text. Default 3 s. */
  readonly stabilizationWindow?: Period;
  /** How often to look: seconds, or a text of at least 50ms. Default 1 s. */
  readonly pollingInterval?: Period;
  /** A wait to keep with as few workers as it takes, instead of a count for each. Minimum, maximum and polling still hold. */
  readonly objective?: ObjectiveOptions;
}
