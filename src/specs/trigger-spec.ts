/** How a value is compared with its target. `Utilization` is for cpu and memory alone. */
export type MetricType = "AverageValue" | "Value" | "Utilization";

/** The authentication that a trigger names. */
export interface AuthenticationRef {
  readonly name: string;
  readonly kind: "TriggerAuthentication" | "ClusterTriggerAuthentication";
}

/** One item of `triggers`, as ScaledObject and ScaledJob share it. */
export interface TriggerSpec {
  readonly type: string;
  /** Empty where none is given. Unique among those that are; a formula needs it. */
  readonly name: string;
  /** Values are texts, as the custom resource has them. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly useCachedMetrics: boolean;
  /** Null where none is given: `AverageValue` for all but cpu and memory. */
  readonly metricType: MetricType | null;
  readonly authenticationRef: AuthenticationRef | null;
}
