import {
  about,
  below,
  choice,
  derive,
  type Field,
  invalid,
  list,
  type Members,
  object,
  optional,
  or,
  orEmpty,
  type Place,
  type Read,
  refuse,
  text,
  texts,
} from "./field.ts";
import {
  type EnvParameter,
  elsewhereKinds,
  type ParameterRef,
  type PodIdentity,
  type TriggerAuthenticationSpec,
} from "./trigger-authentication.ts";

const needed = text({ isNeeded: true });

const parameterRef: Field<ParameterRef> = object<ParameterRef>({
  parameter: about("The parameter of the trigger that gets the value.", needed),
  name: needed,
  key: needed,
});

const envParameter: Field<EnvParameter> = object<EnvParameter>({
  parameter: needed,
  name: about("The variable of the target's container.", needed),
  containerName: optional(text()),
});

/** An empty text stands apart from an absent one here, since KEDA refuses it. */
const maybeBlank: Field<string | null> = { ...optional(text()), isBlankAbsent: false };

const podIdentity: Field<PodIdentity> = derive(
  object<PodIdentity>({
    provider: choice(["azure-workload", "gcp", "aws", "aws-eks", "none"]),
    identityId: maybeBlank,
    identityTenantId: maybeBlank,
    identityAuthorityHost: optional(text()),
    roleArn: optional(text()),
    externalID: optional(text()),
    identityOwner: optional(choice(["keda", "workload"])),
  }),
  checkPodIdentity,
);

function checkPodIdentity(identity: PodIdentity, at: Place): Read<PodIdentity> {
  const problems = identityProblems(identity);
  for (const [key, message] of problems) refuse(below(at, key), message);
  return problems.length > 0 ? invalid : identity;
}

type KeyProblem = readonly [key: string, message: string];

function identityProblems(identity: PodIdentity): readonly KeyProblem[] {
  const { provider, identityId, identityTenantId, identityAuthorityHost } = identity;
  const { roleArn, externalID, identityOwner } = identity;
  const problems: KeyProblem[] = [];
  if (provider === "azure-workload") {
    if (identityId === "") problems.push(["identityId", "is empty. Leave the key out."]);
    if (identityAuthorityHost !== null && !identityTenantId)
      problems.push(["identityTenantId", "is needed with identityAuthorityHost."]);
    else if (identityTenantId === "")
      problems.push(["identityTenantId", "is empty. Leave the key out."]);
  }
  if (provider === "aws") {
    if (roleArn !== null && identityOwner === "workload")
      problems.push(["roleArn", "cannot stand with identityOwner workload. Keep one of them."]);
    if (externalID !== null && roleArn === null)
      problems.push(["externalID", "needs roleArn beside it."]);
  }
  return problems;
}

/** Only the shape of these is read: they need a service that Sluice does not speak to. */
const valueFromSecret = orEmpty(
  object({
    valueFrom: object({ secretKeyRef: object({ name: needed, key: needed }) }),
  }),
);
const cloudIdentity = optional(podIdentity);

const hashiCorpVault = object({
  address: needed,
  authentication: choice(["token", "kubernetes"]),
  namespace: optional(text()),
  role: optional(text()),
  mount: optional(text()),
  credential: optional(
    object({
      token: optional(text({ isSecret: true })),
      serviceAccount: optional(text()),
      serviceAccountName: optional(text()),
    }),
  ),
  secrets: list(
    object({
      parameter: needed,
      path: needed,
      key: needed,
      type: optional(choice(["secretV2", "secret", "pki"])),
      pkiData: optional(object({}, { isOpen: true })),
    }),
    { isNeeded: true },
  ),
});

const azureKeyVault = object({
  vaultUri: needed,
  secrets: list(object({ parameter: needed, name: needed, version: optional(text()) })),
  credentials: optional(
    object({ clientId: needed, tenantId: needed, clientSecret: valueFromSecret }),
  ),
  podIdentity: cloudIdentity,
  cloud: optional(object({}, { isOpen: true })),
});

const gcpSecretManager = object({
  secrets: list(object({ parameter: needed, id: needed, version: or(text(), "latest") })),
  credentials: optional(object({ clientSecret: valueFromSecret })),
  podIdentity: cloudIdentity,
});

const awsSecretManager = object({
  secrets: list(
    object({
      parameter: needed,
      name: needed,
      versionId: optional(text()),
      versionStage: optional(text()),
      secretKey: optional(text()),
    }),
  ),
  credentials: optional(
    object({
      accessKey: valueFromSecret,
      accessSecretKey: valueFromSecret,
      accessToken: optional(object({}, { isOpen: true })),
    }),
  ),
  podIdentity: cloudIdentity,
  region: optional(text()),
});

interface WrittenOauth2 {
  readonly type: "clientCredentials" | null;
  readonly clientId: string;
  readonly clientSecret: unknown;
  readonly tokenUrl: string;
  readonly scopes: readonly string[];
  readonly tokenUrlParams: Readonly<Record<string, string>>;
}

const oauth2 = object<WrittenOauth2>({
  type: optional(choice(["clientCredentials"])),
  clientId: or(text(), ""),
  clientSecret: valueFromSecret,
  tokenUrl: or(text(), ""),
  scopes: or(list(text()), []),
  tokenUrlParams: orEmpty(texts()),
});

interface WrittenSpec extends Omit<TriggerAuthenticationSpec, "elsewhere"> {
  readonly hashiCorpVault: object | null;
  readonly azureKeyVault: object | null;
  readonly gcpSecretManager: object | null;
  readonly awsSecretManager: object | null;
  readonly boundServiceAccountToken: object | null;
  readonly oauth2: WrittenOauth2 | null;
}

const members: Members<WrittenSpec> = {
  podIdentity: optional(podIdentity),
  secretTargetRef: or(list(parameterRef), []),
  configMapTargetRef: or(list(parameterRef), []),
  env: or(list(envParameter), []),
  filePath: about(
    "ClusterTriggerAuthentication only: a JSON file of parameters.",
    optional(text()),
  ),
  hashiCorpVault: optional(hashiCorpVault),
  azureKeyVault: optional(azureKeyVault),
  gcpSecretManager: optional(gcpSecretManager),
  awsSecretManager: optional(awsSecretManager),
  boundServiceAccountToken: optional(
    list(object({ parameter: needed, serviceAccountName: needed })),
  ),
  oauth2: optional(oauth2),
};

/** `spec` of a TriggerAuthentication or ClusterTriggerAuthentication. */
export const authenticationSpec: Field<TriggerAuthenticationSpec> = derive(
  object<WrittenSpec>(members),
  (written, at): Read<TriggerAuthenticationSpec> => {
    if (!checkOauth2(written, below(at, "oauth2"))) return invalid;
    const { podIdentity: identity, secretTargetRef, configMapTargetRef, env, filePath } = written;
    const elsewhere = elsewhereKinds.filter((kind) => written[kind] !== null);
    return { podIdentity: identity, secretTargetRef, configMapTargetRef, env, filePath, elsewhere };
  },
);

/** KEDA looks at oauth2 only where no podIdentity of these kinds stands beside it: its validation has returned before. */
const uncheckedBeside: ReadonlySet<string> = new Set(["gcp", "none", "aws-eks"]);

function checkOauth2({ oauth2: given, podIdentity: beside }: WrittenSpec, at: Place): boolean {
  if (given === null || uncheckedBeside.has(beside?.provider ?? "")) return true;
  const problems: KeyProblem[] = [];
  if (given.clientId === "") problems.push(["clientId", "is missing."]);
  if (!isHttpUrl(given.tokenUrl))
    problems.push(["tokenUrl", "must be a URL that begins with http:// or https://."]);
  for (const [key, message] of problems) refuse(below(at, key), message);
  return problems.length === 0;
}

function isHttpUrl(value: string): boolean {
  return /^https?:\/\//i.test(value) && URL.canParse(value);
}
