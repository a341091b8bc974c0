import type { SpecObject } from "./object-meta.ts";

/** `keda.sh/v1alpha1` TriggerAuthentication and ClusterTriggerAuthentication: one shape. */
export interface TriggerAuthentication
  extends SpecObject<"TriggerAuthentication" | "ClusterTriggerAuthentication"> {
  readonly spec: TriggerAuthenticationSpec;
}

export interface TriggerAuthenticationSpec {
  readonly podIdentity: PodIdentity | null;
  readonly secretTargetRef: readonly ParameterRef[];
  readonly configMapTargetRef: readonly ParameterRef[];
  readonly env: readonly EnvParameter[];
  /** Cluster kind only: a JSON file of parameters. */
  readonly filePath: string | null;
  /** Blocks whose values are kept by a service that Sluice does not speak to. */
  readonly elsewhere: readonly ElsewhereKind[];
}

/** The blocks of an authentication that need a vault or a token service, in the order in which KEDA asks them. */
export const elsewhereKinds = [
  "hashiCorpVault",
  "azureKeyVault",
  "gcpSecretManager",
  "awsSecretManager",
  "boundServiceAccountToken",
  "oauth2",
] as const;

/** One of {@link elsewhereKinds}. */
export type ElsewhereKind = (typeof elsewhereKinds)[number];

export interface PodIdentity {
  readonly provider: "azure-workload" | "gcp" | "aws" | "aws-eks" | "none";
  readonly identityId: string | null;
  readonly identityTenantId: string | null;
  readonly identityAuthorityHost: string | null;
  readonly roleArn: string | null;
  readonly externalID: string | null;
  readonly identityOwner: "keda" | "workload" | null;
}

export interface ParameterRef {
  readonly parameter: string;
  readonly name: string;
  readonly key: string;
}

export interface EnvParameter {
  readonly parameter: string;
  readonly name: string;
  readonly containerName: string | null;
}
