/** AMQP with TLS and tokens of Entra ID, which end and are renewed, in a process that trusts the server's certificate. */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startPrivateServiceBus } from "../support/servers/service-bus.ts";
import { serverFolder } from "../support/servers/test-server.ts";

const rights = ["Manage", "Send", "Listen"] as const;
/** A token is valid for less than three steps, and the next one is there after one. */
const stepMs = 500;

/** The SDK renews two minutes before the end that it is told, so it is told of an end in two minutes and a step. */
const script = `
  import { azureServiceBusDriver } from "./dist/drivers/azure-service-bus/index.js";
  const { HOST: host, MANAGEMENT: management, T0: t0 } = process.env;
  const names = new Set();
  const credential = {
    async getToken() {
      const token = "entra-" + Math.floor((Date.now() - Number(t0)) / ${stepMs});
      names.add(token);
      return { token, expiresOnTimestamp: Date.now() + 120_000 + ${stepMs} };
    },
  };
  const driver = await azureServiceBusDriver({ host, management, credential });
  const message = (id) => ({ id, body: Buffer.from(id), headers: {}, delayMs: 0, priority: 0, deduplicate: false });
  await driver.publish("entra", [message("a")]);
  const [held] = await driver.receive("entra", { max: 1, waitMs: 5000, leaseMs: 30000 });
  await new Promise((resolve) => setTimeout(resolve, ${stepMs * 5}));
  await driver.publish("entra", [message("b")]);
  const settled = await driver.settle("entra", [{ receipt: held.receipt, outcome: "ack" }]);
  await driver.close();
  console.log(JSON.stringify({ settled, tokens: names.size }));
  // The SDK goes on renewing a token whose renewal was under way when it was closed.
  process.exitCode = 0;
  setTimeout(() => process.exit(), 100);
`;

test("works with TLS and tokens of Entra ID, which are renewed before they end", async ({
  skip,
}) => {
  const folder = serverFolder("service-bus-tls");
  const [key, cert] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const making = `req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout ${key} -out ${cert}`;
  if (spawnSync("openssl", making.split(" ")).status !== 0) return skip("there is no openssl");
  const tls = { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  const server = await startPrivateServiceBus({ tls });
  try {
    const [, port] = /127\.0\.0\.1:(\d+)/.exec(server.url) ?? [];
    const [, management] = /ManagementEndpoint=([^;]*)/.exec(server.url) ?? [];
    const t0 = Date.now();
    for (let step = 0; step < 60; step += 1) {
      const expiresAt = t0 + (step + 3) * stepMs;
      server.namespace.bearers.set(`entra-${step}`, { rights, expiresAt });
    }
    const env = {
      ...process.env,
      HOST: `localhost:${port}`,
      MANAGEMENT: management,
      T0: String(t0),
      NODE_EXTRA_CA_CERTS: cert,
    };
    const { text, status } = await run(env);
    expect(status).toBe(0);
    const { settled, tokens } = JSON.parse(text) as { settled: boolean[]; tokens: number };
    expect(settled).toEqual([true]);
    expect(tokens).toBeGreaterThan(3);
    expect(server.namespace.find("entra").counts().active).toBe(1);
  } finally {
    await server.close();
  }
}, 60_000);

async function run(env: NodeJS.ProcessEnv): Promise<{ text: string; status: number | null }> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { text, status };
}
