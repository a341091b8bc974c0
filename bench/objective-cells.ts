/** What the benches of the objective share: KEDA with a setting, its tuning, and runs as one cell of a table. */
import {
  keepsObjective,
  type Load,
  type Policy,
  type Report,
  scaledObjectPolicy,
  simulate,
  toReport,
} from "../src/simulator/index.ts";
import { parseSpecs } from "../src/specs/index.ts";

/** No policy has more workers. */
export const most = 200;

export interface KedaSetting {
  readonly polling: number;
  readonly target: number;
  readonly cooldown: number;
  readonly stabilization: number;
}

export const kedaDefault: KedaSetting = {
  polling: 30,
  target: 5,
  cooldown: 300,
  stabilization: 300,
};

const kedaSettings: readonly KedaSetting[] = [1, 2, 5, 10, 20].flatMap((target) =>
  [10, 60, 300].flatMap((cooldown) =>
    [0, 60, 300].map((stabilization) => ({ polling: 5, target, cooldown, stabilization })),
  ),
);

/** KEDA on a count of jobs that wait or run, as a query to a table of jobs gives it. */
export function keda(name: string, setting: KedaSetting): Policy {
  const { polling, target, cooldown, stabilization } = setting;
  const text = `
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: worker}
spec:
  scaleTargetRef: {name: worker}
  pollingInterval: ${polling}
  cooldownPeriod: ${cooldown}
  maxReplicaCount: ${most}
  advanced: {horizontalPodAutoscalerConfig: {behavior: {scaleDown: {stabilizationWindowSeconds: ${stabilization}}}}}
  triggers:
  - {type: postgresql, metadata: {targetQueryValue: "${target}", query: q, connectionFromEnv: DB}}
`;
  const [object] = parseSpecs(text, "keda.yaml").scaledObjects;
  if (object === undefined) throw new Error("the bench's ScaledObject does not parse");
  return scaledObjectPolicy(object, { name });
}

/** A load to tune on, and the wait to keep. */
export interface Tuning {
  readonly load: Load;
  readonly maxWaitMs: number;
}

/** The cheapest setting that keeps the objective on the tuning load; where none does, the one with the fewest late jobs. */
export function tune({ load, maxWaitMs }: Tuning): KedaSetting {
  const tried = kedaSettings.map((setting) => {
    const outcome = simulate({ load, policy: keda("try", setting), maxWaitMs, columns: 0 });
    const report = toReport(outcome);
    return { setting, report, keeps: keepsObjective(report, 0.95) };
  });
  const keeping = tried.filter(({ keeps }) => keeps);
  const [best] =
    keeping.length > 0
      ? keeping.toSorted((a, b) => a.report.workerSeconds.total - b.report.workerSeconds.total)
      : tried.toSorted((a, b) => a.report.jobs.late - b.report.jobs.late);
  return best?.setting ?? kedaDefault;
}

/** Cost as a multiple of the bound, late jobs, and in how many runs the wait was kept. */
export function summary(reports: readonly Report[]): string {
  const spread = (values: readonly number[], digits: number): string => {
    const sorted = values.toSorted((a, b) => a - b);
    const [least, middle, top] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)];
    if (sorted.length === 1) return `${middle?.toFixed(digits)}`;
    return `${middle?.toFixed(digits)} [${least?.toFixed(digits)}-${top?.toFixed(digits)}]`;
  };
  const costs = spread(
    reports.map(({ bound }) => bound?.ratio ?? Number.NaN),
    2,
  );
  const late = spread(
    reports.map(({ jobs }) => jobs.latePercent),
    1,
  );
  const kept = reports.filter((report) => keepsObjective(report, 0.95)).length;
  const kills = Math.max(...reports.map(({ workers }) => workers.kills));
  return `${costs}, late ${late} %, ${kept}/${reports.length}${kills > 0 ? `, up to ${kills} kills` : ""}`;
}

/** A setting in words. */
export function describeSetting({ target, cooldown, stabilization }: KedaSetting): string {
  return `target ${target}, cooldown ${cooldown}, stabilization ${stabilization}`;
}
