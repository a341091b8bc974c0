import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type BlackHoleProxy, startBlackHoleProxy } from "./black-hole-proxy.ts";

let echo: Server;
let proxy: BlackHoleProxy;
let clients: Client[];

beforeEach(async () => {
  echo = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  proxy = await startBlackHoleProxy(`echo://127.0.0.1:${(echo.address() as AddressInfo).port}/`);
  clients = [];
});

afterEach(async () => {
  for (const { socket } of clients) socket.destroy();
  await proxy.close();
  await new Promise((resolve) => echo.close(resolve));
});

interface Client {
  readonly socket: Socket;
  readonly received: () => string;
  /** Sends and returns what has come back, in all, shortly after. */
  say(text: string): Promise<string>;
}

async function open(): Promise<Client> {
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(proxy.url).port) });
  let received = "";
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    received += text;
  });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  const client = {
    socket,
    received: () => received,
    async say(text: string) {
      socket.write(text);
      await wait(60);
      return received;
    },
  };
  clients.push(client);
  return client;
}

test("when muted, passes what clients send and keeps the answers, until new ones come after a heal", async () => {
  const seen: string[] = [];
  echo.on("connection", (socket: Socket) => socket.on("data", (chunk) => seen.push(String(chunk))));
  const before = await open();
  expect(await before.say("a")).toBe("a");
  proxy.mute();
  const during = await open();
  expect([await before.say("b"), await during.say("c")]).toEqual(["a", ""]);
  expect(seen).toEqual(["a", "b", "c"]);
  proxy.heal();
  const after = await open();
  expect([await after.say("d"), await before.say("e")]).toEqual(["d", "a"]);
});

test("passes both ways and counts connections", async () => {
  const [one, two] = [await open(), await open()];
  expect(await one.say("a")).toBe("a");
  expect(await two.say("b")).toBe("b");
  expect([proxy.accepted, proxy.open]).toEqual([2, [0, 1]]);
});

test("ends one side when the other ends", async () => {
  const { socket } = await open();
  socket.end("bye");
  await once(socket, "close");
  await wait(20);
  expect(proxy.open).toEqual([]);
});

test("swallows everything on old and new connections, which stay open", async () => {
  const old = await open();
  await old.say("a");
  proxy.swallow();
  const young = await open();
  expect(await old.say("b")).toBe("a");
  expect(await young.say("c")).toBe("");
  expect([old.socket.destroyed, young.socket.destroyed]).toEqual([false, false]);
});

test("leaves swallowed connections dead when it heals, and passes new ones", async () => {
  const old = await open();
  proxy.swallow();
  await old.say("a");
  proxy.heal();
  const young = await open();
  expect(await young.say("b")).toBe("b");
  expect(await old.say("c")).toBe("");
  expect(old.socket.destroyed).toBe(false);
});

test("delivers what was swallowed when it is told to revive", async () => {
  const old = await open();
  proxy.swallow();
  await old.say("a");
  proxy.heal({ revive: true });
  expect(await old.say("b")).toBe("ab");
});

test("swallows one connection alone", async () => {
  const [one, two] = [await open(), await open()];
  proxy.swallow(0);
  expect(await one.say("a")).toBe("");
  expect(await two.say("b")).toBe("b");
  expect(await (await open()).say("c")).toBe("c");
});

test("delays each direction", async () => {
  const client = await open();
  proxy.delay(100);
  const startedAt = Date.now();
  client.socket.write("a");
  await once(client.socket, "data");
  expect(Date.now() - startedAt).toBeGreaterThanOrEqual(195);
});

test("resets connections", async () => {
  const client = await open();
  await client.say("a");
  const error = new Promise((resolve) => client.socket.once("error", resolve));
  expect(proxy.cut()).toBe(1);
  expect(await error).toMatchObject({ code: "ECONNRESET" });
  expect(proxy.open).toEqual([]);
});
