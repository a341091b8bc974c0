import { once } from "node:events";
import { connect, createServer } from "node:net";
import { pipeline, Transform } from "node:stream";
import { onTestFinished } from "vitest";

/**
 * A server that answers as the real one does, but for a text in its answers: the URL with the port of a proxy that ends with
 * the test. Lengths that the protocol tells stay true, so both texts are equally long.
 */
export async function pretending(serverUrl: string, from: string, to: string): Promise<string> {
  if (from.length !== to.length) throw new Error(`"${from}" and "${to}" differ in length`);
  const { hostname, port } = new URL(serverUrl);
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    const rewriting = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        done(null, Buffer.from(chunk.toString("latin1").replaceAll(from, to), "latin1"));
      },
    });
    // Either side may hang up at any time, which is no matter of the test.
    pipeline(client, server, () => undefined);
    pipeline(server, rewriting, client, () => undefined);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    proxy.close();
  });
  const address = proxy.address();
  const own = typeof address === "object" && address !== null ? address.port : 0;
  return Object.assign(new URL(serverUrl), { hostname: "127.0.0.1", port: String(own) }).href;
}
