import { createServer, type Server } from "node:net";

/**
 * Below the range from which systems pick ports for outgoing connections: a client that keeps connecting to a stopped
 * server would otherwise take the server's port sooner or later, or even connect to itself.
 */
const lowest = 20_000;
const highest = 32_000;
const tries = 50;

/** Ports of 127.0.0.1 that nobody listens on, all different. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held: Server[] = [];
  try {
    // Held until all are found, so that none is found twice.
    while (held.length < count) held.push(await listenSomewhere());
    return held.map(portOf);
  } finally {
    await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

async function listenSomewhere(): Promise<Server> {
  for (let attempt = 0; attempt < tries; attempt += 1) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    const server = await listen(port).catch(() => null);
    if (server !== null) return server;
  }
  throw new Error(`no free port from ${lowest} to ${highest} in ${tries} tries`);
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP server");
  return address.port;
}
