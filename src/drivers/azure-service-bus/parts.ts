import type { Clock, Logger } from "../../core/index.ts";
import type { Link } from "./link.ts";
import type { Publisher } from "./publisher.ts";
import type { Queues } from "./queues.ts";
import type { Throttle } from "./throttle.ts";

/** What every room of the driver works with. */
export interface Parts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The namespace as it may be shown. */
  readonly namespace: string;
  readonly link: Link;
  readonly throttle: Throttle;
  readonly queues: Queues;
  readonly publisher: Publisher;
}
