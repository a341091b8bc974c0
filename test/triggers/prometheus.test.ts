import { afterAll, beforeAll, expect, test } from "vitest";
import { sharedServer, whyNoServer } from "../support/servers.ts";
import { type HttpServer, startHttpServer } from "./http-server.ts";
import { createTriggerBed } from "./trigger-bed.ts";

const missing = whyNoServer("prometheus");
const it = test.skipIf(missing !== null);
const bed = createTriggerBed();

let serverAddress = "";
let stand: HttpServer;
beforeAll(async () => {
  stand = await startHttpServer(({ url = "" }) => {
    if (url.startsWith("/silent")) return null;
    if (url.startsWith("/down")) return { status: 503, body: "starting" };
    if (url.startsWith("/page")) return { body: "<html>" };
    if (url.startsWith("/moved"))
      return { status: 307, headers: { location: url.replace("/moved", "/there") } };
    const value = url.includes("null") ? null : "4";
    return {
      body: JSON.stringify({ data: { resultType: "vector", result: [{ value: [1, value] }] } }),
    };
  });
  if (missing !== null) return console.log(`skipped: ${missing}`);
  serverAddress = (await sharedServer("prometheus")).url;
}, 60_000);
afterAll(async () => {
  await bed.close();
  await stand.close();
});

const read = (query: string, more: Record<string, string> = {}) =>
  bed.read("prometheus", { serverAddress, query, threshold: "5", ...more });

it.each([
  ["vector(7)", 7],
  ["vector(0.0626)", 0.063],
  ["vector(1) + 1", 2],
  ["nothing_is_called_so", 0],
  ["vector(0) / 0", 0],
  ["vector(1) / 0", 0],
])("%s gives %d", async (query, value) => {
  expect(await read(query)).toEqual({ metricName: "s0-prometheus", value, active: value > 0 });
});

it.each([
  ["nothing_is_called_so", "no result"],
  ["vector(0) / 0", "NaN"],
  ["vector(1) / 0", "+Inf"],
])("%s is an error when nulls are not ignored", async (query, problem) => {
  await expect(read(query, { ignoreNullValues: "false" })).rejects.toThrow(problem);
});

it.each([
  ['label_replace(vector(1), "a", "b", "", "") or vector(2)', "gave 2 results"],
  ["vector(-3)", "is -3"],
  ["7", "gave a scalar"],
  ["sum(", "answered 400"],
])("%s is an error", async (query, problem) => {
  await expect(read(query)).rejects.toMatchObject({
    code: "TRIGGER_FAILED",
    message: expect.stringContaining(problem),
  });
});

it("is active above the threshold of activation, not at it", async () => {
  expect(await read("vector(5)", { activationThreshold: "5" })).toMatchObject({ active: false });
});

const ask = (path: string, more: Record<string, string> = {}, parameters = {}, timeoutMs = 3000) =>
  bed.read(
    "prometheus",
    { serverAddress: `${stand.url}${path}`, query: "q", threshold: "5", ...more },
    { parameters, timeoutMs },
  );

test("sends the time, further parameters, headers and who asks", async () => {
  const more = {
    query: "a + b",
    namespace: "shop",
    queryParameters: "p=1,q=x y",
    customHeaders: "X-Scope=team",
    authModes: "basic,custom",
  };
  await ask("", more, {
    username: "me",
    password: "secret",
    customAuthHeader: "X-Who",
    customAuthValue: "us",
  });
  const { url, headers } = stand.requests.at(-1) ?? {};
  expect(url).toMatch(
    /^\/api\/v1\/query\?query=a\+%2B\+b&time=20\d\d-\d\d-\d\dT\d\d%3A\d\d%3A\d\dZ&namespace=shop&p=1&q=x\+y$/,
  );
  expect(headers).toMatchObject({
    "x-scope": "team",
    "x-who": "us",
    authorization: `Basic ${Buffer.from("me:secret").toString("base64")}`,
  });
  await ask("", { authModes: "bearer" }, { bearerToken: "t" });
  expect(stand.requests.at(-1)?.headers.authorization).toBe("Bearer t");
});

test("follows a redirect", async () => {
  expect(await ask("/moved")).toMatchObject({ value: 4 });
  expect(stand.requests.at(-1)?.url).toMatch(/^\/there\/api/);
});

test("null is no result", async () => {
  expect(await ask("/null")).toMatchObject({ value: 0 });
  await expect(ask("/null", { ignoreNullValues: "0" })).rejects.toThrow("gave null");
});

test("fails when the server is down, silent, gone or something else", async () => {
  await expect(ask("/down")).rejects.toThrow("/down/api/v1/query answered 503: starting");
  await expect(ask("/page")).rejects.toThrow("is no JSON");
  await expect(ask("/silent", {}, {}, 300)).rejects.toThrow("no answer within 300ms");
  await expect(ask("/silent", { timeout: "50ms" })).rejects.toThrow("no answer within 50ms");
  const gone = { serverAddress: "http://127.0.0.1:1", query: "q", threshold: "1" };
  await expect(bed.read("prometheus", gone)).rejects.toThrow("ECONNREFUSED");
});

test("shares its connections: four at most to one server", async () => {
  const before = stand.connections;
  await Promise.all(Array.from({ length: 40 }, () => ask("")));
  expect(stand.connections - before).toBeLessThanOrEqual(4);
});

const good = { serverAddress: "http://h", query: "q", threshold: "1" };

test.each([
  [{ ...good, serverAddress: "" }, {}, "serverAddress is required"],
  [{ ...good, serverAddress: "h:9090" }, {}, "must be a URL"],
  [{ ...good, query: "" }, {}, "query is required"],
  [{ ...good, threshold: "" }, {}, "threshold is required"],
  [{ ...good, threshold: "one" }, {}, "threshold must be a number"],
  [{ ...good, threshold: "0" }, {}, "threshold must be more than 0"],
  [{ ...good, ignoreNullValues: "xxxx" }, {}, "ignoreNullValues must be true or false"],
  [{ ...good, customHeaders: "a" }, {}, "customHeaders must be key=value"],
  [{ ...good, authModes: "bearer" }, {}, "needs bearerToken"],
  [{ ...good, authModes: "tls" }, { cert: "c" }, "needs key"],
  [{ ...good, authModes: "basic,bearer" }, { username: "u", token: "t" }, "exclude each other"],
  [{ ...good, authModes: "kerberos" }, {}, "authModes must be one of"],
])("refuses %j with %j", async (metadata, parameters, problem) => {
  await expect(bed.create("prometheus", metadata, { parameters })).rejects.toThrow(problem);
});
