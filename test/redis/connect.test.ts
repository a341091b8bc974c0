/** What opening a Redis URL says when something is wrong with it. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isSluiceError, systemClock } from "../../src/core/index.ts";
import { connect } from "../../src/drivers/index.ts";
import { openRedis, redisDriver } from "../../src/drivers/redis/index.ts";
import { recordingLogger } from "../support/recording-logger.ts";
import { freePorts } from "../support/servers/free-port.ts";
import { serverFolder, startPlanned } from "../support/servers/test-server.ts";
import { startRedis, type TestServer, whyNoOwnServer } from "../support/servers.ts";
import { allKeys, clientAt, drain, message, openAt } from "./redis-bed.ts";

const missing = whyNoOwnServer("redis");
const it = test.skipIf(missing !== null);
let server: TestServer;
let client: ReturnType<typeof clientAt>;

beforeAll(async () => {
  if (missing !== null) return;
  server = await startRedis();
  client = clientAt(server.url);
});
afterAll(async () => {
  client?.disconnect();
  await server?.close();
});

/** The server's URL with other parts. */
function urlWith(parts: Partial<URL>): string {
  return Object.assign(new URL(server.url), parts).href;
}

/** How opening fails, whole, as a logger that shows everything would show it. */
async function failureOf(url: string) {
  const error: unknown = await openAt(url).then(
    async (driver) => driver.close(),
    (reason: unknown) => reason,
  );
  if (!isSluiceError(error)) throw new Error(`expected a SluiceError; got ${String(error)}`);
  const { inspect } = await import("node:util");
  return {
    ...error,
    code: error.code,
    message: error.message,
    shown: inspect(error, { depth: 9 }),
  };
}

it.each([
  ["a wrong password", { password: "tops3cret" }, /WRONGPASS.*Correct user and password/],
  ["an unknown user", { username: "nobody", password: "tops3cret" }, /WRONGPASS/],
  ["no password", { password: "" }, /NOAUTH.*Put user and password/],
])("says what to do for %s, without the password", async (_what, parts, text) => {
  const failure = await failureOf(urlWith(parts));
  expect(failure).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
  expect(failure.message).toMatch(text);
  expect(failure.shown).not.toContain("tops3cret");
});

it("says that a database does not exist", async () => {
  const failure = await failureOf(urlWith({ pathname: "/99" }));
  expect(failure).toMatchObject({ code: "STORE_MISCONFIGURED", retryable: false });
  expect(failure.message).toContain("has no database 99");
});

it("uses the database of the URL, also after it had to connect anew", async () => {
  const driver = await openAt(urlWith({ pathname: "/3" }));
  await driver.publish("third", [message("a")]);
  await client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  expect(await drain(driver, "third", 100).catch(() => drain(driver, "third", 100))).toEqual(["a"]);
  expect(await client.exists("sluice:{third}:sequence")).toBe(0);
  await driver.close();
});

it("rejects at once, retryable, where nobody listens, and when TLS meets a plain server", async () => {
  const closed = createServer();
  await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
  const address = closed.address();
  const port = typeof address === "object" && address ? String(address.port) : "";
  await new Promise((resolve) => closed.close(resolve));
  for (const url of [urlWith({ port }), server.url.replace("redis:", "rediss:")])
    expect(await failureOf(url)).toMatchObject({
      code: "STORE_UNAVAILABLE",
      retryable: true,
      message: expect.stringMatching(/TLS, write rediss?:/),
    });
});

it("tells a certificate that is not trusted from a server that wants TLS", async ({ skip }) => {
  const folder = serverFolder("redis-tls");
  const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const making = `req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout ${key} -out ${certificate}`;
  if (spawnSync("openssl", making.split(" ")).status !== 0) return skip("there is no openssl");
  const [port = 0] = await freePorts(1);
  const settings = `--bind 127.0.0.1 --port 0 --tls-port ${port} --tls-cert-file ${certificate} --tls-key-file ${key} --tls-auth-clients no --dir ${folder}`;
  const secure = await startPlanned({
    folder,
    url: `rediss://localhost:${port}`,
    command: { file: "redis-server", args: settings.split(" ") },
    readyText: "Ready to accept connections",
    readyWithinMs: 10_000,
    stopSignal: "SIGTERM",
  });
  const untrusted = await failureOf(secure.url);
  expect(untrusted).toMatchObject({ code: "STORE_MISCONFIGURED", retryable: false });
  expect(untrusted.message).toMatch(/not trusted.*NODE_EXTRA_CA_CERTS/);
  const plain = await failureOf(secure.url.replace("rediss:", "redis:"));
  expect(plain).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
  expect(plain.message).toMatch(/write rediss:/);
  const options = { host: "localhost", port, tls: { ca: readFileSync(certificate) } };
  const driver = await redisDriver(options);
  await driver.publish("secure", [message("a")]);
  expect(await drain(driver, "secure", 0)).toEqual(["a"]);
  await driver.close();
  await secure.close();
});

it("works for a user with the documented permissions, and says what another lacks", async () => {
  await client.call(
    "ACL",
    "SETUSER",
    "clerk",
    "on",
    ">pw",
    "resetkeys",
    "~sluice:*",
    ...documented(),
  );
  const driver = await openAt(urlWith({ username: "clerk", password: "pw" }));
  const waiting = driver.receive("allowed", { max: 1, waitMs: 5000, leaseMs: 60_000 });
  await driver.publish("allowed", [message("a", { deduplicate: true, headers: { a: "b" } })]);
  expect(await waiting).toHaveLength(1);
  await driver.publish("allowed", [message("later", { delayMs: 30 })]);
  const [later] = await driver.receive("allowed", { max: 1, waitMs: 5000, leaseMs: 60_000 });
  const settlement = {
    receipt: later?.receipt ?? "",
    outcome: "dead-letter",
    reason: "x",
  } as const;
  expect(await driver.settle("allowed", [settlement])).toEqual([true]);
  expect(await driver.redrive?.("allowed", {})).toBe(1);
  expect(await driver.peek?.("allowed", { limit: 9 })).toHaveLength(2);
  expect(await driver.purge?.("allowed")).toBe(1);
  await driver.close();
  const before = await allKeys(client);
  const lacking = async (...rules: string[]): Promise<string> => {
    await client.call("ACL", "SETUSER", "clerk", ...rules);
    const failure = await failureOf(urlWith({ username: "clerk", password: "pw" }));
    expect(failure).toMatchObject({ code: "ACCESS_DENIED", retryable: false });
    return failure.message;
  };
  expect(await lacking("-zadd", "-hget")).toMatch(/: zadd, hget\. .*docs\/3-drivers\/redis.md/);
  expect(await lacking("+zadd", "+hget", "-incrby")).toMatch(/: incrby\. /);
  expect(await lacking("+incrby", "resetkeys", "~other:*")).toMatch(/docs\/3-drivers\/redis.md/);
  expect(await lacking("resetkeys", "~sluice:*", "-evalsha")).toMatch(/docs\/3-drivers\/redis.md/);
  expect(await allKeys(client)).toEqual(before);
});

it("lets a user look who may not write, and refuses the rest", async () => {
  const owner = await openAt(server.url);
  await owner.publish("seen", [message("a")]);
  const rules = ["on", ">pw", "resetkeys", "~sluice:*", "-@all", "+@read", "+@connection"];
  await client.call("ACL", "SETUSER", "viewer", ...rules, "+evalsha", "+eval", "+info", "+time");
  const viewer = await openRedis(urlWith({ username: "viewer", password: "pw" }), {
    clock: systemClock,
    logger: recordingLogger(),
    create: false,
  });
  expect((await viewer.depth("seen")).ready).toBe(1);
  expect(await viewer.deadLetters?.("seen", { limit: 9 })).toEqual([]);
  const denied = { code: "ACCESS_DENIED", retryable: false };
  await expect(viewer.publish("seen", [message("b")])).rejects.toMatchObject(denied);
  expect((await owner.depth("seen")).ready).toBe(1);
  await owner.close();
  await viewer.close();
});

it.each([
  ["redis:", /a host/],
  ["redis://:p@ss/w#rd@host/0", /a host|database/],
  ["redis://user:%zz@host/0", /two hexadecimal digits/],
  ["redis://host/jobs", /the number of a database/],
  ["redis://host/0?colour=red", /no parameter but/],
  ["redis://:tops3cret@host:99999/0", /a host/],
])("refuses the URL %s", async (url, text) => {
  const failure = await failureOf(url);
  expect(failure.code).toBe("URL_INVALID");
  expect(failure.message).toMatch(text);
  expect(failure.shown).not.toMatch(/tops3cret|w#rd/);
});

it("refuses a prefix that would break the keys", async () => {
  expect(await failureOf(`${server.url}?prefix={x}`)).toMatchObject({ code: "OPTION_INVALID" });
});

it("warns of eviction and of a server that saves nothing, and then does not call itself durable", async () => {
  const logger = recordingLogger();
  const set = async (settings: Readonly<Record<string, string>>): Promise<void> => {
    for (const [name, value] of Object.entries(settings)) await client.config("SET", name, value);
  };
  await set({ maxmemory: "1gb", "maxmemory-policy": "allkeys-lru", appendonly: "no" });
  const driver = await openRedis(server.url, { clock: systemClock, logger });
  expect(logger.messages("warn")).toEqual([
    expect.stringContaining("redis may delete jobs"),
    expect.stringContaining("in memory only"),
  ]);
  expect(driver.capabilities.durable).toBe(false);
  await driver.close();
  await set({ maxmemory: "0", "maxmemory-policy": "noeviction", appendonly: "yes" });
  const quiet = recordingLogger();
  const durable = await openRedis(server.url, { clock: systemClock, logger: quiet });
  expect(quiet.messages("warn")).toEqual([]);
  expect(durable.capabilities.durable).toBe(true);
  await durable.close();
});

it("refuses a body that the server would not read before it is sent, and nothing else with it", async () => {
  await client.config("SET", "proto-max-bulk-len", "1mb");
  const sluice = await connect(server.url, { logger: recordingLogger() });
  const large = "x".repeat(2 ** 20);
  const sends = [{ a: 1 }, large, { a: 2 }].map((body) => sluice.publish("bulk", body));
  const [first, second, third] = await Promise.allSettled(sends);
  expect([first?.status, third?.status]).toEqual(["fulfilled", "fulfilled"]);
  expect(second).toMatchObject({
    status: "rejected",
    reason: {
      code: "BODY_TOO_LARGE",
      retryable: false,
      message: expect.stringContaining("Raise proto-max-bulk-len"),
    },
  });
  const largest = new Uint8Array(sluice.driver.capabilities.limits.maxBodyBytes);
  await sluice.publish("bulk", largest, { headers: { "x-a": "h".repeat(60_000) } });
  expect((await sluice.depth("bulk")).ready).toBe(3);
  await sluice.close();
  await client.config("SET", "proto-max-bulk-len", "512mb");
});

it.each([
  ["a server that is too old", "redis_version:5.0.14", /needs Redis 6.2 or newer.*is 5.0.14/],
  ["a Sentinel", "redis_version:7.0.0\r\nredis_mode:sentinel", /is a Sentinel/],
])("refuses %s", async (_what, says, text) => {
  const server = createServer((socket) => {
    const info = `# Server\r\n${says}\r\n`;
    socket.on("data", () => socket.write(`$${info.length}\r\n${info}\r\n`));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const failure = await failureOf(`redis://127.0.0.1:${port}`);
  expect(failure).toMatchObject({ code: "STORE_MISCONFIGURED", retryable: false });
  expect(failure.message).toMatch(text);
  server.close();
});

it("refuses a replica", async () => {
  const replica = await startRedis();
  const own = clientAt(replica.url);
  await own.replicaof("127.0.0.1", 1);
  const failure = await failureOf(replica.url);
  expect(failure).toMatchObject({ code: "STORE_READ_ONLY", retryable: false });
  own.disconnect();
  await replica.close();
});

/** The rules as they stand in the documentation. */
function documented(): readonly string[] {
  const page = readFileSync(new URL("../../docs/3-drivers/redis.md", import.meta.url), "utf8");
  const rules = /## Permissions.*?```\n(.*?)```/s.exec(page)?.[1] ?? "";
  return ["-@all", ...rules.trim().split(/\s+/)];
}
