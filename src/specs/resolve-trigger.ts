import { readFile } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { describeError, SluiceError } from "../core/index.ts";
import { readKey, resolveContainerEnv, type Surroundings } from "./container-env.ts";
import type { ScaledJob } from "./scaled-job.ts";
import type { ScaledObject } from "./scaled-object.ts";
import { findObject, nameOf, type SpecSet } from "./spec-set.ts";
import type {
  EnvParameter,
  ParameterRef,
  PodIdentity,
  TriggerAuthentication,
} from "./trigger-authentication.ts";
import type { TriggerSpec } from "./trigger-spec.ts";
import type { Container, PodTemplate } from "./workload.ts";

/** What a trigger needs besides its own metadata. */
export interface ResolvedTrigger {
  /** What the authenticationRef resolved to; empty without one. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly podIdentity: PodIdentity | null;
  /** The environment of the target's container where a `...FromEnv` asks for it, else empty. */
  readonly env: Readonly<Record<string, string>>;
}

/** Where things are that no file of specs says. */
export interface ResolveOptions {
  /** The namespace whose Secrets a ClusterTriggerAuthentication reads: KEDA's own. Default `keda`. */
  readonly clusterNamespace?: string;
  /** The folder that a `filePath` is read below. Without one, `filePath` is refused. */
  readonly authenticationRoot?: string;
  /** What a local command gets where no workload was read. Default: this process's environment. */
  readonly processEnv?: Readonly<Record<string, string | undefined>>;
}

/**
 * Resolves what a trigger of an object refers to, in KEDA's order: environment, file (which ends it), ConfigMaps, Secrets;
 * later ones win. Where KEDA would log and go on without a value, this throws, with everything that is missing:
 * `SPEC_REFERENCE_MISSING`, or `SPEC_UNSUPPORTED` for vaults and token services.
 */
export async function resolveTrigger(
  set: SpecSet,
  owner: ScaledObject | ScaledJob,
  trigger: TriggerSpec,
  options: ResolveOptions = {},
): Promise<ResolvedTrigger> {
  const scope = new Scope(set, owner, { trigger, options });
  const wantsEnv = Object.keys(trigger.metadata).some((key) => key.endsWith("FromEnv"));
  const env = (wantsEnv ? scope.envOf(null) : null) ?? {};
  const { authenticationRef: ref } = trigger;
  const authentication = ref === null ? null : scope.authentication(ref);
  const parameters = authentication === null ? {} : await scope.parametersOf(authentication);
  scope.check();
  const identity = authentication?.spec.podIdentity ?? null;
  return { parameters, env, podIdentity: identity?.provider === "none" ? null : identity };
}

interface ScopeOptions {
  readonly trigger: TriggerSpec;
  readonly options: ResolveOptions;
}

/** One trigger's view of what was read; gathers what is missing. */
class Scope {
  readonly #set: SpecSet;
  readonly #owner: ScaledObject | ScaledJob;
  readonly #trigger: TriggerSpec;
  readonly #options: ResolveOptions;
  readonly #missing = new Set<string>();

  constructor(set: SpecSet, owner: ScaledObject | ScaledJob, { trigger, options }: ScopeOptions) {
    this.#set = set;
    this.#owner = owner;
    this.#trigger = trigger;
    this.#options = options;
  }

  /** Throws if anything was missing. */
  check(): void {
    if (this.#missing.size === 0) return;
    throw new SluiceError(
      "SPEC_REFERENCE_MISSING",
      `${this.#where()} needs what is not there: ${[...this.#missing].join("; ")}. Give the files that hold it with -f as well, or correct the name.`,
    );
  }

  #where(): string {
    const index = this.#owner.spec.triggers.indexOf(this.#trigger);
    const { file, line } = this.#set.locate(this.#owner, ["spec", "triggers", index]);
    return `${file}:${line} (${nameOf(this.#owner)}) trigger ${index} (${this.#trigger.type})`;
  }

  authentication(ref: NonNullable<TriggerSpec["authenticationRef"]>) {
    const { namespace } = this.#owner.metadata;
    const isCluster = ref.kind === "ClusterTriggerAuthentication";
    const found = isCluster
      ? this.#set.authentications.find(
          ({ kind, metadata }) => kind === ref.kind && metadata.name === ref.name,
        )
      : findObject(this.#set.authentications, { ...ref, namespace });
    if (found) return found;
    this.#missing.add(`${ref.kind} ${isCluster ? "" : `${namespace}/`}${ref.name} was not read`);
    return null;
  }

  async parametersOf(authentication: TriggerAuthentication) {
    const { env, filePath, configMapTargetRef, secretTargetRef, elsewhere } = authentication.spec;
    const parameters = new Map<string, string>();
    for (const parameter of env) parameters.set(parameter.parameter, this.#fromEnv(parameter));
    if (filePath !== null) {
      const read = await this.#fromFile(filePath, authentication);
      return Object.fromEntries([...parameters, ...Object.entries(read)]);
    }
    if (elsewhere.length > 0) throw this.#refusal(authentication);
    const where = this.#dataOf(authentication);
    for (const ref of configMapTargetRef) this.#fromData("ConfigMap", ref, { where, parameters });
    for (const ref of secretTargetRef) this.#fromData("Secret", ref, { where, parameters });
    return Object.fromEntries(parameters);
  }

  #dataOf({ kind, metadata }: TriggerAuthentication): Surroundings {
    const isCluster = kind === "ClusterTriggerAuthentication";
    const namespace = isCluster ? (this.#options.clusterNamespace ?? "keda") : metadata.namespace;
    return { set: this.#set, namespace };
  }

  #fromData(
    kind: "Secret" | "ConfigMap",
    { parameter, name, key }: ParameterRef,
    { where, parameters }: { where: Surroundings; parameters: Map<string, string> },
  ): void {
    const read = readKey({ kind, name, key }, where);
    if ("value" in read) parameters.set(parameter, read.value);
    else this.#missing.add(`${parameter}: ${read.missing}`);
  }

  #fromEnv({ parameter, name, containerName }: EnvParameter): string {
    const env = this.envOf(containerName);
    const value = env?.[name];
    if (env !== null && value === undefined)
      this.#missing.add(`${parameter}: the container of the target has no variable ${name}`);
    return value ?? "";
  }

  /**
   * The environment of a container of the target, null where it cannot be had. Without a name it is the container that
   * the spec names, or the first.
   */
  envOf(containerName: string | null): Readonly<Record<string, string>> | null {
    const { namespace } = this.#owner.metadata;
    const template = podTemplateOf(this.#set, this.#owner);
    if (template === null) return this.#envWithoutWorkload();
    const name = containerName ?? envSourceOf(this.#owner);
    const container = pickContainer(template, name);
    if (container === null) {
      const names = template.containers.map((one) => one.name).join(", ");
      this.#missing.add(`the target has no container ${name}; it has ${names}`);
      return null;
    }
    const { env, missing } = resolveContainerEnv(container, { set: this.#set, namespace });
    for (const one of missing) this.#missing.add(one);
    return env;
  }

  #envWithoutWorkload(): Readonly<Record<string, string>> | null {
    const env = this.#options.processEnv ?? process.env;
    // A command of this machine without a manifest runs in the environment of whoever starts it.
    if (this.#owner.controls.localCommand !== null)
      return Object.fromEntries(Object.entries(env).flatMap(toPair));
    if (this.#owner.kind === "ScaledObject") {
      const { kind, name } = this.#owner.spec.scaleTargetRef;
      this.#missing.add(`${kind} ${this.#owner.metadata.namespace}/${name} was not read`);
    }
    return null;
  }

  async #fromFile(filePath: string, authentication: TriggerAuthentication) {
    const root = this.#options.authenticationRoot;
    const unusable = (why: string, cause?: unknown): SluiceError =>
      new SluiceError(
        root === undefined ? "SPEC_UNSUPPORTED" : "SPEC_REFERENCE_MISSING",
        `${nameOf(authentication)}: filePath ${JSON.stringify(filePath)} ${why}`,
        { cause },
      );
    if (root === undefined)
      throw unusable("needs a folder to read below, which was not given. Use secretTargetRef.");
    const path = resolve(root, `./${filePath}`);
    if (relative(root, path).startsWith("..")) throw unusable("must not lead out of its folder.");
    try {
      return toParameters(JSON.parse(await readFile(path, "utf8")));
    } catch (error) {
      // The text of a JSON error may quote the file, which holds secrets.
      if (error instanceof SyntaxError)
        throw unusable("must be a JSON object of texts; it is none.");
      throw unusable(`must be a JSON object of texts: ${describeError(error)}.`, error);
    }
  }

  #refusal(authentication: TriggerAuthentication): SluiceError {
    const { file, line } = authentication.source;
    return new SluiceError(
      "SPEC_UNSUPPORTED",
      `${file}:${line} (${nameOf(authentication)}) must keep its values in Secrets, ConfigMaps or the environment here; it has ${authentication.spec.elsewhere.join(", ")}. Give the value with secretTargetRef and a Secret, in a file for this machine alone.`,
    );
  }
}

function toParameters(value: unknown): Readonly<Record<string, string>> {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : null;
  if (entries === null || Array.isArray(value)) throw new SyntaxError("no object");
  return Object.fromEntries(
    entries.map(([key, one]: [string, unknown]) => {
      if (typeof one !== "string") throw new SyntaxError("no text");
      return [key, one];
    }),
  );
}

function toPair([key, value]: readonly [string, string | undefined]): [string, string][] {
  return value === undefined ? [] : [[key, value]];
}

/** The pods of what an object scales, or null where the workload was not read. */
export function podTemplateOf(
  set: Pick<SpecSet, "workloads">,
  owner: ScaledObject | ScaledJob,
): PodTemplate | null {
  if (owner.kind === "ScaledJob") return owner.spec.jobTargetRef.template;
  const { kind, name } = owner.spec.scaleTargetRef;
  const { namespace } = owner.metadata;
  return findObject(set.workloads, { kind, name, namespace })?.template ?? null;
}

/** The container whose environment counts, where the spec names one. */
export function envSourceOf(owner: ScaledObject | ScaledJob): string | null {
  return owner.kind === "ScaledJob"
    ? owner.spec.envSourceContainerName
    : owner.spec.scaleTargetRef.envSourceContainerName;
}

function pickContainer({ containers }: PodTemplate, name: string | null): Container | null {
  const found = name === null ? containers[0] : containers.find((one) => one.name === name);
  return found ?? null;
}
