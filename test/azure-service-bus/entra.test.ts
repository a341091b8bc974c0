/** AMQP with TLS and tokens of Entra ID, which end and are renewed, in a process that trusts the server's certificate. */
import { type ChildProcess, fork, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { repository } from "../support/cli.ts";
import { type ServiceBusServer, startPrivateServiceBus } from "../support/servers/service-bus.ts";
import { serverFolder } from "../support/servers/test-server.ts";

const rights = ["Manage", "Send", "Listen"] as const;
/** How long a token is valid. The next one is asked for after a fraction of it. */
const tokenMs = 4000;
/** The SDK renews two minutes before the end that it is told, so it is told of an end in two minutes and a little. */
const toldMs = 120_000 + 500;

/** Asks this process for tokens, and goes on when it is told to. */
const script = `
  const { azureServiceBusDriver } = await import(process.env.DRIVER);
  const { HOST: host, MANAGEMENT: management } = process.env;
  const asking = [];
  let goOn;
  const told = new Promise((resolve) => (goOn = resolve));
  process.on("message", (message) => (message === "go on" ? goOn() : asking.shift()(message)));
  const say = (message) => process.send(message);
  const credential = {
    getToken: () =>
      new Promise((resolve) => {
        asking.push(resolve);
        say({ is: "asking" });
      }),
  };
  const driver = await azureServiceBusDriver({ host, management, credential });
  const message = (id) => ({ id, body: Buffer.from(id), headers: {}, delayMs: 0, priority: 0, deduplicate: false });
  await driver.publish("entra", [message("a")]);
  const [held] = await driver.receive("entra", { max: 1, waitMs: 20000, leaseMs: 60000 });
  say({ is: "holding" });
  await told;
  await driver.publish("entra", [message("b")]);
  const settled = await driver.settle("entra", [{ receipt: held.receipt, outcome: "ack" }]);
  await driver.close();
  say({ is: "done", settled });
  process.disconnect();
`;

interface Said {
  readonly is: "asking" | "holding" | "done";
  readonly settled?: readonly boolean[];
}

test("works with TLS and tokens of Entra ID, which are renewed before they end", async ({
  skip,
}) => {
  const folder = serverFolder("service-bus-tls");
  const [key, cert] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const making = `req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout ${key} -out ${cert}`;
  if (spawnSync("openssl", making.split(" ")).status !== 0) return skip("there is no openssl");
  const tls = { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  const program = join(folder, "program.mjs");
  writeFileSync(program, script);
  const server = await startPrivateServiceBus({ tls });
  const child = startProgram(program, server, cert);
  try {
    const { ends, holding, done } = listenTo(child, server);
    await holding;
    // Whatever is in use from here on came by a renewal.
    await wait(Math.max(...ends) - Date.now() + 100);
    child.send("go on");
    const exit = once(child, "exit");
    expect((await done).settled).toEqual([true]);
    // No timer of a renewal keeps it alive.
    expect(await exit).toEqual([0, null]);
    expect(ends.length).toBeGreaterThan(3);
    expect(server.namespace.find("entra").counts().active).toBe(1);
  } finally {
    child.kill("SIGKILL");
    await server.close();
  }
}, 120_000);

function startProgram(program: string, { url }: ServiceBusServer, cert: string): ChildProcess {
  const [, port] = /127\.0\.0\.1:(\d+)/.exec(url) ?? [];
  const [, management] = /ManagementEndpoint=([^;]*)/.exec(url) ?? [];
  return fork(program, {
    execArgv: [],
    env: {
      ...process.env,
      DRIVER: join(repository, "dist/drivers/azure-service-bus/index.js"),
      HOST: `localhost:${port}`,
      MANAGEMENT: management,
      NODE_EXTRA_CA_CERTS: cert,
    },
  });
}

/** Gives a program its tokens. `ends`: when each of them ends. */
function listenTo(
  child: ChildProcess,
  server: ServiceBusServer,
): { readonly ends: number[]; readonly holding: Promise<Said>; readonly done: Promise<Said> } {
  const ends: number[] = [];
  const gone = once(child, "exit").then(([status]) =>
    Promise.reject(new Error(`the program ended with status ${status}`)),
  );
  const hears = (what: Said["is"]): Promise<Said> => {
    const heard = new Promise<Said>((resolve) => {
      child.on("message", (said: Said) => said.is === what && resolve(said));
    });
    const first = Promise.race([heard, gone]);
    first.catch(() => undefined);
    return first;
  };
  child.on("message", ({ is }: Said) => {
    if (is !== "asking") return;
    const now = Date.now();
    const token = `entra-${ends.length}`;
    server.namespace.bearers.set(token, { rights, expiresAt: now + tokenMs });
    ends.push(now + tokenMs);
    child.send({ token, expiresOnTimestamp: now + toldMs });
  });
  return { ends, holding: hears("holding"), done: hears("done") };
}
