import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { startServerOf, type TestServer, whyNoServer } from "../servers.ts";
import { freePorts } from "./free-port.ts";

/** What a server's first words to a client are, or to what it says first. */
const hello = {
  postgres: "\0\0\0\x08\x04\xd2\x16\x2f", // may we encrypt? It answers S or N.
  redis: "PING\r\n",
} as const;

function answers({ url }: TestServer, name: keyof typeof hello, withinMs = 1000): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port), timeout: withinMs });
    const end = (answered: boolean) => (): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.once("data", end(true));
    for (const event of ["error", "timeout", "end"]) socket.once(event, end(false));
    socket.write(Buffer.from(hello[name], "latin1"));
  });
}

// RabbitMQ takes ten seconds to start; it is stopped, killed and paused by the tests of its driver and the fault tests.
describe.concurrent.each(["postgres", "redis"] as const)("%s", (name) => {
  test("starts, stops, is killed, pauses and leaves nothing behind", { timeout: 120_000 }, async ({
    skip,
  }) => {
    const reason = whyNoServer(name);
    if (reason !== null) skip(reason);
    const startedAt = Date.now();
    const server = await startServerOf(name);
    if (!server.isOurs) skip("the server that is used is not ours to stop");
    console.log(`${name} starts in ${Date.now() - startedAt} ms`);
    try {
      expect(await answers(server, name)).toBe(true);
      server.pause();
      expect(await answers(server, name, 200)).toBe(false);
      server.resume();
      expect(await answers(server, name)).toBe(true);
      await server.kill();
      expect(await answers(server, name)).toBe(false);
      const restartedAt = Date.now();
      await server.start();
      console.log(`${name} starts again after a kill in ${Date.now() - restartedAt} ms`);
      expect(await answers(server, name)).toBe(true);
      await server.stop();
      expect(await answers(server, name)).toBe(false);
    } finally {
      await server.close();
      await server.close();
    }
    expect(await answers(server, name)).toBe(false);
  });
});

test("finds ports that are free and all different", async () => {
  const ports = await freePorts(20);
  expect(new Set(ports).size).toBe(20);
});
