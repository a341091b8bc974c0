/** What all triggers over HTTP share: TLS, tokens, redirects, bounds. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createVirtualClock } from "../../src/testing/index.ts";
import { type HttpServer, startHttpServer } from "./http-server.ts";
import { createTriggerBed } from "./trigger-bed.ts";

const bed = createTriggerBed();
const folder = mkdtempSync(join(tmpdir(), "sluice-certificate-"));
let plain: HttpServer;
let secure: ReturnType<typeof createServer>;
let certificate = "";
let url = "";

beforeAll(async () => {
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
  const made = ["-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2"];
  execFileSync("openssl", ["req", "-x509", ...made, ...subject], { stdio: "ignore" });
  certificate = readFileSync(cert, "utf8");
  secure = createServer({ key: readFileSync(key), cert: certificate }, (_, response) => {
    response.end('{"jobs":3}');
  });
  await new Promise<void>((resolve) => secure.listen(0, "127.0.0.1", resolve));
  url = `https://127.0.0.1:${(secure.address() as AddressInfo).port}/`;
  plain = await startHttpServer((request) => {
    if (request.url === "/token")
      return { body: '{"access_token":"abc","expires_in":60,"token_type":"bearer"}' };
    if (request.url === "/round") return { status: 302, headers: { location: "/round" } };
    if (request.url === "/huge") return { body: " ".repeat(17 * 1024 * 1024) };
    return { body: '{"messages":4,"jobs":4}' };
  });
});
afterAll(async () => {
  await bed.close();
  await plain.close();
  secure.close();
  secure.closeAllConnections();
  rmSync(folder, { recursive: true });
});

const read = (more: Record<string, string>, parameters = {}) =>
  bed.read(
    "metrics-api",
    { url, valueLocation: "jobs", targetValue: "1", ...more },
    { parameters },
  );

test("a certificate of an unknown authority is refused, unless that is trusted or nothing is checked", async () => {
  await expect(read({})).rejects.toThrow(/self-signed certificate/);
  expect(await read({ unsafeSsl: "true" })).toMatchObject({ value: 3 });
  const parameters = { apiKey: "k", ca: certificate };
  expect(await read({ authModes: "apiKey" }, parameters)).toMatchObject({ value: 3 });
});

test("redirects in a circle and answers without end are errors", async () => {
  await expect(read({ url: `${plain.url}/round` })).rejects.toThrow("more than 10 times");
  await expect(read({ url: `${plain.url}/huge` })).rejects.toThrow("longer than 16 MiB");
});

test("rabbitmq gets a token for a client, and another when it ends", async () => {
  const clock = createVirtualClock();
  const parameters = {
    oauthTokenURI: `${plain.url}/token`,
    clientID: "me",
    clientSecret: "topsecret",
    scopes: "a,b",
    endpointParams: "audience=x",
  };
  const trigger = await bed.create(
    "rabbitmq",
    { queueName: "q", host: plain.url },
    { parameters, clock },
  );
  const tokens = () => plain.requests.filter((request) => request.url === "/token").length;
  expect(await trigger.read()).toMatchObject([{ value: 4 }]);
  await trigger.read();
  expect(tokens()).toBe(1);
  expect(plain.requests.at(-1)?.headers.authorization).toBe("Bearer abc");
  await clock.advance(50_000);
  await trigger.read();
  expect(tokens()).toBe(2);
});
