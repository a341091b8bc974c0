import { readControls } from "./annotations.ts";
import { authenticationSpec } from "./authentication-fields.ts";
import {
  anything,
  below,
  choice,
  derive,
  type Field,
  invalid,
  isMapping,
  type JsonSchema,
  type Members,
  object,
  type Place,
  type Read,
  refuse,
} from "./field.ts";
import type { ObjectMeta, SourcePosition } from "./object-meta.ts";
import { objectMeta } from "./object-meta-fields.ts";
import { scaledJobSpec } from "./scaled-job-fields.ts";
import { checkScaledJob } from "./scaled-job-rules.ts";
import { scaledObjectSpec } from "./scaled-object-fields.ts";
import { checkScaledObject } from "./scaled-object-rules.ts";
import type { AnySpec } from "./spec-set.ts";
import { configMapData, jobSpec, secretData, secretText, workloadSpec } from "./workload-fields.ts";

/** How objects of one kind are read. */
export interface KindReader {
  readonly apiVersion: string;
  /** Of the whole document. */
  readonly schema: JsonSchema;
  read(value: unknown, at: Place, source: SourcePosition): Read<AnySpec>;
}

interface WrittenObject<Kind extends string> {
  readonly apiVersion: string;
  readonly kind: Kind;
  readonly metadata: ObjectMeta;
}

const keda = "keda.sh/v1alpha1";
const apps = "apps/v1";

/** The kinds that Sluice understands. */
export const kindReaders: Readonly<Record<AnySpec["kind"], KindReader>> = {
  ScaledObject: kind(keda, "ScaledObject", {
    members: { spec: scaledObjectSpec, status: anything() },
    make: ({ status: _, ...read }, { written, at, source }) => {
      const spec = isMapping(written) ? written.spec : null;
      checkScaledObject({ metadata: read.metadata, spec: read.spec, written: spec }, at);
      const controls = readControls(read.kind, read.metadata, annotationsOf(at));
      return controls === invalid ? invalid : { ...read, controls, source };
    },
  }),
  ScaledJob: kind(keda, "ScaledJob", {
    members: { spec: scaledJobSpec, status: anything() },
    make: ({ status: _, ...read }, { at, source }) => {
      checkScaledJob(read.spec, below(at, "spec"));
      const controls = readControls(read.kind, read.metadata, annotationsOf(at));
      return controls === invalid ? invalid : { ...read, controls, source };
    },
  }),
  TriggerAuthentication: kind(keda, "TriggerAuthentication", {
    members: { spec: authenticationSpec, status: anything() },
    make: ({ status: _, ...read }, { at, source }) => {
      if (read.spec.filePath === null) return { ...read, source };
      const place = below(below(at, "spec"), "filePath");
      return refuse(place, "is for a ClusterTriggerAuthentication alone. Use secretTargetRef.");
    },
  }),
  ClusterTriggerAuthentication: kind(keda, "ClusterTriggerAuthentication", {
    members: { spec: authenticationSpec, status: anything() },
    make: ({ status: _, ...read }, { source }) => ({ ...read, source }),
  }),
  Deployment: workloadKind("Deployment"),
  StatefulSet: workloadKind("StatefulSet"),
  Job: kind("batch/v1", "Job", {
    members: { spec: jobSpec },
    isOpen: true,
    make: (read, { source }) => ({ ...read, source }),
  }),
  Secret: kind("v1", "Secret", {
    members: { data: secretData, stringData: secretText },
    isOpen: true,
    make: ({ data, stringData, ...read }, { source }) => ({
      ...read,
      data: { ...data, ...stringData },
      source,
    }),
  }),
  ConfigMap: kind("v1", "ConfigMap", {
    members: { data: configMapData },
    isOpen: true,
    make: (read, { source }) => ({ ...read, source }),
  }),
};

interface Context {
  /** As the file has it. */
  readonly written: unknown;
  readonly at: Place;
  readonly source: SourcePosition;
}

interface KindDeclaration<Kind extends string, Rest extends object> {
  readonly members: Members<Rest>;
  /** Kubernetes' own kinds have more than Sluice reads. */
  readonly isOpen?: boolean;
  readonly make: (read: WrittenObject<Kind> & Rest, context: Context) => Read<AnySpec>;
}

function kind<Kind extends AnySpec["kind"], Rest extends object>(
  apiVersion: string,
  name: Kind,
  { members, isOpen = false, make }: KindDeclaration<Kind, Rest>,
): KindReader {
  const head: Members<WrittenObject<Kind>> = {
    apiVersion: derive(choice([apiVersion]), (value): string => value),
    kind: choice([name]),
    metadata: objectMeta,
  };
  const document: Field<WrittenObject<Kind> & Rest> = object<WrittenObject<Kind> & Rest>(
    { ...head, ...members } as Members<WrittenObject<Kind> & Rest>,
    { isOpen },
  );
  return {
    apiVersion,
    schema: document.schema,
    read(written, at, source) {
      const read = document.read(written, at);
      return read === invalid ? invalid : make(read, { written, at, source });
    },
  };
}

function workloadKind(name: "Deployment" | "StatefulSet"): KindReader {
  return kind(apps, name, {
    members: { spec: workloadSpec },
    isOpen: true,
    make: ({ spec, ...read }, { source }) => ({ ...read, ...spec, source }),
  });
}

function annotationsOf(at: Place): Place {
  return below(below(at, "metadata"), "annotations");
}
