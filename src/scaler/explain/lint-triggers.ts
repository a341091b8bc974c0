/** What is worth saying of single triggers, whoever owns them. */
import { isSluiceError } from "../../core/index.ts";
import {
  type ScaledJob,
  type ScaledObject,
  suggestion,
  type TriggerSpec,
} from "../../specs/index.ts";
import type { Explained, Remark, Resolution } from "./explanation.ts";
import { hostOf } from "./in-flight.ts";
import { factsOf, rabbitmqInFlight, rabbitmqProtocol, triggerFacts } from "./trigger-facts.ts";

/** Remarks on each trigger by itself. */
export function lintTriggers({
  object,
  resolutions,
  faults = [],
}: Explained<ScaledObject | ScaledJob>): readonly Remark[] {
  return object.spec.triggers.flatMap((trigger, index) => {
    const path = ["spec", "triggers", index];
    return [
      ...told("unresolved", resolutions[index], path),
      ...told("trigger-invalid", faults[index], path),
      ...unknownType(trigger, path),
      // A ScaledJob lets no one go; what its strategy makes of the value is another rule's.
      ...(object.kind === "ScaledJob"
        ? []
        : rabbitmq(trigger, { path, resolution: resolutions[index] })),
      ...artemis(trigger, path),
    ];
  });
}

type Path = Remark["path"];

/** An error that someone else has found. */
function told(rule: string, error: unknown, path: Path): readonly Remark[] {
  return isSluiceError(error) ? [{ rule, severity: "error", path, text: error.message }] : [];
}

function unknownType({ type }: TriggerSpec, path: Path): readonly Remark[] {
  const known = Object.keys(triggerFacts).filter(
    (name) => triggerFacts[name]?.isMeasured !== false,
  );
  if (known.includes(type)) return [];
  return [
    {
      rule: "unknown-trigger",
      severity: "warning",
      path: [...path, "type"],
      text: `Sluice does not measure ${JSON.stringify(type)}.${factsOf({ type }) === null ? suggestion(type, known) : ""} It measures ${known.join(", ")}, and others through external.`,
    },
  ];
}

interface RabbitmqContext {
  readonly path: Path;
  readonly resolution: Resolution | undefined;
}

function rabbitmq(trigger: TriggerSpec, { path, resolution }: RabbitmqContext): readonly Remark[] {
  if (trigger.type !== "rabbitmq") return [];
  const protocol = rabbitmqProtocol(trigger.metadata, hostOf(trigger, resolution));
  const counted = rabbitmqInFlight(trigger.metadata, protocol);
  const over = protocol === "http" ? "over HTTP with excludeUnacknowledged" : "over AMQP";
  if (counted === "included") return [];
  const text =
    counted === "excluded"
      ? `${over} the value counts ready messages alone, not those that workers have taken: it falls as soon as they take the last ones, and busy workers are let go. Over HTTP (host: http://…, the management plugin) taken ones count too.`
      : "Which protocol it speaks is the scheme of host, which is not known here. Over AMQP only ready messages count, over HTTP also those that workers have taken; the same YAML scales down differently.";
  const severity = counted === "excluded" ? "warning" : "info";
  return [{ rule: "rabbitmq-protocol", severity, path, text }];
}

function artemis(trigger: TriggerSpec, path: Path): readonly Remark[] {
  if (trigger.type !== "artemis-queue" || trigger.metadata.activationQueueLength) return [];
  return [
    {
      rule: "artemis-activation",
      severity: "warning",
      path,
      text: `activationQueueLength is not set and counts as 10, whatever KEDA's documents say: 10 messages or fewer start nothing. Write activationQueueLength: "0".`,
    },
  ];
}
