/** The least worker-seconds that any policy, even one that knows the future, can pay for a load and an objective. */
export interface LowerBound {
  readonly workerSeconds: number;
  /** How it was found. */
  readonly method: "work" | "linear-program" | "one-worker";
}
