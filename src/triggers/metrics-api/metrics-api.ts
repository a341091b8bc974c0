import {
  authenticate,
  authenticationKeys,
  problemsOfAuthentication,
  tlsOf,
} from "../http/authentication.ts";
import { createHttpClient } from "../http/client.ts";
import { problemOfUrl } from "../http/url.ts";
import { choice, duration, flag, number, text } from "../metadata-key.ts";
import { above } from "../source-number.ts";
import { defineTriggerType, singleGauge, type TriggerType } from "../trigger-type.ts";
import { parseSelector } from "./exposition.ts";
import { valueAtPath } from "./gjson.ts";
import { type Format, formats, valueInAnswer } from "./value-in-answer.ts";

const keys = {
  url: text({
    from: "M",
    required: true,
    says: "What is asked; only an answer of status 200 counts",
  }),
  valueLocation: text({
    from: "M",
    required: true,
    says: 'JSON: a GJSON path; prometheus: a metric such as `jobs{queue="mail"}`; yaml and xml: names and indexes between dots',
  }),
  targetValue: number({ from: "M", says: "The value per replica; required" }),
  activationTargetValue: number({ from: "M", fallback: "0", says: "Active above this" }),
  format: choice(formats, { from: "M", fallback: "json", says: "How the answer is written" }),
  unsafeSsl: flag({ from: "M", fallback: "false", says: "Certificates are not checked" }),
  timeout: duration({ from: "M", says: "Instead of 3 s" }),
  aggregateFromKubeServiceEndpoints: flag({
    from: "M",
    fallback: "false",
    says: "Not supported here: ask the Service itself, or a Prometheus",
  }),
  aggregationType: choice(["average", "sum", "max", "min"], {
    from: "M",
    fallback: "average",
    says: "Goes with the former",
  }),
  ...authenticationKeys,
};

export const metricsApi: TriggerType = defineTriggerType({
  type: "metrics-api",
  keys,
  measures: "The number, or quantity such as `1k`, at `valueLocation` of what `url` answers",
  countsInFlight: "as the source says",
  check(values) {
    const problems = [...problemsOfAuthentication(values)];
    const url = problemOfUrl("url", values.url);
    if (url !== null) problems.push(url);
    if (values.aggregateFromKubeServiceEndpoints)
      problems.push(
        "aggregateFromKubeServiceEndpoints is not supported here; ask the Service itself, or a Prometheus",
      );
    const location = problemOfLocation(values.format, values.valueLocation);
    if (location !== null) problems.push(`valueLocation must be ${location}`);
    return problems;
  },
  gauge(values, context) {
    const { url, format, valueLocation, targetValue, activationTargetValue, timeout } = values;
    const timeoutMs = timeout || context.timeoutMs;
    const http = createHttpClient({ ...context, timeoutMs }, tlsOf(values, values.unsafeSsl));
    return singleGauge(context, {
      name: `metric-api-${valueLocation}`,
      target: { key: "targetValue", value: targetValue },
      timeoutMs,
      async measure(signal) {
        const body = await http.text(authenticate(values, { url }), signal, 200);
        return above(activationTargetValue, await valueInAnswer(body, format, valueLocation));
      },
      close: http.release,
    });
  },
});

function problemOfLocation(format: Format, location: string): string | null {
  try {
    if (format === "prometheus") parseSelector(location);
    if (format === "json") valueAtPath(null, location);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
