import type { ScaleOptions } from "../../core/index.ts";
import { decideByBacklog, initialBacklogState, toBacklogPolicy } from "../../scaler/index.ts";
import type { Policy } from "../engine/policy.ts";
import { decidePolicy } from "./decide.ts";

/**
 * What `sluice up` does with these options. Throws as `toBacklogPolicy` does.
 *
 * @example
 * const policy = backlogPolicy({ maxReplicaCount: 20, messageCount: 2 });
 */
export function backlogPolicy(options: ScaleOptions = {}): Policy {
  const backlog = toBacklogPolicy(options);
  return decidePolicy({
    name: `backlog ${backlog.messageCount}`,
    decide: decideByBacklog(backlog),
    initialState: initialBacklogState,
    pollingIntervalMs: backlog.pollingIntervalMs,
  });
}
