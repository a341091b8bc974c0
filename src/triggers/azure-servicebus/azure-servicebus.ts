import type { TriggerContext } from "../../scaler/index.ts";
import { reasonOf, triggerInvalid, wrongAnswer } from "../failure.ts";
import { createHttpClient } from "../http/client.ts";
import { choice, flag, integer, text, type ValuesOf } from "../metadata-key.ts";
import { above, sourceNumber } from "../source-number.ts";
import { defineTriggerType, singleGauge, type TriggerType } from "../trigger-type.ts";
import {
  openServiceBus,
  parseConnectionString,
  type ServiceBus,
  type ServiceBusPlace,
} from "./management.ts";

const keys = {
  queueName: text({ from: "M", says: "The queue; or the next two" }),
  topicName: text({ from: "M", says: "" }),
  subscriptionName: text({ from: "M", says: "" }),
  messageCount: integer({ from: "M", fallback: "5", says: "Messages per replica" }),
  activationMessageCount: integer({ from: "M", says: "Active above this; 0 where absent" }),
  useRegex: flag({
    from: "M",
    fallback: "false",
    says: "All queues or subscriptions whose whole name fits",
  }),
  operation: choice(["sum", "max", "avg"], {
    from: "M",
    fallback: "sum",
    says: "With `useRegex`: over all that fit",
  }),
  connection: text({ from: "AE", says: "A connection string with the right Manage; required" }),
  namespace: text({ from: "M", says: "For workload identity, which is not supported here" }),
  cloud: text({ from: "M", says: "As `namespace`" }),
  endpointSuffix: text({ from: "M", says: "As `namespace`" }),
};

type Values = ValuesOf<typeof keys>;

export const azureServicebus: TriggerType = defineTriggerType({
  type: "azure-servicebus",
  keys,
  measures:
    "Active messages of a queue or a subscription: not those that are scheduled, dead or in transfer",
  countsInFlight: "yes, while peek-locked",
  check: problemsOf,
  gauge(values, context) {
    const place = findPlace(values, context);
    const http = createHttpClient(context);
    const bus = openServiceBus(place, http, context.clock);
    const { topicName, queueName, useRegex } = values;
    const shown = useRegex
      ? `${topicName === null ? "queue" : "topic"}-regex`
      : (queueName ?? topicName);
    return singleGauge(context, {
      name: `azure-servicebus-${shown}`,
      target: { key: "messageCount", value: values.messageCount },
      measure: async (signal) =>
        above(values.activationMessageCount, await countMessages(bus, values, signal)),
      close: http.release,
    });
  },
});

function problemsOf(values: Values, { podIdentity }: TriggerContext): readonly string[] {
  const { queueName, topicName, subscriptionName, connection, useRegex } = values;
  const problems: string[] = [];
  if (queueName === null && topicName === null)
    problems.push("queueName is required, or topicName with subscriptionName");
  if (queueName !== null && (topicName !== null || subscriptionName !== null))
    problems.push("queueName excludes topicName and subscriptionName");
  if (topicName !== null && subscriptionName === null)
    problems.push("subscriptionName is required where topicName is given");
  if (podIdentity !== null && podIdentity.provider !== "none")
    problems.push(`podIdentity ${podIdentity.provider} is not supported here; give a connection`);
  else if (connection === null) problems.push("connection is required");
  if (useRegex && expressionOf(values) === null)
    problems.push(
      `${queueName === null ? "subscriptionName" : "queueName"} is no regular expression`,
    );
  return problems;
}

function findPlace({ connection }: Values, context: TriggerContext): ServiceBusPlace {
  try {
    return parseConnectionString(connection ?? "");
  } catch (error) {
    throw triggerInvalid(context, [`connection: expected ${reasonOf(error)}`]);
  }
}

async function countMessages(
  bus: ServiceBus,
  values: Values,
  signal: AbortSignal,
): Promise<number> {
  const { queueName, topicName, subscriptionName, useRegex, operation } = values;
  const below = topicName === null ? "$Resources/Queues" : `${pathOf(topicName)}/Subscriptions`;
  if (!useRegex) {
    const own =
      queueName === null ? `${below}/${pathOf(subscriptionName ?? "")}` : pathOf(queueName);
    const found = await bus.entity(own, signal);
    if (found === null)
      throw wrongAnswer(
        queueName === null
          ? `there is no subscription ${subscriptionName} of a topic ${topicName}`
          : `there is no queue ${queueName}`,
      );
    return sourceNumber(found.activeMessages, `ActiveMessageCount of ${found.name}`);
  }
  const expression = expressionOf(values);
  const counts = (await bus.list(below, signal))
    .filter(({ name }) => expression?.test(name))
    .map(({ name, activeMessages }) =>
      sourceNumber(activeMessages, `ActiveMessageCount of ${name}`),
    );
  if (operation === "max") return Math.max(0, ...counts);
  const sum = counts.reduce((total, count) => total + count, 0);
  return operation === "avg" && counts.length > 0 ? Math.trunc(sum / counts.length) : sum;
}

/** Names may hold slashes, which divide the path. */
function pathOf(name: string): string {
  return name.split("/").map(encodeURIComponent).join("/");
}

/** Whole names, as KEDA compares the longest match with the name. Null when it is no expression. */
function expressionOf({ queueName, subscriptionName }: Values): RegExp | null {
  try {
    return new RegExp(`^(?:${queueName ?? subscriptionName ?? ""})$`);
  } catch {
    return null;
  }
}
