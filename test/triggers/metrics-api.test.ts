import { afterAll, beforeAll, expect, test } from "vitest";
import { type HttpServer, startHttpServer } from "./http-server.ts";
import { createTriggerBed } from "./trigger-bed.ts";

const bed = createTriggerBed();
let server: HttpServer;
beforeAll(async () => {
  server = await startHttpServer(({ url = "" }) => {
    if (url.startsWith("/elsewhere"))
      return { status: 302, headers: { location: "http://localhost:1/" } };
    if (url.startsWith("/created")) return { status: 201, body: '{"jobs":1}' };
    return { body: '{"queue":{"jobs":"7"}}' };
  });
});
afterAll(async () => {
  await bed.close();
  await server.close();
});

const read = (more: Record<string, string> = {}, parameters = {}) =>
  bed.read(
    "metrics-api",
    { url: `${server.url}/stats`, valueLocation: "queue.jobs", targetValue: "2", ...more },
    { parameters },
  );

test("reads the number at a place of the answer", async () => {
  expect(await read()).toEqual({
    metricName: "s0-metric-api-queue-jobs",
    value: 7,
    active: true,
  });
  expect(await read({ activationTargetValue: "7" })).toMatchObject({ active: false });
});

test("sends an API key in a header or in the query", async () => {
  const last = () => server.requests.at(-1);
  await read({ authMode: "apiKey" }, { apiKey: "k" });
  expect(last()?.headers["x-api-key"]).toBe("k");
  await read({ authMode: "apiKey", keyParamName: "x-mine" }, { apiKey: "k" });
  expect(last()?.headers["x-mine"]).toBe("k");
  await read({ authModes: "apiKey,bearer", method: "query" }, { apiKey: "k&", token: "t" });
  expect(last()?.url).toBe("/stats?api_key=k%26");
  expect(last()?.headers.authorization).toBe("Bearer t");
});

test("takes status 200 alone", async () => {
  await expect(read({ url: `${server.url}/created` })).rejects.toThrow("answered 201");
});

test("shows no key when the request fails, nor sends it to another host", async () => {
  const more = { url: `${server.url}/elsewhere`, authMode: "apiKey", method: "query" };
  const error = await read(more, { apiKey: "topsecret" }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "TRIGGER_FAILED" });
  expect(String(error)).not.toContain("topsecret");
});

const good = { url: "http://h/", valueLocation: "a", targetValue: "42" };

test.each([
  [{ ...good, targetValue: "" }, "targetValue is required"],
  [{ ...good, targetValue: "aa" }, "targetValue must be a number"],
  [{ ...good, url: "" }, "url is required"],
  [{ ...good, url: "ftp://h" }, "url must be a URL that begins with http"],
  [{ ...good, valueLocation: "" }, "valueLocation is required"],
  [{ ...good, valueLocation: "@this" }, "not supported"],
  [{ ...good, format: "prometheus", valueLocation: "a{invalid=test}" }, "must be a metric"],
  [{ ...good, format: "csv" }, "format must be one of json, prometheus, xml, yaml"],
  [{ ...good, timeout: "-1" }, "not negative"],
  [{ ...good, timeout: "a" }, "timeout must be a duration"],
  [{ ...good, unsafeSsl: "yes" }, "unsafeSsl must be true or false"],
  [{ ...good, authMode: "apiKey" }, "needs apiKey"],
  [{ ...good, aggregateFromKubeServiceEndpoints: "true" }, "not supported here"],
])("refuses %j", async (metadata, problem) => {
  await expect(bed.create("metrics-api", metadata)).rejects.toThrow(problem);
});

test("needs no target as the source of a formula", async () => {
  const trigger = await bed.create(
    "metrics-api",
    { ...good, targetValue: "" },
    { isMetricSource: true },
  );
  expect(await trigger.metricSpecs()).toHaveLength(1);
});
