import type { LogEntry } from "../../src/core/index.ts";
import { createLogger, systemClock } from "../../src/core/index.ts";
import {
  type Connections,
  createConnections,
  type MetricReading,
  type ScalerTrigger,
  type TriggerContext,
} from "../../src/scaler/index.ts";
import { createTriggers, type TriggerOptions } from "../../src/triggers/index.ts";

/** What a test says of a trigger besides type and metadata. */
export type ContextChanges = Partial<Omit<TriggerContext, "spec">> & {
  readonly name?: string;
  readonly metricType?: TriggerContext["spec"]["metricType"];
};

/** Builds triggers with connections of their own, and closes all. */
export interface TriggerBed {
  readonly connections: Connections;
  readonly logged: readonly LogEntry[];
  create(
    type: string,
    metadata: Readonly<Record<string, string>>,
    changes?: ContextChanges,
  ): Promise<ScalerTrigger>;
  /** One reading of a trigger that is built for it, with one metric. */
  read(
    type: string,
    metadata: Readonly<Record<string, string>>,
    changes?: ContextChanges,
  ): Promise<MetricReading>;
  close(): Promise<void>;
}

export function createTriggerBed(options: TriggerOptions = {}): TriggerBed {
  const createTrigger = createTriggers(options);
  const connections = createConnections();
  const logged: LogEntry[] = [];
  const logger = createLogger("debug", (entry) => logged.push(entry));
  const triggers: ScalerTrigger[] = [];

  const bed: TriggerBed = {
    connections,
    logged,
    async create(type, metadata, { name = "", metricType = null, ...changes } = {}) {
      const trigger = await createTrigger({
        spec: {
          type,
          name,
          metadata,
          metricType,
          useCachedMetrics: false,
          authenticationRef: null,
        },
        index: 0,
        owner: { kind: "ScaledObject", namespace: "shop", name: "mailer" },
        parameters: {},
        podIdentity: null,
        env: {},
        isMetricSource: false,
        connections,
        clock: systemClock,
        logger,
        timeoutMs: 3000,
        ...changes,
      });
      triggers.push(trigger);
      return trigger;
    },
    async read(type, metadata, changes) {
      const readings = await (await bed.create(type, metadata, changes)).read();
      const [reading] = readings;
      if (readings.length !== 1 || reading === undefined)
        throw new Error(`expected one reading, got ${readings.length}`);
      return reading;
    },
    async close() {
      await Promise.all(triggers.map((trigger) => trigger.close()));
      await connections.close();
    },
  };
  return bed;
}
