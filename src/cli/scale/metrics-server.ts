import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { InvalidArgumentError } from "commander";
import { SluiceError } from "../../core/index.ts";

/** Where to listen. */
export interface MetricsAddress {
  readonly host: string;
  readonly port: number;
}

/** Answers Prometheus. */
export interface MetricsServer {
  readonly url: string;
  close(): Promise<void>;
}

/** A port on the loopback interface, or host:port. */
export function parseMetricsAddress(text: string): MetricsAddress {
  const [, host = "127.0.0.1", digits = ""] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits !== "" && port <= 65_535) return { host: host.replace(/^\[(.*)\]$/, "$1"), port };
  throw new InvalidArgumentError("Expected a port such as 9090, or host:port.");
}

/** Serves `GET /metrics`. Port 0 takes a free one. Throws `OPTION_INVALID` where it cannot listen. */
export async function serveMetrics(
  { host, port }: MetricsAddress,
  text: () => string,
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const isAsked = request.method === "GET" && request.url?.split("?")[0] === "/metrics";
    if (!isAsked) {
      response.writeHead(404).end("GET /metrics\n");
      return;
    }
    response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
    response.end(text());
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const message = `--metrics must name an address that is free on this machine; listening on ${host}:${port} failed: ${cause.message}.`;
      reject(new SluiceError("OPTION_INVALID", message, { cause }));
    });
    server.listen(port, host, resolve);
  });
  const { port: taken } = server.address() as AddressInfo; // it listens on a port
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${taken}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
