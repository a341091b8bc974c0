import { createHttpClient } from "../http/client.ts";
import { flag, integer, text } from "../metadata-key.ts";
import { above } from "../source-number.ts";
import { defineTriggerType, singleGauge, type TriggerType } from "../trigger-type.ts";
import { createLagReader } from "./monitoring.ts";

const keys = {
  natsServerMonitoringEndpoint: text({
    from: "AM",
    required: true,
    says: "`host:8222`, without a scheme",
  }),
  account: text({
    from: "AM",
    says: "The account's name, such as `$G`; this or the next is required",
  }),
  accountID: text({ from: "AM", says: "" }),
  stream: text({ from: "M", required: true, says: "" }),
  consumer: text({ from: "M", required: true, says: "The durable consumer" }),
  lagThreshold: integer({ from: "M", fallback: "10", says: "Messages per replica" }),
  activationLagThreshold: integer({ from: "M", fallback: "0", says: "Active above this" }),
  useHttps: flag({ from: "M", fallback: "false", says: "" }),
};

export const natsJetstream: TriggerType = defineTriggerType({
  type: "nats-jetstream",
  keys,
  measures: "Messages of a consumer that are not delivered, or delivered and not acknowledged",
  countsInFlight: "yes",
  check({ account, accountID, natsServerMonitoringEndpoint: host }) {
    const problems = URL.canParse(`http://${host}`)
      ? []
      : ["natsServerMonitoringEndpoint must be host:port, such as nats:8222"];
    return account === null && accountID === null
      ? [...problems, "account or accountID is required; the default account is $G"]
      : problems;
  },
  gauge(values, context) {
    const { account, accountID, stream, consumer, natsServerMonitoringEndpoint: host } = values;
    const http = createHttpClient(context);
    const read = createLagReader(http, {
      endpoint: `${values.useHttps ? "https" : "http"}://${host}`,
      account,
      accountID: accountID ?? account ?? "",
      stream,
      consumer,
    });
    return singleGauge(context, {
      name: `nats-jetstream-${stream}`,
      target: { key: "lagThreshold", value: values.lagThreshold },
      measure: async (signal) => above(values.activationLagThreshold, await read(signal)),
      close: http.release,
    });
  },
});
