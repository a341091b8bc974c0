/** A pod as the autoscaler sees it for cpu or memory; amounts in thousandths of a core or of a byte. */
export interface ResourcePod {
  readonly phase: "Pending" | "Running" | "Succeeded" | "Failed" | "Unknown";
  readonly isDeleting: boolean;
  /** Its Ready condition; null where it has none. */
  readonly isReady: boolean | null;
  /** When its Ready condition last changed; null where it has none. */
  readonly readyChangedAt: number | null;
  readonly startedAt: number | null;
  /** Its use; null where there is no sample. */
  readonly usage: number | null;
  /** When the sample was taken, and over how long. */
  readonly sampledAt: number;
  readonly sampleWindowMs: number;
  /** What its containers request; null where one requests nothing. */
  readonly request: number | null;
}

/** The pods of a target, measured for one cpu or memory trigger. */
export interface ResourceReading {
  /** The trigger's place among all triggers of the object, from 0. */
  readonly index: number;
  readonly resource: "cpu" | "memory";
  /** Percent of the request, or an amount per pod. */
  readonly metricType: "Utilization" | "AverageValue";
  readonly target: number;
  readonly pods: readonly ResourcePod[];
  /** Set when the pods could not be measured. */
  readonly failure: string | null;
}
