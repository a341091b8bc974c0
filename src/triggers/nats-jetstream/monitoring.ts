/** NATS's monitoring endpoints (https://docs.nats.io/running-a-nats-service/nats_admin/monitoring), as far as a consumer is counted. */
import { wrongAnswer } from "../failure.ts";
import { type HttpClient, parseJson, shownUrl } from "../http/client.ts";

/** Which consumer is counted. */
export interface ConsumerQuestion {
  /** `http://host:8222`. */
  readonly endpoint: string;
  readonly account: string | null;
  readonly accountID: string;
  readonly stream: string;
  readonly consumer: string;
}

interface Jsz {
  readonly account_details?: readonly {
    readonly id?: string;
    readonly name?: string;
    readonly stream_detail?: readonly StreamDetail[];
  }[];
  readonly meta_cluster?: { readonly cluster_size?: number };
}

interface StreamDetail {
  readonly name?: string;
  readonly consumer_detail?: readonly ConsumerDetail[];
}

interface ConsumerDetail {
  readonly name?: string;
  readonly num_pending?: unknown;
  readonly num_ack_pending?: unknown;
  readonly cluster?: { readonly leader?: string };
}

interface Varz {
  readonly connect_urls?: readonly string[];
  readonly cluster?: { readonly urls?: readonly string[] };
  readonly server_name?: string;
}

type Ask = (url: string) => Promise<unknown>;

/**
 * Reads the lag of a consumer, in a cluster from the node that leads it, which is remembered until it leads no more. The
 * stand-in for KEDA's own search (pkg/scalers/nats_jetstream_scaler.go).
 */
export function createLagReader(
  http: HttpClient,
  question: ConsumerQuestion,
): (signal: AbortSignal) => Promise<number> {
  let leader: { readonly name: string; readonly endpoint: string } | null = null;

  return async (signal) => {
    const ask: Ask = async (url) => parseJson(await http.text({ url }, signal), url);
    if (leader !== null) {
      const known = leader;
      const found = find(await askNode(ask, known.endpoint, question), question);
      if (found?.cluster?.leader === known.name) return lagOf(found);
      leader = null;
    }
    const jsz = await askNode(ask, question.endpoint, question);
    if ((jsz.meta_cluster?.cluster_size ?? 0) <= 1) return lagOf(required(jsz, question));
    const led = await findLeader(ask, question);
    leader = led.leader;
    return lagOf(led.consumer);
  };
}

async function askNode(ask: Ask, endpoint: string, question: ConsumerQuestion): Promise<Jsz> {
  const url = new URL("/jsz", endpoint);
  url.search = String(
    new URLSearchParams({ acc: question.accountID, config: "true", consumers: "true" }),
  );
  return ((await ask(url.href)) ?? {}) as Jsz;
}

interface Led {
  readonly leader: { readonly name: string; readonly endpoint: string };
  readonly consumer: ConsumerDetail;
}

async function findLeader(ask: Ask, question: ConsumerQuestion): Promise<Led> {
  const varz = (await ask(new URL("/varz", question.endpoint).href)) as Varz;
  const advertised = varz.connect_urls ?? [];
  const nodes =
    advertised.length > 0
      ? advertised.map((url) => advertisedNode(ask, question, url))
      : (varz.cluster?.urls ?? []).map((url) => namedNode(question, url));
  for (const node of nodes) {
    const { name, endpoint } = await node;
    const consumer = find(await askNode(ask, endpoint, question), question);
    if (consumer?.cluster?.leader === name) return { leader: { name, endpoint }, consumer };
  }
  throw wrongAnswer(`no node of the NATS cluster leads the consumer ${question.consumer}`);
}

interface Node {
  readonly name: string;
  readonly endpoint: string;
}

/** A node that tells clients its address: all monitor at the same port. */
async function advertisedNode(ask: Ask, question: ConsumerQuestion, url: string): Promise<Node> {
  const endpoint = new URL(question.endpoint);
  endpoint.hostname = url.replace(/:\d+$/, "");
  const { server_name: name = "" } = (await ask(new URL("/varz", endpoint).href)) as Varz;
  return { name, endpoint: endpoint.href };
}

/** A node that is a name before the endpoint's host, as in a StatefulSet behind a headless Service. */
async function namedNode({ endpoint }: ConsumerQuestion, url: string): Promise<Node> {
  const [name = ""] = url.split(".");
  const own = new URL(endpoint);
  own.hostname = `${name}.${own.hostname}`;
  return { name, endpoint: own.href };
}

function find(jsz: Jsz, question: ConsumerQuestion): ConsumerDetail | null {
  return (
    streamsOf(jsz, question)
      .flatMap(({ consumer_detail: consumers = [] }) => consumers)
      .find(({ name }) => name === question.consumer) ?? null
  );
}

function streamsOf(jsz: Jsz, question: ConsumerQuestion): readonly StreamDetail[] {
  return (jsz.account_details ?? [])
    .filter(({ id, name }) => id === question.accountID || name === question.account)
    .flatMap(({ stream_detail: streams = [] }) => streams)
    .filter(({ name }) => name === question.stream);
}

function required(jsz: Jsz, question: ConsumerQuestion): ConsumerDetail {
  const { stream, consumer, endpoint, accountID } = question;
  const found = find(jsz, question);
  if (found !== null) return found;
  const where = `at ${shownUrl(endpoint)}`;
  throw streamsOf(jsz, question).length === 0
    ? wrongAnswer(`there is no stream ${stream} in the account ${accountID} ${where}`)
    : wrongAnswer(`there is no consumer ${consumer} of the stream ${stream} ${where}`);
}

/** What is not delivered yet, and what is delivered and not acknowledged. */
function lagOf({ num_pending: pending = 0, num_ack_pending: held = 0 }: ConsumerDetail): number {
  if (typeof pending !== "number" || typeof held !== "number")
    throw wrongAnswer("NATS tells no numbers of the consumer");
  return pending + held;
}
