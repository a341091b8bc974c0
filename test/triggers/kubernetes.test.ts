import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { type HttpServer, startHttpServer } from "./http-server.ts";
import { createTriggerBed } from "./trigger-bed.ts";

const pods = [
  ["web", "a", "Running"],
  ["web", "a", "Pending"],
  ["web", "", "Pending"],
  ["web", "b", "Unknown"],
  ["web", "c", "Succeeded"],
  ["web", "d", "Failed"],
].map(([, nodeName, phase]) => ({ spec: { nodeName }, status: { phase } }));

const bed = createTriggerBed();
const folder = mkdtempSync(join(tmpdir(), "sluice-kubeconfig-"));
let server: HttpServer;

beforeAll(async () => {
  // The part of the API that is asked, page by page.
  server = await startHttpServer(({ url = "", headers }) => {
    const { pathname, searchParams } = new URL(url, "http://x");
    if (headers.authorization !== "Bearer t0ken") return { status: 401, body: "Unauthorized" };
    if (pathname !== "/api/v1/namespaces/shop/pods") return { status: 404 };
    if (searchParams.get("labelSelector") !== "app=web") return { body: '{"items":[]}' };
    const from = Number(searchParams.get("continue") ?? 0);
    const rest = from + 4 < pods.length ? { continue: String(from + 4) } : {};
    return { body: JSON.stringify({ items: pods.slice(from, from + 4), metadata: rest }) };
  });
});
afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  await bed.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

function useKubeconfig(user: object): void {
  const file = join(folder, "config");
  const config = {
    "current-context": "c",
    contexts: [{ name: "c", context: { cluster: "k", user: "u" } }],
    clusters: [{ name: "k", cluster: { server: server.url } }],
    users: [{ name: "u", user }],
  };
  writeFileSync(file, JSON.stringify(config));
  vi.stubEnv("KUBECONFIG", file);
}

const read = (more: Record<string, string> = {}) =>
  bed.read("kubernetes-workload", { podSelector: "app=web", value: "2", ...more });

test("counts pods that have neither succeeded nor failed, or their nodes", async () => {
  useKubeconfig({ token: "t0ken" });
  expect(await read()).toEqual({ metricName: "s0-workload-shop", value: 4, active: true });
  expect(await read({ groupByNode: "true" })).toMatchObject({ value: 2 });
  expect(await read({ podSelector: "app=none" })).toMatchObject({ value: 0, active: false });
  expect(await read({ activationValue: "4" })).toMatchObject({ active: false });
});

test("fails where the cluster refuses us, and where there is none", async () => {
  useKubeconfig({ token: "other" });
  await expect(read()).rejects.toThrow("answered 401: Unauthorized");
  useKubeconfig({ exec: { command: "aws" } });
  await expect(read()).rejects.toThrow("credentials from a program");
  vi.stubEnv("KUBECONFIG", "");
  vi.stubEnv("KUBERNETES_SERVICE_HOST", "");
  vi.stubEnv("HOME", folder);
  await expect(read()).rejects.toThrow("there is no Kubernetes cluster to ask");
});

test.each([
  ["kubernetes-workload", { value: "2" }, "podSelector is required"],
  ["kubernetes-workload", { podSelector: "a=b" }, "value must be more than 0"],
  ["cpu", { value: "60" }, "the cpu of pods is known to a Kubernetes cluster"],
  ["memory", { value: "60" }, "the memory of pods is known to a Kubernetes cluster"],
])("%s refuses %j", async (type, metadata, problem) => {
  await expect(bed.create(type, metadata)).rejects.toMatchObject({
    code: "TRIGGER_INVALID",
    message: expect.stringContaining(problem),
  });
});
