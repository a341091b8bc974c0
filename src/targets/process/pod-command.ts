import { SluiceError } from "../../core/index.ts";
import {
  type Container,
  envSourceOf,
  expandVariables,
  nameOf,
  type PodTemplate,
  podTemplateOf,
  resolveContainerEnv,
  type ScaledJob,
  type ScaledObject,
  type SpecSet,
} from "../../specs/index.ts";

/** How a pod of a manifest runs as a process of this machine. */
export interface PodCommand {
  /** The executable and its arguments. */
  readonly command: readonly string[];
  /** This process's environment with the container's over it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The container's working directory, where its own command runs. */
  readonly cwd?: string;
  /** The pod's termination grace. */
  readonly graceMs: number;
}

const annotation = "sluice.dev/local-command";

/**
 * What a replica or job of an object runs on this machine: the command of its annotation `sluice.dev/local-command`,
 * or the first container's `command` and `args`, with the container's environment.
 * Throws `SPEC_REFERENCE_MISSING` where the workload or a Secret of it was not read, and `SPEC_UNSUPPORTED` where there is
 * only an image to run or more than one container.
 */
export function podCommand(
  set: SpecSet,
  owner: ScaledObject | ScaledJob,
  processEnv: Readonly<Record<string, string | undefined>> = process.env,
): PodCommand {
  const { localCommand } = owner.controls;
  const template = podTemplateOf(set, owner);
  if (template === null) {
    if (localCommand === null) throw workloadMissing(owner);
    return { command: localCommand, env: processEnv, graceMs: standardGraceMs };
  }
  const container = onlyContainer(template, owner);
  const env = containerEnv(container, { set, owner });
  return {
    ...(localCommand === null ? ownCommand(container, { env, owner }) : { command: localCommand }),
    env: { ...processEnv, ...env },
    graceMs: template.terminationGracePeriodSeconds * 1000,
  };
}

interface OwnedIn {
  readonly set: SpecSet;
  readonly owner: ScaledObject | ScaledJob;
}

function containerEnv(container: Container, { set, owner }: OwnedIn) {
  const { namespace } = owner.metadata;
  const { env, missing } = resolveContainerEnv(container, { set, namespace });
  if (missing.length === 0) return env;
  throw new SluiceError(
    "SPEC_REFERENCE_MISSING",
    `${where(owner)} needs the environment of the container ${container.name}: ${missing.join("; ")}. Give the files that hold it with -f as well.`,
  );
}

/** Kubernetes' default of terminationGracePeriodSeconds. */
const standardGraceMs = 30_000;

interface ContainerOf {
  readonly env: Readonly<Record<string, string>>;
  readonly owner: ScaledObject | ScaledJob;
}

function ownCommand(container: Container, { env, owner }: ContainerOf) {
  const { command, args, workingDir, image } = container;
  if (command === null || command.length === 0)
    throw new SluiceError(
      "SPEC_UNSUPPORTED",
      `${where(owner)} needs a command to run on this machine; the container ${container.name} has ${image === null ? "none" : `only the image ${image}`}. Add the annotation ${annotation}: "node worker.js" to the ${owner.kind}, or command to the container.`,
    );
  const values = new Map(Object.entries(env));
  const words = [...command, ...args].map((word) => expandVariables(word, values));
  return { command: words, ...(workingDir === null ? {} : { cwd: workingDir }) };
}

/** The container that is named, or the only one; with a command of the annotation only its environment counts. */
function onlyContainer({ containers }: PodTemplate, owner: ScaledObject | ScaledJob): Container {
  const name = envSourceOf(owner);
  const found = name === null ? containers[0] : containers.find((one) => one.name === name);
  const isPlain = containers.length === 1 || name !== null || owner.controls.localCommand !== null;
  if (found !== undefined && isPlain) return found;
  throw new SluiceError(
    "SPEC_UNSUPPORTED",
    `${where(owner)} needs one container to run as a process; its pods have ${containers.map((one) => one.name).join(", ")}. Name one of them with envSourceContainerName, or add the annotation ${annotation}.`,
  );
}

function workloadMissing(owner: ScaledObject | ScaledJob): SluiceError {
  const target = owner.kind === "ScaledObject" ? owner.spec.scaleTargetRef : null;
  return new SluiceError(
    "SPEC_REFERENCE_MISSING",
    `${where(owner)} needs its target ${target?.kind} ${owner.metadata.namespace}/${target?.name}, which was not read. Give the file that holds it with -f as well, or add the annotation ${annotation}: "node worker.js".`,
  );
}

function where(owner: ScaledObject | ScaledJob): string {
  return `${owner.source.file}:${owner.source.line} (${nameOf(owner)})`;
}
