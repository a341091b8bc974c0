/**
 * A TCP proxy in front of a server that breaks connections as networks do.
 *
 * passing → (swallow) half-open: connections stay and nothing arrives on either side, also on new ones → (heal) passing
 * for new connections; those that were swallowed stay dead, as after a firewall that forgot them, unless `heal` is told
 * to revive them. Or passing → (mute) what clients send arrives, and no answer comes back → (heal) passing likewise.
 */
import { connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** See the top of this file. */
export interface BlackHoleProxy {
  /** The server's URL with the proxy's port. */
  readonly url: string;
  /** Accepted since the start. */
  readonly accepted: number;
  /** Open now, dead ones included, in the order in which they came. */
  readonly open: readonly number[];
  /** Everything from now on disappears, on all connections and on new ones; or only on this one of `open`. */
  swallow(connection?: number): void;
  /** What clients send goes on arriving; the answers disappear, on all connections and on new ones. */
  mute(): void;
  /** Adds a delay in each direction. */
  delay(ms: number): void;
  /** Resets every connection. Returns how many. */
  cut(): number;
  /** New connections pass without delay. `revive`: nothing of what was swallowed was lost after all. */
  heal(options?: { readonly revive?: boolean }): void;
  close(): Promise<void>;
}

/** One connection through the proxy: the client's side and the server's. */
interface Link {
  readonly number: number;
  readonly sides: readonly [Socket, Socket];
  isSwallowed: boolean;
}

interface State {
  readonly links: Set<Link>;
  accepted: number;
  swallowsAll: boolean;
  mutesAll: boolean;
  delayMs: number;
}

/** Listens on a free port of 127.0.0.1. */
export async function startBlackHoleProxy(serverUrl: string): Promise<BlackHoleProxy> {
  const { hostname, port } = new URL(serverUrl);
  const links = new Set<Link>();
  const state: State = { links, accepted: 0, swallowsAll: false, mutesAll: false, delayMs: 0 };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const number = state.accepted;
    state.accepted += 1;
    const link: Link = { number, sides: [client, upstream], isSwallowed: state.swallowsAll };
    links.add(link);
    forward(state, link, link.sides);
    forward(state, link, [upstream, client]);
    if (state.mutesAll) upstream.pause();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: withPortOf(server, serverUrl),
    get accepted() {
      return state.accepted;
    },
    get open() {
      return [...links].map((link) => link.number);
    },
    swallow(connection) {
      if (connection === undefined) state.swallowsAll = true;
      for (const link of links)
        if (connection === undefined || link.number === connection) swallow(link);
    },
    mute() {
      state.mutesAll = true;
      for (const { sides } of links) sides[1].pause(); // answers stay in the system's buffers
    },
    delay(ms) {
      state.delayMs = ms;
    },
    cut: () => resetAll(links),
    heal(options = {}) {
      state.swallowsAll = false;
      state.mutesAll = false;
      state.delayMs = 0;
      if (options.revive) for (const link of links) revive(link);
    },
    async close() {
      resetAll(links);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One direction of a connection. */
function forward(state: State, link: Link, [source, sink]: Link["sides"]): void {
  let sending = Promise.resolve();
  /** In order, each `delayMs` after it came. */
  const later = (act: () => void): void => {
    const due = Date.now() + state.delayMs;
    sending = sending.then(async () => {
      if (due > Date.now()) await wait(due - Date.now());
      if (!link.isSwallowed && !sink.destroyed) act();
    });
  };
  source.setNoDelay(true);
  source.on("data", (chunk) => later(() => sink.write(chunk)));
  source.on("end", () => later(() => sink.end()));
  source.on("error", () => undefined); // "close" follows
  source.on("close", () => {
    later(() => sink.destroy()); // unless swallowed: the other side of a black hole does not hear of it
    if (sink.destroyed) state.links.delete(link);
  });
  if (link.isSwallowed) source.pause();
}

function swallow(link: Link): void {
  link.isSwallowed = true;
  for (const side of link.sides) side.pause(); // what arrives stays in the system's buffers
}

function revive(link: Link): void {
  if (!link.isSwallowed) return;
  link.isSwallowed = false;
  for (const side of link.sides) side.resume();
}

function resetAll(links: Set<Link>): number {
  const { size } = links;
  for (const { sides } of links) for (const side of sides) side.resetAndDestroy();
  links.clear();
  return size;
}

function withPortOf(server: Server, serverUrl: string): string {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP server");
  const url = new URL(serverUrl);
  url.port = String(address.port);
  return url.href;
}
