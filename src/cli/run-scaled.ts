/** Brings scaler, process target and queues together: what `sluice up` and `sluice demo` share. */
import { fileURLToPath } from "node:url";
import {
  isSluiceError,
  type Logger,
  type ScaleOptions,
  type Sluice,
  type SluiceError,
} from "../core/index.ts";
import {
  createEngine,
  type Decision,
  decideByBacklog,
  type Engine,
  initialBacklogState,
  type Trigger,
  toBacklogPolicy,
} from "../scaler/index.ts";
import { createProcessTarget, type ProcessTarget } from "../targets/index.ts";
import { queueDepthTrigger } from "../triggers/index.ts";

/** What is scaled, on what, and how. */
export interface ScaledRun {
  readonly sluice: Sluice;
  /** The workers find the queues by this. */
  readonly url: string;
  readonly queues: readonly string[];
  /** The arguments after `sluice work`. */
  readonly workerArguments: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly graceMs: number;
  readonly scale: ScaleOptions;
  readonly logger: Logger;
  readonly onDecision?: (decision: Decision) => void;
  readonly onOutput?: (worker: string, line: string) => void;
  /** A worker cannot start for a reason that starting again does not cure. */
  readonly onFatal: (error: SluiceError) => void;
}

/** Workers that follow the backlog until it is closed. */
export interface Scaled {
  readonly engine: Engine;
  readonly target: ProcessTarget;
  /** Stops deciding, drains the workers and waits for them to leave. */
  close(): Promise<void>;
}

/** Starts to scale. */
export function startScaled(run: ScaledRun): Scaled {
  const { sluice, logger } = run;
  const policy = toBacklogPolicy(run.scale);
  const trigger = reportingFatal(queueDepthTrigger(sluice.driver, run.queues), run.onFatal);
  const { onOutput } = run;
  const target = createProcessTarget({
    command: [
      process.execPath,
      fileURLToPath(new URL("main.js", import.meta.url)),
      "work",
      ...run.workerArguments,
    ],
    env: { ...process.env, ...run.env, SLUICE_URL: run.url },
    graceMs: run.graceMs,
    clock: sluice.clock,
    logger,
    onFatal: run.onFatal,
    ...(onOutput && {
      onOutput: (worker: string, _stream: string, line: string) => onOutput(worker, line),
    }),
  });
  const engine = createEngine({
    trigger,
    target,
    decide: decideByBacklog(policy),
    initialState: initialBacklogState,
    pollingIntervalMs: policy.pollingIntervalMs,
    clock: sluice.clock,
    logger,
    ...(run.onDecision && { onDecision: run.onDecision }),
  });
  engine.start();
  return {
    engine,
    target,
    async close() {
      await engine.stop();
      await trigger.close();
      await target.close();
    },
  };
}

/** A reading that can never succeed again is told to the owner, who ends the run; others are the engine's to wait out. */
function reportingFatal(trigger: Trigger, onFatal: (error: SluiceError) => void): Trigger {
  return {
    ...trigger,
    async metrics() {
      try {
        return await trigger.metrics();
      } catch (error) {
        if (isSluiceError(error) && !error.retryable && error.code !== "CLOSED") onFatal(error);
        throw error;
      }
    },
  };
}
