import { SluiceError } from "../core/index.ts";
import type { CreateTrigger, TriggerContext } from "../scaler/index.ts";
import { placeOf } from "./failure.ts";
import { nearMiss } from "./near-miss.ts";
import type { TriggerType } from "./trigger-type.ts";

/** The types of trigger by name, each loaded when a spec first names it. */
const loaders: Readonly<Record<string, () => Promise<TriggerType>>> = {
  rabbitmq: async () => (await import("./rabbitmq/rabbitmq.ts")).rabbitmq,
  postgresql: async () => (await import("./postgresql/postgresql.ts")).postgresql,
};

/** The names of all types, in alphabetical order. */
export const triggerTypeNames: readonly string[] = Object.keys(loaders).sort();

/** Every type with what it declares, for documents and schema. */
export function loadTriggerTypes(): Promise<readonly TriggerType[]> {
  return Promise.all(triggerTypeNames.map((name) => loaders[name]?.() as Promise<TriggerType>));
}

/** Builds the trigger of a spec. */
export const createTrigger: CreateTrigger = async (context) => {
  const { type } = context.spec;
  const load = Object.hasOwn(loaders, type) ? loaders[type] : undefined;
  if (load === undefined) throw unknownType(context);
  return (await load()).create(context);
};

function unknownType(context: TriggerContext): SluiceError {
  const meant = nearMiss(context.spec.type, triggerTypeNames);
  const hint = meant === null ? "" : ` Did you mean ${meant}?`;
  const message = `${placeOf(context)}: no such type.${hint} There are ${triggerTypeNames.join(", ")}. Any other source can be read through external.`;
  return new SluiceError("TRIGGER_UNKNOWN", message);
}
