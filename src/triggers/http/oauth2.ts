import type { Clock } from "../../core/index.ts";
import { wrongAnswer } from "../failure.ts";
import { basic, type HttpClient, parseJson, shownUrl } from "./client.ts";

/** A client that gets its tokens for its own credentials (RFC 6749, 4.4). */
export interface OAuth2Client {
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[];
  readonly parameters: URLSearchParams;
}

/** A token is replaced this long before it ends. */
const reserveMs = 10_000;

/** Tells the authorization header, fetching a token when there is none that holds. */
export function createTokenSource(
  http: HttpClient,
  client: OAuth2Client,
  clock: Clock,
): (signal: AbortSignal) => Promise<Readonly<Record<string, string>>> {
  let token = { value: "", endsAt: 0 };
  return async (signal) => {
    if (token.endsAt <= clock.now()) token = await fetchToken(http, client, clock, signal);
    return { authorization: `Bearer ${token.value}` };
  };
}

async function fetchToken(
  http: HttpClient,
  { tokenUrl, clientId, clientSecret, scopes, parameters }: OAuth2Client,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ readonly value: string; readonly endsAt: number }> {
  const form = new URLSearchParams(parameters);
  form.set("grant_type", "client_credentials");
  if (scopes.length > 0) form.set("scope", scopes.join(" "));
  const headers = {
    ...basic(encodeURIComponent(clientId), encodeURIComponent(clientSecret)),
    "content-type": "application/x-www-form-urlencoded",
  };
  const text = await http.text({ url: tokenUrl, headers, body: form.toString() }, signal);
  const answer = parseJson(text, tokenUrl) as {
    readonly access_token?: unknown;
    readonly expires_in?: unknown;
  } | null;
  const value = answer?.access_token;
  if (typeof value !== "string" || value === "")
    throw wrongAnswer(`the answer of ${shownUrl(tokenUrl)} has no access_token`);
  const seconds = Number(answer?.expires_in);
  const lifeMs = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 - reserveMs : 0;
  return { value, endsAt: clock.now() + lifeMs };
}
