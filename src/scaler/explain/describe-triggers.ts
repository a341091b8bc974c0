import { isSluiceError } from "../../core/index.ts";
import type { ScaledJob, ScaledObject, SpecSet, TriggerSpec } from "../../specs/index.ts";
import type { Explained, Meaning } from "./explanation.ts";
import { factsOf, type KeyWithDefault } from "./trigger-facts.ts";

/** What each trigger reads, and by which secrets. */
export function describeTriggers({
  set,
  object,
  resolutions,
}: Explained<ScaledObject | ScaledJob>): readonly Meaning[] {
  return object.spec.triggers.flatMap((trigger, index) => {
    const name = trigger.name === "" ? "" : ` "${trigger.name}"`;
    const reads = `${trigger.type}${name}: reads ${factsOf(trigger)?.measures(trigger.metadata) ?? "what its type says"}`;
    const login = describeLogin(trigger, { set, object, resolutions }, index);
    return [
      { topic: index === 0 ? "on" : "and on", text: reads },
      ...(login === null ? [] : [{ topic: "with", text: login }]),
    ];
  });
}

/** The value of a key, or what counts without it; null where it cannot be known. */
export function valueOfKey({ metadata }: TriggerSpec, key: KeyWithDefault | null): string | null {
  if (key === null) return null;
  return (metadata[key.key] ?? "").trim() || key.standard;
}

function describeLogin(
  { authenticationRef: ref }: TriggerSpec,
  { set, object, resolutions }: Explained<ScaledObject | ScaledJob>,
  index: number,
): string | null {
  if (ref === null) return null;
  const resolution = resolutions[index];
  if (isSluiceError(resolution)) return `${ref.kind} ${ref.name}, which cannot be resolved`;
  const { namespace } = object.metadata;
  const found = set.authentications.find(
    ({ kind, metadata }) =>
      kind === ref.kind &&
      metadata.name === ref.name &&
      (kind === "ClusterTriggerAuthentication" || metadata.namespace === namespace),
  );
  const parts = found === undefined ? [] : sources(found.spec);
  return `${ref.kind} ${ref.name}: ${parts.join(", ") || "nothing"} (values are not shown)`;
}

type AuthenticationSpec = SpecSet["authentications"][number]["spec"];

function sources(spec: AuthenticationSpec): readonly string[] {
  const { secretTargetRef, configMapTargetRef, env, filePath, podIdentity } = spec;
  return [
    ...env.map((one) => `${one.parameter} from the variable ${one.name}`),
    ...(filePath === null ? [] : [`all in the file ${filePath}`]),
    ...configMapTargetRef.map(
      (one) => `${one.parameter} from ConfigMap ${one.name}, key ${one.key}`,
    ),
    ...secretTargetRef.map((one) => `${one.parameter} from Secret ${one.name}, key ${one.key}`),
    ...(podIdentity === null ? [] : [`the pod's identity (${podIdentity.provider})`]),
  ];
}
