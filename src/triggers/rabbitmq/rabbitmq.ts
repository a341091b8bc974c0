import type { TriggerContext } from "../../scaler/index.ts";
import { createHttpClient } from "../http/client.ts";
import { createTokenSource } from "../http/oauth2.ts";
import { queryEscape } from "../http/url.ts";
import {
  choice,
  duration,
  flag,
  integer,
  list,
  number,
  query,
  text,
  type ValuesOf,
} from "../metadata-key.ts";
import { shareConnection } from "../shared-connection.ts";
import type { TlsTexts } from "../tls.ts";
import {
  defineTriggerType,
  type SingleGauge,
  singleGauge,
  type TriggerType,
} from "../trigger-type.ts";
import { type AmqpPlace, amqpConnection, countReady } from "./broker.ts";
import { readQueues } from "./management.ts";
import { type Mode, measureQueue, modes } from "./queue-figures.ts";

const keys = {
  queueName: text({
    from: "M",
    required: true,
    says: "The queue, or with `useRegex` all that match",
  }),
  host: text({
    from: "MAE",
    required: true,
    says: "`amqp(s)://` or `http(s)://` (management API), the virtual host as its path",
  }),
  protocol: choice(["auto", "amqp", "http"], {
    from: "MA",
    fallback: "auto",
    says: "`auto`: by the URL",
  }),
  mode: choice(modes, { from: "M", says: "What is measured; all but the first over HTTP alone" }),
  value: number({
    from: "M",
    says: "The value per replica; with neither `mode` nor `value`: QueueLength and 20",
  }),
  activationValue: number({ from: "M", says: "Active above this; 0 where absent" }),
  queueLength: number({ from: "M", says: "Old spelling of mode QueueLength with this value" }),
  vhostName: text({ from: "MA", says: "Wins over the path of `host`" }),
  useRegex: flag({ from: "M", fallback: "false", says: "HTTP only" }),
  pageSize: integer({
    from: "M",
    fallback: "100",
    says: "With `useRegex`: the most queues that may match",
  }),
  operation: choice(["sum", "avg", "max"], {
    from: "M",
    fallback: "sum",
    says: "With `useRegex`: over all that match",
  }),
  excludeUnacknowledged: flag({
    from: "M",
    fallback: "false",
    says: "HTTP only: messages that a consumer holds do not count",
  }),
  timeout: duration({ from: "M", says: "HTTP only" }),
  username: text({ from: "AE", says: "Wins over that of `host`, with `password`" }),
  password: text({ from: "AE", says: "" }),
  unsafeSsl: flag({ from: "M", fallback: "false", says: "Certificates are not checked" }),
  tls: choice(["enable", "disable"], {
    from: "A",
    fallback: "disable",
    says: "Use the four below",
  }),
  ca: text({ from: "A", says: "PEM" }),
  cert: text({
    from: "A",
    says: "PEM; without a password anywhere it says who asks (SASL EXTERNAL)",
  }),
  key: text({ from: "A", says: "PEM" }),
  keyPassword: text({ from: "A", says: "" }),
  workloadIdentityResource: text({ from: "A", says: "Not supported here" }),
  oauthTokenURI: text({
    from: "A",
    says: "HTTP only: a token for the client below, instead of a password",
  }),
  clientID: text({ from: "A", says: "" }),
  clientSecret: text({ from: "A", says: "" }),
  scopes: list({ from: "A", aliases: ["scope"], says: "" }),
  endpointParams: query({ from: "A", says: "Further parameters of the request for a token" }),
};

type Values = ValuesOf<typeof keys>;

export const rabbitmq: TriggerType = defineTriggerType({
  type: "rabbitmq",
  keys,
  measures:
    "By `mode`: messages (over AMQP those that are ready, over HTTP also those that a consumer holds), or their rates",
  countsInFlight: "over HTTP (unless `excludeUnacknowledged`), not over AMQP",
  check: (values) => [
    ...problemsOfProtocol(values),
    ...problemsOfMode(values),
    ...problemsOfLogin(values),
  ],
  gauge(values, context) {
    const measuring = protocolOf(values) === "http" ? overHttp : overAmqp;
    const { mode, value } = modeOf(values);
    return singleGauge(context, {
      name: `rabbitmq-${queryEscape(values.queueName)}`,
      target: { key: "value", value },
      ...measuring(values, mode, context),
    });
  },
});

type Measuring = Pick<SingleGauge, "measure" | "timeoutMs" | "close">;

function overHttp(values: Values, mode: Mode, context: TriggerContext): Measuring {
  const { username, password, oauthTokenURI: tokenUrl, timeout, activationValue } = values;
  const timeoutMs = timeout || context.timeoutMs;
  const tls = tlsOf(values) ?? { unsafeSsl: values.unsafeSsl };
  const http = createHttpClient({ ...context, timeoutMs }, tls);
  const credentials = username !== null && password !== null ? { username, password } : null;
  const token =
    tokenUrl === null
      ? async () => ({})
      : createTokenSource(
          http,
          {
            tokenUrl,
            clientId: values.clientID ?? "",
            clientSecret: values.clientSecret ?? "",
            scopes: values.scopes ?? [],
            parameters: values.endpointParams ?? new URLSearchParams(),
          },
          context.clock,
        );
  return {
    timeoutMs,
    async measure(signal) {
      const figures = await readQueues(
        http,
        { ...values, credentials },
        await token(signal),
        signal,
      );
      return measureQueue(mode, activationValue ?? 0, figures);
    },
    close: http.release,
  };
}

function overAmqp(values: Values, mode: Mode, context: TriggerContext): Measuring {
  const { host: url, vhostName, username, password, queueName, activationValue } = values;
  const place: AmqpPlace = { url, vhostName, username, password, tls: tlsOf(values) };
  const broker = shareConnection(context, amqpConnection(place, context.timeoutMs));
  return {
    async measure(signal) {
      const messages = await broker.use(signal, (connection) =>
        countReady(connection, place, queueName),
      );
      const figures = { messages, publishRate: 0, deliverGetRate: 0 };
      return measureQueue(mode, activationValue ?? 0, figures);
    },
    close: broker.release,
  };
}

function tlsOf({ tls, ca, cert, key, keyPassword, unsafeSsl }: Values): TlsTexts | null {
  return tls === "enable" ? { ca, cert, key, keyPassword, unsafeSsl } : null;
}

function modeOf({ mode, value, queueLength }: Values): {
  readonly mode: Mode;
  readonly value: number;
} {
  if (queueLength) return { mode: "QueueLength", value: queueLength };
  return { mode: mode ?? "QueueLength", value: value || 20 };
}

function protocolOf({ protocol, host }: Values): "amqp" | "http" | null {
  if (protocol !== "auto") return protocol;
  const scheme = URL.canParse(host) ? new URL(host).protocol : "";
  if (scheme === "amqp:" || scheme === "amqps:") return "amqp";
  return scheme === "http:" || scheme === "https:" ? "http" : null;
}

function problemsOfProtocol(values: Values): readonly string[] {
  const { host, useRegex, excludeUnacknowledged, timeout } = values;
  if (!URL.canParse(host) || new URL(host).hostname === "")
    return ["host must be a URL such as amqp://user:password@broker:5672/vhost"];
  const protocol = protocolOf(values);
  if (protocol === null) return ["host must begin with amqp://, amqps://, http:// or https://"];
  if (protocol === "http") return [];
  const httpOnly = { useRegex, excludeUnacknowledged, timeout };
  return Object.entries(httpOnly)
    .filter(([, value]) => value)
    .map(([name]) => `${name} takes the protocol http; host is the broker's amqp URL`);
}

function problemsOfMode(values: Values): readonly string[] {
  const { mode, value, queueLength, pageSize } = values;
  const problems = pageSize < 1 ? ["pageSize must be 1 or more"] : [];
  if (queueLength) {
    const isMixed = mode !== null || Boolean(value);
    return isMixed
      ? [...problems, "queueLength is the old spelling of mode and value; give one or the other"]
      : problems;
  }
  if (mode === null && !value) return problems;
  if (mode === null) return [...problems, "mode is required where value is given"];
  if (!value) return [...problems, "value is required where mode is given, and more than 0"];
  if (mode !== "QueueLength" && protocolOf(values) === "amqp")
    problems.push(`mode ${mode} takes the protocol http; AMQP tells the number of messages alone`);
  return problems;
}

function problemsOfLogin(values: Values): readonly string[] {
  const { username, password, cert, key, oauthTokenURI, clientID, clientSecret } = values;
  const oauth = [oauthTokenURI, clientID, clientSecret];
  const hasOauth = oauth.some((part) => part !== null);
  const checks: readonly [boolean, string][] = [
    [
      (username === null) !== (password === null),
      "username and password go together; give both or neither",
    ],
    [(cert === null) !== (key === null), "cert and key go together; give both or neither"],
    [
      values.workloadIdentityResource !== null,
      "workloadIdentityResource is not supported here; give a user and a password",
    ],
    [hasOauth && oauth.includes(null), "oauthTokenURI, clientID and clientSecret go together"],
    [hasOauth && protocolOf(values) === "amqp", "oauthTokenURI takes the protocol http"],
    [hasOauth && username !== null, "oauthTokenURI and username exclude each other"],
  ];
  return checks.filter(([isWrong]) => isWrong).map(([, problem]) => problem);
}
