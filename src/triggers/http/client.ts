/** HTTP for triggers: connections kept and shared, redirects followed, every answer bounded. */
import {
  Agent,
  type IncomingMessage,
  type RequestOptions,
  request as requestHttp,
} from "node:http";
import { request as requestHttps, Agent as TlsAgent } from "node:https";
import type { ConnectionHold } from "../../scaler/index.ts";
import { noAnswer, reasonOf, wrongAnswer } from "../failure.ts";
import { createLanes, type Lanes, within } from "../lanes.ts";
import type { Sharing } from "../shared-connection.ts";
import { type TlsTexts, tlsOptions } from "../tls.ts";

/** What is asked. A user and a password in the URL are sent as basic authentication. */
export interface HttpRequest {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes it a POST. */
  readonly body?: string;
}

/** An answer, of any status. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** See the top of this file. */
export interface HttpClient {
  /** Rejects when there is no answer. */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer>;
  /** The body of an answer of status 2xx, or of `status` alone. Rejects with any other. */
  text(request: HttpRequest, signal: AbortSignal, status?: number): Promise<string>;
  /** Gives up the hold on the connections. */
  release(): void;
}

/** Connections by host, and the order in which triggers use those of each. */
interface Agents {
  readonly http: Agent;
  readonly https: TlsAgent;
  readonly lanes: Map<string, Lanes>;
}

/** Connections to one host. */
const mostSockets = 4;
const settings = { keepAlive: true, maxSockets: mostSockets, timeout: 90_000 } as const;
/** As with Go's client. */
const mostRedirects = 10;
const mostBytes = 16 * 1024 * 1024;

/**
 * A client that shares its connections with all others of the same TLS settings. Each request has the time-out, from its
 * turn at one of the connections to its host.
 */
export function createHttpClient(
  { connections, clock, timeoutMs: ms }: Sharing,
  tls: TlsTexts = {},
): HttpClient {
  const options = tlsOptions(tls);
  let held: Promise<ConnectionHold<Agents>> | null = null;

  function agents(): Promise<ConnectionHold<Agents>> {
    held ??= connections.hold(`http ${JSON.stringify(tls)}`, openAgents, closeAgents);
    return held;
  }

  const openAgents = async (): Promise<Agents> => ({
    http: new Agent(settings),
    https: new TlsAgent({ ...settings, ...options }),
    lanes: new Map(),
  });

  async function send(
    request: HttpRequest,
    signal: AbortSignal,
    redirects = 0,
  ): Promise<HttpAnswer> {
    const { connection } = await agents();
    const { message, body } = await lanesTo(connection, request.url).pass(signal, () =>
      within({ clock, ms, signal }, (limited) => exchange(request, connection, limited)),
    );
    const status = message.statusCode ?? 0;
    const { location } = message.headers;
    if (![301, 302, 303, 307, 308].includes(status) || location === undefined)
      return { status, body };
    if (redirects === mostRedirects)
      throw wrongAnswer(`${shownUrl(request.url)} redirects more than ${mostRedirects} times`);
    return send(redirected(request, location), signal, redirects + 1);
  }

  return {
    send: (request, signal) => send(request, signal),
    async text(request, signal, wanted) {
      const { status, body } = await send(request, signal);
      const isRight = wanted === undefined ? status >= 200 && status < 300 : status === wanted;
      if (isRight) return body;
      const said = body.trim().split("\n", 1)[0]?.slice(0, 160) ?? "";
      const message = `${shownUrl(request.url)} answered ${status}${said === "" ? "" : `: ${said}`}`;
      throw status >= 500 ? noAnswer(message) : wrongAnswer(message);
    },
    release() {
      held?.then(
        ({ release }) => release(),
        () => undefined, // told to whoever waited for it
      );
      held = null;
    },
  };
}

function lanesTo({ lanes }: Agents, url: string): Lanes {
  const { origin } = new URL(url);
  const found = lanes.get(origin) ?? createLanes(mostSockets);
  lanes.set(origin, found);
  return found;
}

async function closeAgents({ http, https }: Agents): Promise<void> {
  http.destroy();
  https.destroy();
}

/** Headers of ours, which may hold a key, do not go to another host. */
function redirected(request: HttpRequest, location: string): HttpRequest {
  const from = new URL(request.url);
  if (!URL.canParse(location, from.href))
    throw wrongAnswer(`${shownUrl(request.url)} redirects to what is no URL`);
  const to = new URL(location, from);
  if (to.origin !== from.origin) return { url: to.href };
  to.username = from.username;
  to.password = from.password;
  return { ...request, url: to.href };
}

interface Exchange {
  readonly message: IncomingMessage;
  readonly body: string;
}

function exchange(request: HttpRequest, agents: Agents, signal: AbortSignal): Promise<Exchange> {
  const url = new URL(request.url);
  const isTls = url.protocol === "https:";
  const options: RequestOptions = {
    method: request.body === undefined ? "GET" : "POST",
    agent: isTls ? agents.https : agents.http,
    headers: { accept: "*/*", ...credentialsOf(url), ...request.headers },
    signal,
  };
  url.username = "";
  url.password = "";
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void =>
      reject(noAnswer(`${shownUrl(request.url)} cannot be read: ${reasonOf(error)}`, error));
    const send = isTls ? requestHttps : requestHttp;
    const sent = send(url, options, (message) => {
      readBody(message, request.url).then((body) => resolve({ message, body }), reject);
      message.on("error", fail);
    });
    sent.on("error", fail);
    sent.end(request.body);
  });
}

function credentialsOf({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === "" && password === "") return {};
  return basic(decodeURIComponent(username), decodeURIComponent(password));
}

/** The header of basic authentication. */
export function basic(user: string, password: string): Readonly<Record<string, string>> {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` };
}

async function readBody(message: IncomingMessage, url: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  message.on("data", (chunk: Buffer) => {
    size += chunk.length;
    if (size > mostBytes) message.destroy();
    else chunks.push(chunk);
  });
  return new Promise((resolve, reject) => {
    message.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    message.on("close", () => {
      const why = size > mostBytes ? "is longer than 16 MiB" : "broke off";
      reject(wrongAnswer(`the answer of ${shownUrl(url)} ${why}`));
    });
  });
}

/** A URL as errors show it: without user, password and query, which may hold a key. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return "the URL";
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** Parses JSON. Throws a lasting failure. */
export function parseJson(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw wrongAnswer(`the answer of ${shownUrl(url)} is no JSON: ${reasonOf(error)}`, error);
  }
}
