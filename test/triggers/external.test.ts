import { loadPackageDefinition, Server, ServerCredentials, status } from "@grpc/grpc-js";
import { fromJSON } from "@grpc/proto-loader";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createVirtualClock } from "../../src/testing/index.ts";
import { descriptor, loadOptions } from "../../src/triggers/external/protocol.ts";
import { until } from "../support/until.ts";
import { createTriggerBed } from "./trigger-bed.ts";

/** What the scaler of the test answers, and what it was asked. */
interface Stand {
  specs: readonly object[];
  values: readonly object[];
  isActive: boolean;
  failing: string | null;
  readonly asked: unknown[];
  readonly streams: Set<{ write(answer: object): void; end(): void }>;
}

const stand: Stand = {
  specs: [],
  values: [],
  isActive: true,
  failing: null,
  asked: [],
  streams: new Set(),
};
const bed = createTriggerBed();
let server: Server;
let scalerAddress = "";

type Done = (error: object | null, answer?: object) => void;

beforeAll(async () => {
  const { externalscaler } = loadPackageDefinition(fromJSON(descriptor, loadOptions)) as never as {
    externalscaler: { ExternalScaler: { service: never } };
  };
  const answer =
    (method: string, give: () => object) =>
    ({ request }: { request: unknown }, done: Done) => {
      stand.asked.push([method, request]);
      if (stand.failing === method) done({ code: status.INTERNAL, details: "cannot count" });
      else done(null, give());
    };
  server = new Server();
  server.addService(externalscaler.ExternalScaler.service, {
    GetMetricSpec: answer("GetMetricSpec", () => ({ metricSpecs: stand.specs })),
    GetMetrics: answer("GetMetrics", () => ({ metricValues: stand.values })),
    IsActive: answer("IsActive", () => ({ result: stand.isActive })),
    StreamIsActive(call: Stand["streams"] extends Set<infer S> ? S & NodeJS.EventEmitter : never) {
      stand.streams.add(call);
      call.on("cancelled", () => stand.streams.delete(call));
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  scalerAddress = `127.0.0.1:${port}`;
});
beforeEach(() => {
  stand.specs = [{ metricName: "queue", targetSize: 5 }];
  stand.values = [{ metricName: "queue", metricValue: 12 }];
  stand.isActive = true;
  stand.failing = null;
  stand.asked.length = 0;
});
afterAll(async () => {
  await bed.close();
  server.forceShutdown();
});

const create = (more: Record<string, string> = {}, changes = {}) =>
  bed.create("external", { scalerAddress, ...more }, changes);

test("asks for metrics, value and activity, handing over all metadata", async () => {
  const trigger = await create(
    { longitude: "9.9", tokenFromEnv: "TOKEN", goneFromEnv: "GONE" },
    { env: { TOKEN: "t" } },
  );
  expect(await trigger.metricSpecs()).toEqual([
    { metricName: "s0-queue", metricType: "AverageValue", target: 5 },
  ]);
  expect(await trigger.read()).toEqual([{ metricName: "s0-queue", value: 12, active: true }]);
  const ref = {
    name: "mailer",
    namespace: "shop",
    scalerMetadata: { scalerAddress, longitude: "9.9", tokenFromEnv: "t" },
  };
  expect(stand.asked.at(-2)).toEqual(["GetMetrics", { scaledObjectRef: ref, metricName: "queue" }]);
  expect(stand.asked.at(-1)).toEqual(["IsActive", ref]);
});

test("its IsActive decides, whatever the value; numbers with decimals win", async () => {
  stand.isActive = false;
  stand.specs = [{ metricName: "queue", targetSize: 5, targetSizeFloat: 0.5 }];
  stand.values = [{ metricValue: 12, metricValueFloat: 12.34567 }];
  const trigger = await create();
  expect(await trigger.metricSpecs()).toMatchObject([{ target: 0.5 }]);
  expect(await trigger.read()).toMatchObject([{ value: 12.346, active: false }]);
});

test("may have several metrics, and several values of one, which add up", async () => {
  stand.specs = [
    { metricName: "a", targetSize: 1 },
    { metricName: "b", targetSize: 2 },
  ];
  stand.values = [{ metricValue: 3 }, { metricValue: 4 }];
  expect(await (await create()).read()).toMatchObject([
    { metricName: "s0-a", value: 7 },
    { metricName: "s0-b", value: 7 },
  ]);
});

test.each([
  ["a negative value", { values: [{ metricValue: -1 }] }, "is -1"],
  ["no value", { values: [] }, "gave no value"],
  ["no metric", { specs: [] }, "gave no metric"],
  ["a target of 0", { specs: [{ metricName: "a" }] }, "expected more than 0"],
  ["an error of IsActive", { failing: "IsActive" }, "cannot count"],
  ["an error of GetMetrics", { failing: "GetMetrics" }, "cannot count"],
])("%s is an error", async (_, changes, problem) => {
  Object.assign(stand, changes);
  await expect((await create()).read()).rejects.toMatchObject({
    code: "TRIGGER_FAILED",
    message: expect.stringContaining(problem),
  });
});

test("a scaler that is not there is an error", async () => {
  const trigger = await create({ scalerAddress: "127.0.0.1:1" });
  await expect(trigger.read()).rejects.toMatchObject({ code: "TRIGGER_FAILED", retryable: true });
});

test("external-push tells of work at once, and streams again when the stream ended", async () => {
  const clock = createVirtualClock();
  const trigger = await bed.create("external-push", { scalerAddress }, { clock });
  let pushes = 0;
  trigger.watch?.(() => {
    pushes += 1;
  });
  const streaming = { withinMs: 5000, what: "a stream" };
  await until(() => stand.streams.size === 1, streaming);
  const [first] = stand.streams;
  first?.write({ result: false });
  first?.write({ result: true });
  await until(() => pushes === 1, { withinMs: 5000, what: "a push" });
  first?.end();
  stand.streams.clear();
  await until(() => clock.armedTimers === 1, { withinMs: 5000, what: "the wait" });
  await clock.advance(2000);
  await until(() => stand.streams.size === 1, streaming);
  await trigger.close();
  await until(() => stand.streams.size === 0, { withinMs: 5000, what: "the end of the stream" });
  expect(clock.armedTimers).toBe(0);
});

test("plain external watches nothing", async () => {
  expect((await create()).watch).toBeUndefined();
});

test.each([
  [{}, {}, "scalerAddress is required"],
  [{ scalerAddress: "h:1" }, { tlsClientCert: "c" }, "go together"],
])("refuses %j with %j", async (metadata, parameters, problem) => {
  await expect(bed.create("external", metadata, { parameters })).rejects.toThrow(problem);
});
