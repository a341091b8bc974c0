/** Brings scaler, process target and queues together: what `sluice up` and `sluice demo` share. */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  isSluiceError,
  type Logger,
  type ScaleOptions,
  type Sluice,
  type SluiceError,
} from "../core/index.ts";
import {
  checkObjective,
  createEngine,
  type Decision,
  decideByBacklog,
  type Engine,
  type EngineOptions,
  initialBacklogState,
  rememberObjective,
  type Trigger,
  toBacklogPolicy,
  toObjectivePolicy,
  toPeriodMs,
} from "../scaler/index.ts";
import { createProcessTarget, type ProcessTarget } from "../targets/index.ts";
import { type QueueDepthOptions, queueDepthTrigger, replicaWindow } from "../triggers/index.ts";
import { recordingVariable } from "./recording/record-attempts.ts";
import { type Recorder, startRecording } from "./recording/recorder.ts";

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
  /** Jobs that one worker runs at a time. */
  readonly concurrency: number;
  readonly scale: ScaleOptions;
  readonly logger: Logger;
  readonly onDecision?: (decision: Decision) => void;
  /** Writes what happens to this file, for the simulator. */
  readonly record?: string;
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
  const { create, ...wishes } = policed(run);
  const counted = queueDepthTrigger(sluice.driver, run.queues, wishes);
  const trigger = reportingFatal(counted, run.onFatal);
  const { onOutput } = run;
  const recorder = run.record === undefined ? null : recorderOf(run, run.record);
  const target = createProcessTarget({
    command: [
      process.execPath,
      fileURLToPath(new URL("main.js", import.meta.url)),
      "work",
      ...run.workerArguments,
    ],
    env: {
      ...process.env,
      ...run.env,
      SLUICE_URL: run.url,
      ...(run.record && { [recordingVariable]: resolve(run.record) }),
    },
    graceMs: run.graceMs,
    clock: sluice.clock,
    logger,
    onFatal: run.onFatal,
    ...(onOutput && {
      onOutput: (worker: string, _stream: string, line: string) => onOutput(worker, line),
    }),
  });
  const engine = create({
    trigger,
    target,
    clock: sluice.clock,
    logger,
    onDecision(decision) {
      recorder?.noteDecision(decision);
      run.onDecision?.(decision);
    },
  });
  recorder?.follow(target);
  engine.start();
  return {
    engine,
    target,
    async close() {
      await engine.stop();
      await trigger.close();
      await target.close();
      await recorder?.end();
    },
  };
}

function recorderOf({ sluice, queues, concurrency, scale }: ScaledRun, file: string): Recorder {
  const { objective } = scale;
  return startRecording(file, sluice.clock, {
    ...{ queues, concurrency, scale, pushes: sluice.driver.watch !== undefined },
    ...(objective && { maxWaitMs: toPeriodMs(objective.maxWait, "maxWait") }),
  });
}

type PolicyFree = Omit<EngineOptions<unknown>, "decide" | "initialState" | "pollingIntervalMs">;

/** A process of this machine is ready within about this time, until it was measured. */
export const processStartupMs = 500;

interface Policed extends Pick<QueueDepthOptions, "dueEdgesMs"> {
  create(parts: PolicyFree): Engine;
}

/** An engine under what the options ask for: the wait objective where they have one, else the backlog. */
function policed({ scale, concurrency, graceMs, logger }: ScaledRun): Policed {
  const { objective } = scale;
  if (objective === undefined) {
    const policy = toBacklogPolicy(scale);
    const decide = decideByBacklog(policy);
    const { pollingIntervalMs } = policy;
    return {
      create: (parts) =>
        createEngine({ ...parts, decide, initialState: initialBacklogState, pollingIntervalMs }),
    };
  }
  const surroundings = {
    ...{ concurrency, graceMs },
    ...{ startupMs: processStartupMs, openWindow: replicaWindow },
  };
  const policy = toObjectivePolicy(objective, scale, surroundings);
  const { isAttainable, text } = checkObjective(policy);
  if (!isAttainable) logger.warn("the objective is out of reach", { why: text });
  const { decide, initialState, wish } = rememberObjective(policy);
  const { pollingIntervalMs } = policy;
  return {
    create: (parts) => createEngine({ ...parts, decide, initialState, pollingIntervalMs }),
    dueEdgesMs: () => wish().dueEdgesMs,
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
