import { isSluiceError } from "../../core/index.ts";
import type { TriggerSpec } from "../../specs/index.ts";
import type { Resolution } from "./explanation.ts";
import { factsOf, type InFlight, rabbitmqInFlight, rabbitmqProtocol } from "./trigger-facts.ts";

/** Whether a trigger's value holds messages that workers have taken, with what is resolved of it. */
export function inFlightOf(trigger: TriggerSpec, resolution: Resolution | undefined): InFlight {
  if (trigger.type !== "rabbitmq") return factsOf(trigger)?.inFlight(trigger.metadata) ?? "unknown";
  const protocol = rabbitmqProtocol(trigger.metadata, hostOf(trigger, resolution));
  return rabbitmqInFlight(trigger.metadata, protocol);
}

/** The host as it was resolved, to see its scheme alone. */
export function hostOf(
  { metadata }: TriggerSpec,
  resolution: Resolution | undefined,
): string | undefined {
  if (resolution === undefined || isSluiceError(resolution)) return undefined;
  return resolution.parameters.host ?? resolution.env[metadata.hostFromEnv ?? ""];
}
