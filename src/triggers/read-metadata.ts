import { showValue } from "../core/index.ts";
import type { TriggerContext } from "../scaler/index.ts";
import { nearestTo } from "../specs/index.ts";
import { triggerInvalid } from "./failure.ts";
import type { Declaration, MetadataKey, ValuesOf } from "./metadata-key.ts";

/** Problems that one key alone does not show: `check` gets the values and tells what is wrong with them together. */
export type Check<Keys extends Declaration> = (
  values: ValuesOf<Keys>,
  context: TriggerContext,
) => readonly string[];

/**
 * The values of a trigger's metadata. Throws `TRIGGER_INVALID` with every problem, naming trigger and owner; a value that
 * came from an authentication or the environment is not shown. Unknown keys are warned of, as KEDA ignores them too.
 */
export function readMetadata<const Keys extends Declaration>(
  context: TriggerContext,
  keys: Keys,
  options: { readonly check?: Check<Keys>; readonly takesAnyKey?: boolean } = {},
): ValuesOf<Keys> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, key] of Object.entries(keys)) {
    const result = readKey(context, name, key);
    if ("problem" in result) problems.push(result.problem);
    else values[name] = result.value;
  }
  if (problems.length === 0) {
    problems.push(...(options.check?.(values as ValuesOf<Keys>, context) ?? []));
  }
  if (problems.length > 0) throw triggerInvalid(context, problems);
  if (!options.takesAnyKey) warnOfUnknown(context, keys);
  return values as ValuesOf<Keys>;
}

interface Found {
  readonly text: string;
  /** Whether an error message may show it. */
  readonly isPublic: boolean;
}

type Result = { readonly value: unknown } | { readonly problem: string };

function readKey(context: TriggerContext, name: string, key: MetadataKey<unknown>): Result {
  const found = find(context, [name, ...key.aliases], key.from);
  if (key.removed !== null) {
    return found === null ? { value: null } : { problem: `${name} is gone: ${key.removed}` };
  }
  if (found === null && key.fallback === null) {
    return key.isRequired ? { problem: missing(context, name, key) } : { value: null };
  }
  const text = found?.text ?? key.fallback ?? "";
  try {
    return { value: key.parse(text) };
  } catch (error) {
    const expected = error instanceof Error ? error.message : String(error);
    const came = found?.isPublic === false ? "something else" : showValue(text);
    return { problem: `${name} must be ${expected}; got ${came}` };
  }
}

function find(context: TriggerContext, names: readonly string[], from: string): Found | null {
  const { metadata } = context.spec;
  for (const source of from) {
    for (const name of names) {
      const isPublic = source === "M";
      const value =
        source === "M"
          ? own(metadata, name)
          : source === "A"
            ? own(context.parameters, name)
            : own(context.env, own(metadata, `${name}FromEnv`) ?? "");
      const text = value?.trim() ?? "";
      if (text !== "") return { text, isPublic };
    }
  }
  return null;
}

function own(record: Readonly<Record<string, string>>, name: string): string | undefined {
  const value: unknown = Object.hasOwn(record, name) ? record[name] : undefined;
  return typeof value === "string" ? value : undefined;
}

const places: Readonly<Record<string, (name: string) => string>> = {
  M: () => "the metadata",
  A: () => "the parameters of its authenticationRef",
  E: (name) => `a variable of the target's container that ${name}FromEnv names`,
};

function missing(context: TriggerContext, name: string, key: MetadataKey<unknown>): string {
  const variable = own(context.spec.metadata, `${name}FromEnv`);
  if (key.from.includes("E") && variable !== undefined)
    return `${name} is required, and the variable ${variable} that ${name}FromEnv names is not set in the target's container`;
  const where = [...key.from].map((source) => places[source]?.(name));
  return `${name} is required; give it in ${where.join(" or ")}`;
}

function warnOfUnknown(context: TriggerContext, keys: Declaration): void {
  const known = Object.entries(keys).flatMap(([name, { from, aliases }]) => {
    const names = [name, ...aliases];
    return [
      ...(from.includes("M") ? names : []),
      ...(from.includes("E") ? names.map((one) => `${one}FromEnv`) : []),
    ];
  });
  for (const name of Object.keys(context.spec.metadata)) {
    if (known.includes(name)) continue;
    const meant = nearestTo(name, known);
    const hint = meant === null ? {} : { meant };
    context.logger.warn("unknown key in the metadata of a trigger", {
      ...hint,
      key: name,
      type: context.spec.type,
      index: context.index,
      owner: `${context.owner.namespace}/${context.owner.name}`,
    });
  }
}
