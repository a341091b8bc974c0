import { wrongAnswer } from "../failure.ts";
import {
  authenticate,
  authenticationKeys,
  problemsOfAuthentication,
  tlsOf,
} from "../http/authentication.ts";
import { createHttpClient, type HttpRequest, parseJson } from "../http/client.ts";
import { problemOfUrl, queryEscape } from "../http/url.ts";
import { duration, flag, number, pairs, text, type ValuesOf } from "../metadata-key.ts";
import { above, sourceNumber } from "../source-number.ts";
import { defineTriggerType, singleGauge, type TriggerType } from "../trigger-type.ts";

const keys = {
  serverAddress: text({
    from: "M",
    required: true,
    says: "The server's URL, such as `http://prometheus:9090`",
  }),
  query: text({ from: "M", required: true, says: "PromQL that gives one value" }),
  threshold: number({ from: "M", required: true, says: "The value per replica" }),
  activationThreshold: number({ from: "M", says: "Active above this; 0 where absent" }),
  namespace: text({ from: "M", says: "Sent as the parameter `namespace`, for Thanos" }),
  queryParameters: pairs({ from: "M", says: "Further parameters of the URL" }),
  customHeaders: pairs({ from: "M", says: "Further headers" }),
  ignoreNullValues: flag({
    from: "M",
    fallback: "true",
    says: "No result, NaN and infinity are 0; when false they are errors",
  }),
  unsafeSsl: flag({ from: "M", fallback: "false", says: "Certificates are not checked" }),
  timeout: duration({ from: "M", says: "Instead of 3 s" }),
  awsRegion: text({ from: "MA", says: "Not supported here" }),
  identityOwner: text({ from: "M", says: "Not supported here" }),
  ...authenticationKeys,
};

type Values = ValuesOf<typeof keys>;

export const prometheus: TriggerType = defineTriggerType({
  type: "prometheus",
  keys,
  measures: "The one value that `query` gives",
  countsInFlight: "as the query says",
  check(values, { podIdentity }) {
    const problems = [...problemsOfAuthentication(values)];
    const url = problemOfUrl("serverAddress", values.serverAddress);
    if (url !== null) problems.push(url);
    if (values.awsRegion !== null)
      problems.push("awsRegion (Amazon Managed Prometheus) is not supported here");
    if (podIdentity !== null && podIdentity.provider !== "none")
      problems.push(`podIdentity ${podIdentity.provider} is not supported here; use authModes`);
    return problems;
  },
  gauge(values, context) {
    const timeoutMs = values.timeout || context.timeoutMs;
    const http = createHttpClient({ ...context, timeoutMs }, tlsOf(values, values.unsafeSsl));
    return singleGauge(context, {
      name: "prometheus",
      target: { key: "threshold", value: values.threshold },
      timeoutMs,
      async measure(signal) {
        const request = requestOf(values, new Date(context.clock.now()));
        const answer = parseJson(await http.text(request, signal), request.url);
        return above(values.activationThreshold, valueOfAnswer(answer, values.ignoreNullValues));
      },
      close: http.release,
    });
  },
});

interface PrometheusData {
  readonly resultType?: string;
  readonly result?: unknown;
}

function requestOf(values: Values, now: Date): HttpRequest {
  const { serverAddress, query, namespace, queryParameters, customHeaders } = values;
  const time = now.toISOString().replace(/\.\d+Z$/, "Z");
  const parameters: readonly (readonly [string, string])[] = [
    ["query", query],
    ["time", time],
    ...(namespace === null ? [] : [["namespace", namespace] as const]),
    ...(queryParameters ?? []),
  ];
  const search = parameters.map(([name, value]) => `${queryEscape(name)}=${queryEscape(value)}`);
  const url = `${serverAddress.replace(/\/+$/, "")}/api/v1/query?${search.join("&")}`;
  return authenticate(values, { url, headers: Object.fromEntries(customHeaders ?? []) });
}

/**
 * The value of an answer of `/api/v1/query` (https://prometheus.io/docs/prometheus/latest/querying/api/). A vector is a
 * list of series, of which there must be one.
 */
export function valueOfAnswer(answer: unknown, ignoresNull: boolean): number {
  const data = (answer as { readonly data?: PrometheusData } | null)?.data;
  const kind = data?.resultType ?? "vector";
  if (kind !== "vector")
    throw wrongAnswer(`the query gave a ${kind}; expected an instant vector, such as vector(…)`);
  const result = data?.result;
  if (!Array.isArray(result)) throw wrongAnswer("the answer has no result; is this Prometheus?");
  if (result.length === 0) return nothing("the query gave no result", ignoresNull);
  if (result.length > 1)
    throw wrongAnswer(
      `the query gave ${result.length} results; aggregate them to one, such as with sum()`,
    );
  const value: unknown = (result[0] as { readonly value?: unknown } | null)?.value;
  if (value === undefined || (Array.isArray(value) && value.length === 0))
    return nothing("the query gave a result without a value", ignoresNull);
  if (!Array.isArray(value) || value.length < 2)
    throw wrongAnswer("the query gave a result that is no value; it must give an instant vector");
  const text: unknown = value[1];
  if (text === null) return nothing("the query gave null", ignoresNull);
  if (typeof text === "string" && /^[+-]?(nan|inf)/i.test(text))
    return nothing(`the query gave ${text}`, ignoresNull);
  return sourceNumber(text, "what the query gave");
}

function nothing(what: string, ignoresNull: boolean): number {
  if (ignoresNull) return 0;
  throw wrongAnswer(`${what}, and ignoreNullValues is false`);
}
