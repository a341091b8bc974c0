import {
  choice,
  derive,
  type Field,
  flag,
  list,
  mapping,
  object,
  optional,
  or,
  orEmpty,
  type Place,
  type Read,
  refuse,
  text,
  texts,
  whole,
} from "./field.ts";
import type {
  Container,
  ContainerResources,
  EnvFrom,
  EnvVar,
  JobSpec,
  KeyRef,
  PodTemplate,
} from "./workload.ts";

/** These objects are Kubernetes' own: what Sluice does not use is passed over. */
const isOpen = { isOpen: true } as const;

const keyRef = (kind: KeyRef["kind"]): Field<KeyRef> =>
  derive(
    object<Omit<KeyRef, "kind">>(
      {
        name: text({ isNeeded: true }),
        key: text({ isNeeded: true }),
        optional: or(flag(), false),
      },
      isOpen,
    ),
    (ref) => ({ kind, ...ref }),
  );

interface WrittenSource {
  readonly secretKeyRef: KeyRef | null;
  readonly configMapKeyRef: KeyRef | null;
  readonly fieldRef: { readonly fieldPath: string } | null;
}

interface WrittenVariable {
  readonly name: string;
  readonly value: string | null;
  readonly valueFrom: WrittenSource | null;
}

const variable: Field<EnvVar> = derive(
  object<WrittenVariable>(
    {
      name: text({ isNeeded: true }),
      value: { ...optional(text({ isSecret: true })), isBlankAbsent: false },
      valueFrom: optional(
        object<WrittenSource>(
          {
            secretKeyRef: optional(keyRef("Secret")),
            configMapKeyRef: optional(keyRef("ConfigMap")),
            fieldRef: optional(object({ fieldPath: text({ isNeeded: true }) }, isOpen)),
          },
          isOpen,
        ),
      ),
    },
    isOpen,
  ),
  toVariable,
);

function toVariable({ name, value, valueFrom }: WrittenVariable, at: Place): Read<EnvVar> {
  if (valueFrom === null) return { name, value: value ?? "" };
  if (value !== null && value !== "")
    return refuse(at, "has both value and valueFrom. Keep one of them.");
  const from = valueFrom.secretKeyRef ?? valueFrom.configMapKeyRef;
  if (from !== null) return { name, from };
  return { name, fieldPath: valueFrom.fieldRef?.fieldPath ?? "resourceFieldRef" };
}

interface WrittenEnvFrom {
  readonly prefix: string;
  readonly secretRef: { readonly name: string; readonly optional: boolean } | null;
  readonly configMapRef: { readonly name: string; readonly optional: boolean } | null;
}

const sourceRef = optional(
  object({ name: text({ isNeeded: true }), optional: or(flag(), false) }, isOpen),
);

const envFrom: Field<EnvFrom> = derive(
  object<WrittenEnvFrom>(
    { prefix: or(text(), ""), secretRef: sourceRef, configMapRef: sourceRef },
    isOpen,
  ),
  ({ prefix, secretRef, configMapRef }, at): Read<EnvFrom> => {
    const ref = secretRef ?? configMapRef;
    if (ref === null) return refuse(at, "must have secretRef or configMapRef.");
    return { kind: secretRef ? "Secret" : "ConfigMap", prefix, ...ref };
  },
);

/** Quantities are numbers or texts; only whether they are there matters. */
const amounts: Field<readonly string[]> = {
  what: "a mapping",
  schema: { type: "object" },
  absent: () => [],
  read: (value, at) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.keys(value)
      : refuse(at, "must be a mapping of quantities."),
};

const container: Field<Container> = object<Container>(
  {
    name: text({ isNeeded: true }),
    image: optional(text()),
    command: optional(list(text())),
    args: or(list(text()), []),
    workingDir: optional(text()),
    env: or(list(variable), []),
    envFrom: or(list(envFrom), []),
    resources: orEmpty(object<ContainerResources>({ requests: amounts, limits: amounts }, isOpen)),
  },
  isOpen,
);

type RestartPolicy = PodTemplate["restartPolicy"];

interface WrittenPod {
  readonly restartPolicy: RestartPolicy | null;
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly Container[];
}

interface WrittenTemplate {
  readonly metadata: { readonly labels: Readonly<Record<string, string>> };
  readonly spec: WrittenPod;
}

/** `template` of a workload. Kubernetes allows `restartPolicy` to be one of `policies`; left out it is `standard`. */
const podTemplate = (
  policies: readonly RestartPolicy[],
  standard: RestartPolicy,
): Field<PodTemplate> =>
  derive(
    object<WrittenTemplate>(
      {
        metadata: orEmpty(object({ labels: orEmpty(texts()) }, isOpen)),
        spec: object<WrittenPod>(
          {
            restartPolicy: optional(choice(policies)),
            terminationGracePeriodSeconds: or(whole(0), 30),
            containers: list(container, { isNeeded: true }),
          },
          isOpen,
        ),
      },
      isOpen,
    ),
    ({ metadata, spec }) => ({
      labels: metadata.labels,
      ...spec,
      restartPolicy: spec.restartPolicy ?? standard,
    }),
  );

/** `spec` of a Deployment or StatefulSet. */
export interface WorkloadSpec {
  readonly replicas: number | null;
  readonly template: PodTemplate;
}

export const workloadSpec: Field<WorkloadSpec> = object<WorkloadSpec>(
  { replicas: optional(whole(0)), template: podTemplate(["Always"], "Always") },
  isOpen,
);

/** `spec` of a Job, and `jobTargetRef` of a ScaledJob, which makes an absent restartPolicy OnFailure. */
export const jobSpec: Field<JobSpec> = object<JobSpec>(
  {
    parallelism: or(whole(0), 1),
    completions: optional(whole(0)),
    backoffLimit: or(whole(0), 6),
    activeDeadlineSeconds: optional(whole(1)),
    template: podTemplate(["OnFailure", "Never"], "OnFailure"),
  },
  isOpen,
);

/** `data` of a ConfigMap. */
export const configMapData: Field<Readonly<Record<string, string>>> = orEmpty(texts());

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** `data` of a Secret, decoded. Nothing of it reaches a message. */
export const secretData: Field<Readonly<Record<string, string>>> = orEmpty(
  mapping(
    derive(text({ isSecret: true }), (encoded, at): Read<string> => {
      const packed = encoded.replaceAll(/\s/g, "");
      if (base64.test(packed)) return Buffer.from(packed, "base64").toString("utf8");
      return refuse(at, "must be base64. Put plain text under stringData.");
    }),
    "a mapping of texts in base64",
  ),
);

/** `stringData` of a Secret. */
export const secretText: Field<Readonly<Record<string, string>>> = orEmpty(
  texts({ isSecret: true }),
);
