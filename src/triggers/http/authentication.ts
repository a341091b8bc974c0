/** How a trigger says who it is over HTTP: KEDA's `authModes`, as prometheus and metrics-api share them. */
import { choice, choiceList, type MetadataKey, text } from "../metadata-key.ts";
import type { TlsTexts } from "../tls.ts";
import { basic, type HttpRequest } from "./client.ts";

const modes = ["apiKey", "basic", "tls", "bearer", "custom", "oauth"] as const;

type Mode = (typeof modes)[number];
type Text = MetadataKey<string | null>;

/** The keys. */
export const authenticationKeys: {
  readonly authModes: MetadataKey<readonly Mode[] | null>;
  readonly username: Text;
  readonly password: Text;
  readonly bearerToken: Text;
  readonly ca: Text;
  readonly cert: Text;
  readonly key: Text;
  readonly apiKey: Text;
  readonly method: MetadataKey<"header" | "query">;
  readonly keyParamName: Text;
  readonly customAuthHeader: Text;
  readonly customAuthValue: Text;
} = {
  authModes: choiceList(modes, {
    from: "MA",
    aliases: ["authMode"],
    says: "Several of `apiKey`, `basic`, `tls`, `bearer`, `custom`; not both of `basic` and `bearer`",
  }),
  username: text({ from: "A", says: "For `basic`" }),
  password: text({ from: "A", says: "For `basic`" }),
  bearerToken: text({ from: "A", aliases: ["token"], says: "For `bearer`" }),
  ca: text({ from: "A", says: "PEM, trusted beside the usual authorities" }),
  cert: text({ from: "A", says: "For `tls`, PEM" }),
  key: text({ from: "A", says: "For `tls`, PEM" }),
  apiKey: text({ from: "MA", says: "For `apiKey`" }),
  method: choice(["header", "query"], { from: "MA", fallback: "header", says: "For `apiKey`" }),
  keyParamName: text({
    from: "MA",
    says: "For `apiKey`; `X-API-KEY` in a header and `api_key` in a query where absent",
  }),
  customAuthHeader: text({ from: "A", says: "For `custom`" }),
  customAuthValue: text({ from: "A", says: "For `custom`" }),
};

/** Their values. */
export type AuthenticationValues = {
  readonly [Name in keyof typeof authenticationKeys]: (typeof authenticationKeys)[Name] extends MetadataKey<
    infer Value
  >
    ? Value
    : never;
};

/** What each mode needs. */
const needed: Readonly<Record<Mode, readonly (keyof AuthenticationValues)[]>> = {
  apiKey: ["apiKey"],
  basic: ["username"],
  tls: ["cert", "key"],
  bearer: ["bearerToken"],
  custom: ["customAuthHeader", "customAuthValue"],
  oauth: [],
};

/** What is wrong with them together. */
export function problemsOfAuthentication(values: AuthenticationValues): readonly string[] {
  const enabled = values.authModes ?? [];
  const problems = enabled.flatMap((mode) =>
    needed[mode]
      .filter((name) => values[name] === null)
      .map((name) => `authModes ${mode} needs ${name} of the authenticationRef`),
  );
  if (enabled.includes("basic") && enabled.includes("bearer"))
    problems.push("authModes basic and bearer exclude each other");
  if (enabled.includes("oauth")) problems.push("authModes oauth is not supported here; use bearer");
  return problems;
}

/** The request with what says who asks. */
export function authenticate(values: AuthenticationValues, request: HttpRequest): HttpRequest {
  const { keyParamName, apiKey, method } = values;
  const has = (mode: Mode): boolean => values.authModes?.includes(mode) ?? false;
  const url = new URL(request.url);
  if (has("apiKey") && method === "query")
    url.searchParams.set(keyParamName ?? "api_key", apiKey ?? "");
  const headers = {
    ...request.headers,
    ...(has("apiKey") && method === "header" && { [keyParamName ?? "X-API-KEY"]: apiKey ?? "" }),
    ...(has("custom") && { [values.customAuthHeader ?? ""]: values.customAuthValue ?? "" }),
    ...(has("basic") && basic(values.username ?? "", values.password ?? "")),
    ...(has("bearer") && { authorization: `Bearer ${values.bearerToken}` }),
  };
  return { ...request, url: has("apiKey") ? url.href : request.url, headers };
}

/** TLS by the same values. */
export function tlsOf(values: AuthenticationValues, unsafeSsl: boolean): TlsTexts {
  const { ca, cert, key, authModes } = values;
  const enabled = authModes ?? [];
  return {
    unsafeSsl,
    ...(enabled.length > 0 && { ca }),
    ...(enabled.includes("tls") && { cert, key }),
  };
}
