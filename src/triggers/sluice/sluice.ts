import { type Cancel, type Driver, redactUrl } from "../../core/index.ts";
import type { ConnectionHold, TriggerContext } from "../../scaler/index.ts";
import { noAnswer, reasonOf, wrongAnswer } from "../failure.ts";
import { duration, number, text, type ValuesOf } from "../metadata-key.ts";
import { readDueTimes } from "../queue-depth.ts";
import {
  type ConnectionPlan,
  type SharedConnection,
  shareConnection,
} from "../shared-connection.ts";
import {
  defineTriggerType,
  type Gauge,
  type GaugeMetric,
  type Measured,
  normalizeMetricName,
  type TriggerType,
} from "../trigger-type.ts";

/** Opens a queue URL; whoever wires triggers to drivers gives it. */
export type ConnectQueue = (url: string, context: TriggerContext) => Promise<Driver>;

const keys = {
  url: text({
    from: "MAE",
    required: true,
    says: "Any queue URL, such as `postgres://…` or `sqlite:jobs.db`",
  }),
  queueName: text({ from: "M", required: true, says: "The queue" }),
  messageCount: number({ from: "M", says: "Messages per replica; 5 where `maxAge` is absent too" }),
  activationMessageCount: number({
    from: "M",
    says: "Active above this many messages; 0 where absent",
  }),
  maxAge: duration({
    from: "M",
    says: "How long the longest-waiting message may wait, per replica",
  }),
  activationAge: duration({
    from: "M",
    says: "Active when a message has waited longer; where absent, as soon as one waits",
  }),
};

type Values = ValuesOf<typeof keys>;

/** The type, with the means to open a queue URL. */
export function sluiceTriggerType(connectQueue: ConnectQueue): TriggerType {
  return defineTriggerType({
    type: "sluice",
    keys,
    measures:
      "Messages of any queue that are ready or held by a worker, or the seconds that the longest-waiting one has waited, or both as two metrics; read at once when the driver tells of a new message",
    countsInFlight: "yes",
    check: ({ messageCount, maxAge, activationAge }) => [
      ...(messageCount !== null && messageCount <= 0 ? ["messageCount must be more than 0"] : []),
      ...(maxAge !== null && maxAge <= 0 ? ["maxAge must be more than 0"] : []),
      ...(activationAge !== null && maxAge === null ? ["activationAge goes with maxAge"] : []),
    ],
    gauge: (values, context) => queueGauge(values, context, connectQueue),
  });
}

function queueGauge(values: Values, context: TriggerContext, connectQueue: ConnectQueue): Gauge {
  const plan: ConnectionPlan<Driver> = {
    key: `sluice ${values.url}`,
    async open() {
      try {
        return await connectQueue(values.url, context);
      } catch (error) {
        throw noAnswer(`${redactUrl(values.url)} cannot be opened: ${reasonOf(error)}`, error);
      }
    },
    close: (driver) => driver.close(),
    atOnce: 4,
    healsItself: true,
  };
  const shared = shareConnection(context, plan);
  const metrics = metricsOf(values);
  return {
    metrics: async () => metrics,
    measure: (metric, signal, { dueEdgesMs: edgesMs = [] }) =>
      shared.use(signal, (driver) => measure(driver, values, { metric, edgesMs })),
    watch: (onActive) => watchQueue(values.queueName, { shared, context, onActive }),
    close: shared.release,
  };
}

const ageSuffix = "-age";

function metricsOf({ queueName, messageCount, maxAge }: Values): readonly GaugeMetric[] {
  const name = normalizeMetricName(`sluice-${queueName}`);
  const byCount = { name, target: messageCount ?? 5 };
  if (maxAge === null) return [byCount];
  const byAge = { name: `${name}${ageSuffix}`, target: maxAge / 1000 };
  return messageCount === null ? [byAge] : [byCount, byAge];
}

async function measure(
  driver: Driver,
  values: Values,
  { metric, edgesMs }: { readonly metric: string; readonly edgesMs: readonly number[] },
): Promise<Measured> {
  const { queueName, activationMessageCount, activationAge, maxAge } = values;
  const { ready, delayed, inFlight, oldestAgeMs } = await driver.depth(queueName);
  if (ready === null)
    throw wrongAnswer(
      `the ${driver.name} driver does not tell how many messages wait in ${queueName}`,
    );
  if (maxAge === null || !metric.endsWith(ageSuffix)) {
    const value = ready + (inFlight ?? 0);
    const due = await readDueTimes(driver, queueName, { delayed, edgesMs });
    const isActive = value > (activationMessageCount ?? 0);
    return { value, isActive, oldestAgeMs, ...(due && { due }) };
  }
  if (oldestAgeMs === null && ready > 0)
    throw wrongAnswer(
      `the ${driver.name} driver does not tell how long messages have waited; use messageCount`,
    );
  const age = oldestAgeMs ?? 0;
  const isActive = ready > 0 && (activationAge === null || age > activationAge);
  return { value: age / 1000, isActive, oldestAgeMs };
}

/** How long to wait before a watch that could not begin is tried again; a reading meanwhile sees the work as well. */
const retryMs = 10_000;

interface Watch {
  readonly shared: SharedConnection<Driver>;
  readonly context: TriggerContext;
  readonly onActive: () => void;
}

/** States: connecting, watching (with a hold on the connection), waiting to connect again, cancelled. */
function watchQueue(queue: string, { shared, context, onActive }: Watch): Cancel {
  const { clock, logger } = context;
  let isCancelled = false;
  let stop: Cancel = () => undefined;

  async function start(): Promise<void> {
    let hold: ConnectionHold<Driver>;
    try {
      hold = await shared.lend();
    } catch (error) {
      logger.debug("the queue cannot be watched yet", { queue, error: reasonOf(error) });
      if (!isCancelled) stop = clock.after(retryMs, () => void start());
      return;
    }
    if (isCancelled) return hold.release();
    const cancel = hold.connection.watch?.(queue, onActive);
    stop = () => {
      cancel?.();
      hold.release();
    };
  }

  void start();
  return () => {
    isCancelled = true;
    stop();
  };
}
