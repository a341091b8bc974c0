/** A decision as text: every step, what it proposes, and the reasons. */
import type { Candidate, Decision, MetricRecord, WorkedThrough } from "../../scaler/index.ts";
import { colors } from "../terminal.ts";

/** One object's decisions, step by step. */
export function showDecisions({ object, decisions }: WorkedThrough): string {
  const [first] = decisions;
  const c = colors(process.stdout);
  const { replicas: count = 0, ready = 0 } = first?.seen.status ?? {};
  const what = object.startsWith("ScaledJob") ? "jobs running" : "replicas";
  const head = `${c.bold(object)} with ${count} ${what}, ${ready} of them ready`;
  return [head, ...decisions.map(showDecision)].join("\n\n");
}

const titles: Readonly<Record<Decision["controller"], string>> = {
  keda: "KEDA's half",
  hpa: "The autoscaler's half",
  job: "The poll",
  backlog: "The backlog",
  objective: "The objective",
};

function showDecision(decision: Decision): string {
  const c = colors(process.stdout);
  const { controller, current, replicas, kedaRule, metrics = [], candidates, reasons } = decision;
  const row = kedaRule === undefined ? "" : `, row ${kedaRule} of its table`;
  const known = controller === "hpa" ? [] : metrics.map(showMetric);
  const steps: readonly (readonly [string, string])[] = [
    ...known,
    ...candidates.map((one): readonly [string, string] => [one.rule, showCandidate(one)]),
    ...reasons.map(({ code, text }) => ["because", `${code}: ${text}`] as const),
  ];
  const width = Math.max(...steps.map(([name]) => name.length));
  const change = current === replicas ? `stays at ${replicas}` : `${current} → ${replicas}`;
  return [
    `  ${titles[controller]}${row}: ${c.bold(change)}`,
    ...steps.map(([name, text]) => `    ${c.dim(name.padEnd(width))}  ${text}`),
  ].join("\n");
}

function showMetric(metric: MetricRecord): readonly [string, string] {
  const { metricName, value, active, failure, source } = metric;
  if (value === null) return [metricName, `failed: ${failure}`];
  const by =
    source === "fallback" ? " by the fallback" : source === "formula" ? " by the formula" : "";
  return [metricName, `${value}${by}, ${active ? "active" : "not active"}`];
}

function showCandidate({ replicas, text, limits = [] }: Candidate): string {
  const policies = limits.map(
    ({ type, value, periodMs, allowed }) =>
      `${value}${type === "Percent" ? "%" : " pods"} in ${periodMs / 1000} s allows ${allowed}`,
  );
  return `${replicas}  ${[text, ...policies].join("; ")}`;
}
