import type { Clock, Logger } from "../../core/index.ts";
import type { Link } from "./link.ts";
import type { Publisher } from "./publisher.ts";
import type { QueueType, Topology } from "./topology.ts";

/** What every room of the driver works with. */
export interface Parts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** The URL as it may be shown. */
  readonly shownAddress: string;
  readonly queueType: QueueType;
  /** For everything but publishing. */
  readonly consuming: Link;
  readonly topology: Topology;
  readonly publisher: Publisher;
}
