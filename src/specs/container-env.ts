import type { SpecSet } from "./spec-set.ts";
import { findObject } from "./spec-set.ts";
import type { Container, DataObject, EnvFrom, EnvVar, KeyRef } from "./workload.ts";

/** Values, and what of them could not be had. */
export interface ResolvedEnv {
  readonly env: Readonly<Record<string, string>>;
  /** One sentence each; empty when all is well. */
  readonly missing: readonly string[];
}

/** Where names are looked up. */
export interface Surroundings {
  readonly set: Pick<SpecSet, "data">;
  readonly namespace: string;
}

/**
 * The environment of a container as Kubernetes makes it: `envFrom` first, then `env` in order, each value with `$(NAME)`
 * of what stands before it expanded. Variables that only a running pod has (fieldRef) are left out, except the namespace.
 */
export function resolveContainerEnv(container: Container, where: Surroundings): ResolvedEnv {
  const env = new Map<string, string>();
  const missing: string[] = [];
  for (const source of container.envFrom) {
    const found = dataOf(source, where);
    if (found === null && !source.optional) missing.push(notRead(source, where));
    for (const [key, value] of Object.entries(found?.data ?? {}))
      env.set(`${source.prefix}${key}`, value);
  }
  for (const variable of container.env) {
    const value = variableValue(variable, { env, where, missing });
    if (value !== null) env.set(variable.name, value);
  }
  return { env: Object.fromEntries(env), missing };
}

/** The value of a key of a Secret or ConfigMap, or a sentence on why there is none. */
export function readKey(
  ref: Omit<KeyRef, "optional">,
  where: Surroundings,
): { readonly value: string } | { readonly missing: string } {
  const found = dataOf(ref, where);
  if (found === null) return { missing: notRead(ref, where) };
  const { data } = found;
  if (Object.hasOwn(data, ref.key)) return { value: data[ref.key] ?? "" };
  const keys = Object.keys(data).sort().join(", ") || "none";
  return {
    missing: `${ref.kind} ${where.namespace}/${ref.name} has no key ${ref.key}; it has ${keys}`,
  };
}

function dataOf(ref: Pick<KeyRef | EnvFrom, "kind" | "name">, where: Surroundings) {
  const { kind, name } = ref;
  return findObject<DataObject>(where.set.data, { kind, name, namespace: where.namespace });
}

function notRead(ref: Pick<KeyRef | EnvFrom, "kind" | "name">, where: Surroundings): string {
  const others = where.set.data
    .filter(({ kind, metadata }) => kind === ref.kind && metadata.name === ref.name)
    .map(({ metadata }) => metadata.namespace);
  const elsewhere = others.length > 0 ? ` (there is one in ${others.join(", ")})` : "";
  return `${ref.kind} ${where.namespace}/${ref.name} was not read${elsewhere}`;
}

interface Resolving {
  readonly env: ReadonlyMap<string, string>;
  readonly where: Surroundings;
  readonly missing: string[];
}

function variableValue(variable: EnvVar, { env, where, missing }: Resolving): string | null {
  if ("value" in variable) return expandVariables(variable.value, env);
  if ("fieldPath" in variable)
    return variable.fieldPath === "metadata.namespace" ? where.namespace : null;
  const read = readKey(variable.from, where);
  if ("value" in read) return read.value;
  if (!variable.from.optional) missing.push(`${variable.name}: ${read.missing}`);
  return null;
}

/**
 * Kubernetes' expansion: `$(NAME)` is the variable's value, or stays as it is where there is none; `$$` is a `$` that
 * begins nothing.
 */
export function expandVariables(text: string, env: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? "$" : (env.get(name) ?? whole),
  );
}
