import { invalid, isMapping, type Path, type Place } from "./field.ts";
import { kindReaders } from "./kinds.ts";
import type { SourcePosition } from "./object-meta.ts";
import type { ScaledJob } from "./scaled-job.ts";
import type { ScaledObject } from "./scaled-object.ts";
import { checkTogether } from "./set-rules.ts";
import { formatPath, SpecError, type SpecProblem } from "./spec-problem.ts";
import { type AnySpec, nameOf, type SpecSet } from "./spec-set.ts";
import type { TriggerAuthentication } from "./trigger-authentication.ts";
import type { DataObject, Job, Workload } from "./workload.ts";
import { readYaml, type YamlDocument } from "./yaml-documents.ts";

/** A file's name and what it holds. */
export interface SpecText {
  /** For messages; `-` is standard input. */
  readonly file: string;
  readonly text: string;
}

/**
 * Reads the objects of one text, YAML of any number of documents or JSON.
 * Throws a {@link SpecError} (`SPEC_INVALID`) with everything that is wrong, and never anything else.
 */
export function parseSpecs(text: string, file: string): SpecSet {
  return parseAll([{ file, text }]);
}

/** Reads texts that belong together, as {@link parseSpecs} does one. */
export function parseAll(texts: readonly SpecText[]): SpecSet {
  const findings = new Findings();
  for (const text of texts) readText(text, findings);
  const set = toSpecSet(findings);
  checkTogether(set, (object) => findings.placeOf(object));
  if (findings.problems.length > 0) throw new SpecError(findings.problems, findings.warnings);
  return set;
}

/** Where an object stands within its document. */
interface Origin {
  readonly file: string;
  readonly document: YamlDocument;
  /** The way to the object; empty unless it is an item of a List. */
  readonly base: Path;
}

/** Collects objects and all there is to say of them. */
class Findings {
  readonly objects: AnySpec[] = [];
  readonly problems: SpecProblem[] = [];
  readonly warnings: SpecProblem[] = [];
  readonly notes: SpecProblem[] = [];
  readonly #origins = new Map<AnySpec, Origin>();

  add(object: AnySpec, origin: Origin): void {
    this.objects.push(object);
    this.#origins.set(object, origin);
  }

  locate(object: AnySpec, path: Path): SourcePosition {
    const origin = this.#origins.get(object);
    return origin === undefined ? object.source : positionOf(origin, path);
  }

  /** A place whose reports land here. */
  place(origin: Origin, object: string | null): Place {
    const problem = (path: Path, message: string): SpecProblem => ({
      source: positionOf(origin, path),
      object,
      path: formatPath(path),
      message,
    });
    return {
      path: [],
      report: {
        error: (path, message) => this.problems.push(problem(path, message)),
        warn: (path, message) => this.warnings.push(problem(path, message)),
      },
    };
  }

  placeOf(object: AnySpec): Place | null {
    const origin = this.#origins.get(object);
    return origin === undefined ? null : this.place(origin, nameOf(object));
  }

  note(origin: Origin, message: string): void {
    const source = positionOf(origin, []);
    this.notes.push({ source, object: null, path: "", message });
  }
}

function positionOf({ file, document, base }: Origin, path: Path): SourcePosition {
  return { file, document: document.number, line: document.lineOf([...base, ...path]) };
}

function readText({ file, text }: SpecText, findings: Findings): void {
  const { documents, troubles } = readYaml(text);
  for (const { document, line, message } of troubles)
    findings.problems.push({
      source: { file, document, line },
      object: null,
      path: "",
      message: `is no YAML or JSON: ${message}`,
    });
  for (const document of documents)
    readDocument(document.value, { file, document, base: [] }, findings);
}

function readDocument(value: unknown, origin: Origin, findings: Findings): void {
  if (!isMapping(value) || typeof value.kind !== "string") {
    findings.note(origin, "is no object of Kubernetes and was passed over: it has no kind.");
    return;
  }
  const { kind, apiVersion, items } = value;
  if (kind === "List" && Array.isArray(items)) {
    for (const [index, item] of items.entries())
      if (origin.base.length === 0)
        readDocument(item, { ...origin, base: ["items", index] }, findings);
    return;
  }
  if (!isKnown(kind) || isForeign(kind, apiVersion)) {
    findings.note(origin, `${kind} is of no concern here and was passed over.`);
    return;
  }
  readObject(value, { kind, origin, findings });
}

function isKnown(kind: string): kind is AnySpec["kind"] {
  return Object.hasOwn(kindReaders, kind);
}

/** Another group's object of the same kind. One of KEDA's own older group is not foreign but wrong. */
function isForeign(kind: AnySpec["kind"], apiVersion: unknown): boolean {
  const group = (version: string): string => version.split("/").at(-2) ?? "";
  if (typeof apiVersion !== "string" || /keda/.test(apiVersion)) return false;
  return group(apiVersion) !== group(kindReaders[kind].apiVersion);
}

interface ObjectToRead {
  readonly kind: AnySpec["kind"];
  readonly origin: Origin;
  readonly findings: Findings;
}

function readObject(
  value: Readonly<Record<string, unknown>>,
  { kind, origin, findings }: ObjectToRead,
): void {
  const before = findings.problems.length;
  const at = findings.place(origin, describe(kind, value.metadata));
  const { apiVersion, read } = kindReaders[kind];
  if (value.apiVersion === "keda.k8s.io/v1alpha1") {
    at.report.error(
      ["apiVersion"],
      `is of KEDA 1. Write ${apiVersion}, scaleTargetRef.name for deploymentName, and today's keys of each trigger.`,
    );
    return;
  }
  const object = read(value, at, positionOf(origin, []));
  if (object !== invalid && findings.problems.length === before) findings.add(object, origin);
}

/** The name as far as there is one, for messages. */
function describe(kind: AnySpec["kind"], metadata: unknown): string {
  const { name, namespace } = isMapping(metadata) ? metadata : {};
  if (typeof name !== "string") return kind;
  const space = typeof namespace === "string" ? namespace : "default";
  return nameOf({ kind, metadata: { name, namespace: space, ...noMeta } });
}

const noMeta = { labels: {}, annotations: {}, generation: 1 } as const;

function toSpecSet(findings: Findings): SpecSet {
  const { objects, warnings, notes } = findings;
  const of = <T extends AnySpec>(...kinds: readonly T["kind"][]): readonly T[] =>
    objects.filter((object): object is T => kinds.some((kind) => kind === object.kind));
  return {
    scaledObjects: of<ScaledObject>("ScaledObject"),
    scaledJobs: of<ScaledJob>("ScaledJob"),
    authentications: of<TriggerAuthentication>(
      "TriggerAuthentication",
      "ClusterTriggerAuthentication",
    ),
    workloads: of<Workload>("Deployment", "StatefulSet"),
    jobs: of<Job>("Job"),
    data: of<DataObject>("Secret", "ConfigMap"),
    warnings,
    notes,
    locate: (object, path) => findings.locate(object, path),
  };
}
