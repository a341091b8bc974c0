import type { SpecObject } from "./object-meta.ts";

/** `apps/v1` Deployment or StatefulSet. */
export interface Workload extends SpecObject<"Deployment" | "StatefulSet"> {
  /** The count that the file asks for; null where it leaves it to others. */
  readonly replicas: number | null;
  readonly template: PodTemplate;
}

/** `batch/v1` Job. */
export interface Job extends SpecObject<"Job"> {
  readonly spec: JobSpec;
}

export interface JobSpec {
  readonly parallelism: number;
  readonly completions: number | null;
  readonly backoffLimit: number;
  readonly activeDeadlineSeconds: number | null;
  readonly template: PodTemplate;
}

export interface PodTemplate {
  readonly labels: Readonly<Record<string, string>>;
  readonly restartPolicy: "Always" | "OnFailure" | "Never";
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly Container[];
}

export interface Container {
  readonly name: string;
  readonly image: string | null;
  readonly command: readonly string[] | null;
  readonly args: readonly string[];
  readonly workingDir: string | null;
  readonly env: readonly EnvVar[];
  readonly envFrom: readonly EnvFrom[];
  readonly resources: ContainerResources;
}

/** The resources, such as `cpu`, that a container requests and is limited to. */
export interface ContainerResources {
  readonly requests: readonly string[];
  readonly limits: readonly string[];
}

/** A variable, or where its value is kept. One that only a cluster can fill has the path of the pod's field. */
export type EnvVar =
  | { readonly name: string; readonly value: string }
  | { readonly name: string; readonly from: KeyRef }
  | { readonly name: string; readonly fieldPath: string };

export interface KeyRef {
  readonly kind: "Secret" | "ConfigMap";
  readonly name: string;
  readonly key: string;
  readonly optional: boolean;
}

export interface EnvFrom {
  readonly kind: "Secret" | "ConfigMap";
  readonly name: string;
  readonly prefix: string;
  readonly optional: boolean;
}

/** `v1` Secret or ConfigMap, decoded. */
export interface DataObject extends SpecObject<"Secret" | "ConfigMap"> {
  readonly data: Readonly<Record<string, string>>;
}
