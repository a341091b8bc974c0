import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import {
  authentication,
  data,
  deployment,
  read,
  scaledJob,
  scaledObject,
  trigger,
} from "./fixtures/samples.ts";
import { type ResolveOptions, resolveTrigger } from "./resolve-trigger.ts";

type Tree = Readonly<Record<string, unknown>>;

const folder = mkdtempSync(join(tmpdir(), "sluice-auth-"));
afterAll(() => rmSync(folder, { recursive: true }));

const withLogin = (parts: Tree = {}) => trigger({ authenticationRef: { name: "login", ...parts } });

/** Resolves the first trigger of the first object that scales. */
async function resolve(objects: readonly Tree[], options: ResolveOptions = {}) {
  const set = read(...objects);
  const owner = set.scaledObjects[0] ?? set.scaledJobs[0];
  const first = owner?.spec.triggers[0];
  if (owner === undefined || first === undefined) throw new Error("there is no trigger");
  return resolveTrigger(set, owner, first, options);
}

const object = (parts: Tree = {}) => scaledObject({ triggers: [withLogin(parts)] });
const secret = data("Secret", "s", { k: "from the Secret", other: "o" });
const config = data("ConfigMap", "c", { k: "from the ConfigMap" });
const inSecret = { secretTargetRef: [{ parameter: "p", name: "s", key: "k" }] };
const inConfig = { configMapTargetRef: [{ parameter: "p", name: "c", key: "k" }] };
const inEnv = { env: [{ parameter: "p", name: "P" }] };
const worker = deployment({ env: [{ name: "P", value: "from the environment" }] });
const all = [object(), secret, config, worker];

describe("parameters", () => {
  test("are none without an authentication", async () => {
    const nothing = { parameters: {}, podIdentity: null, env: {} };
    expect(await resolve([scaledObject()])).toEqual(nothing);
  });

  test.each([
    [inEnv, "from the environment"],
    [{ ...inEnv, ...inConfig }, "from the ConfigMap"],
    [{ ...inSecret, ...inConfig, ...inEnv }, "from the Secret"],
  ])(
    "come from the environment, ConfigMaps and Secrets, the later one winning: %#",
    async (spec, value) => {
      const { parameters } = await resolve([...all, authentication(spec)]);
      expect(parameters).toEqual({ p: value });
    },
  );

  test("of different names stand side by side", async () => {
    const other = { parameter: "q", name: "s", key: "other" };
    const spec = { ...inConfig, secretTargetRef: [other] };
    const { parameters } = await resolve([...all, authentication(spec)]);
    expect(parameters).toEqual({ p: "from the ConfigMap", q: "o" });
  });

  test("of a variable come from the container that is named", async () => {
    const two = {
      ...worker,
      spec: {
        template: {
          spec: {
            containers: [{ name: "main" }, { name: "side", env: [{ name: "P", value: "beside" }] }],
          },
        },
      },
    };
    const spec = { env: [{ parameter: "p", name: "P", containerName: "side" }] };
    const { parameters } = await resolve([object(), two, authentication(spec)]);
    expect(parameters).toEqual({ p: "beside" });
  });

  test("of the cluster's kind come from KEDA's own namespace", async () => {
    const cluster = authentication(inSecret, "ClusterTriggerAuthentication");
    const ref = { kind: "ClusterTriggerAuthentication" };
    const there = { ...secret, metadata: { name: "s", namespace: "keda" } };
    expect((await resolve([object(ref), cluster, there])).parameters).toEqual({
      p: "from the Secret",
    });
    await expect(resolve([object(ref), cluster, secret])).rejects.toThrow(
      "p: Secret keda/s was not read (there is one in default)",
    );
    const options = { clusterNamespace: "default" };
    expect((await resolve([object(ref), cluster, secret], options)).parameters).toEqual({
      p: "from the Secret",
    });
  });

  test("of a ScaledJob come from its own pods", async () => {
    const env = [{ name: "P", value: "of the job" }];
    const template = { spec: { containers: [{ name: "main", env }] } };
    const job = scaledJob({ jobTargetRef: { template }, triggers: [withLogin()] });
    expect((await resolve([job, authentication(inEnv)])).parameters).toEqual({ p: "of the job" });
  });
});

describe("what is missing is said, all of it, and where", () => {
  test("an authentication", async () => {
    await expect(resolve([object()])).rejects.toMatchObject({
      code: "SPEC_REFERENCE_MISSING",
      message:
        "test.yaml:1 (ScaledObject default/worker) trigger 0 (redis) needs what is not there: TriggerAuthentication default/login was not read. Give the files that hold it with -f as well, or correct the name.",
    });
  });

  test("an authentication of another namespace or kind", async () => {
    const elsewhere = { ...authentication({}), metadata: { name: "login", namespace: "prod" } };
    await expect(resolve([object(), elsewhere])).rejects.toThrow("default/login was not read");
    const cluster = authentication({}, "ClusterTriggerAuthentication");
    await expect(resolve([object(), cluster])).rejects.toThrow("default/login was not read");
  });

  test("Secrets, keys and variables together", async () => {
    const spec = {
      secretTargetRef: [
        { parameter: "a", name: "gone", key: "k" },
        { parameter: "b", name: "s", key: "gone" },
      ],
      env: [{ parameter: "c", name: "GONE" }],
    };
    const error: unknown = await resolve([...all, authentication(spec)]).catch((e) => e);
    expect(String(error)).toContain("c: the container of the target has no variable GONE; ");
    expect(String(error)).toContain("a: Secret default/gone was not read; ");
    expect(String(error)).toContain("b: Secret default/s has no key gone; it has k, other");
    expect(String(error)).not.toContain("from the Secret");
  });

  test("the workload, where its environment is wanted", async () => {
    await expect(resolve([object(), authentication(inEnv)])).rejects.toThrow(
      "Deployment default/worker was not read",
    );
  });

  test("the container that is named", async () => {
    const ref = { name: "worker", envSourceContainerName: "side" };
    const wanting = scaledObject({ scaleTargetRef: ref, triggers: [withLogin()] });
    await expect(resolve([wanting, worker, authentication(inEnv)])).rejects.toThrow(
      "the target has no container side; it has main",
    );
  });
});

describe("vaults and token services", () => {
  test("are refused with what to write instead", async () => {
    const spec = { azureKeyVault: { vaultUri: "https://v", secrets: [] } };
    await expect(resolve([object(), authentication(spec)])).rejects.toMatchObject({
      code: "SPEC_UNSUPPORTED",
      message: expect.stringContaining("it has azureKeyVault. Give the value with secretTargetRef"),
    });
  });
});

describe("a file", () => {
  const cluster = (filePath: string) =>
    authentication({ ...inEnv, ...inSecret, filePath }, "ClusterTriggerAuthentication");
  const resolveFile = (filePath: string, options: ResolveOptions) =>
    resolve([object({ kind: "ClusterTriggerAuthentication" }), worker, cluster(filePath)], options);
  const options = { authenticationRoot: folder };

  test("ends what comes after it: Secrets are not asked", async () => {
    writeFileSync(join(folder, "good.json"), '{"q":"from the file"}');
    expect((await resolveFile("good.json", options)).parameters).toEqual({
      p: "from the environment",
      q: "from the file",
    });
    expect((await resolveFile("/good.json", options)).parameters).toHaveProperty("q");
  });

  test("is refused without a folder to read below, and outside of it", async () => {
    await expect(resolveFile("good.json", {})).rejects.toMatchObject({ code: "SPEC_UNSUPPORTED" });
    await expect(resolveFile("../x.json", options)).rejects.toThrow(
      "must not lead out of its folder",
    );
  });

  test("must be a JSON object of texts, and is never shown", async () => {
    for (const text of ['{"q": 31337}', '["31337"]', "31337", '{"q": "31337']) await check(text);
    async function check(text: string): Promise<void> {
      writeFileSync(join(folder, "bad.json"), text);
      const error: unknown = await resolveFile("bad.json", options).catch((e) => e);
      expect(String(error)).toContain("must be a JSON object of texts");
      expect(String(error)).not.toContain("31337");
    }
    await expect(resolveFile("gone.json", options)).rejects.toThrow("ENOENT");
  });
});

describe("the environment for ...FromEnv", () => {
  const fromEnv = trigger({ metadata: { listName: "jobs", passwordFromEnv: "P" } });

  test("is the container's where a key asks for it, else empty", async () => {
    const wanting = scaledObject({ triggers: [fromEnv] });
    expect((await resolve([wanting, worker])).env).toEqual({ P: "from the environment" });
    expect((await resolve([scaledObject(), worker])).env).toEqual({});
  });

  test("is this process's for a local command that no workload stands behind", async () => {
    const annotations = { "sluice.dev/local-command": "node worker.js" };
    const wanting = scaledObject({ triggers: [fromEnv] }, { annotations });
    const options = { processEnv: { P: "of this process", EMPTY: undefined } };
    expect((await resolve([wanting], options)).env).toEqual({ P: "of this process" });
    expect((await resolve([wanting, worker], options)).env).toEqual({ P: "from the environment" });
  });

  test("fails where the workload or a Secret of it is missing", async () => {
    const wanting = scaledObject({ triggers: [fromEnv] });
    await expect(resolve([wanting])).rejects.toThrow("Deployment default/worker was not read");
    const needy = deployment({ envFrom: [{ secretRef: { name: "gone" } }] });
    await expect(resolve([wanting, needy])).rejects.toThrow("Secret default/gone was not read");
  });
});

test.each([
  ["none", null],
  ["azure-workload", "azure-workload"],
])("the pod identity %s is %s", async (provider, expected) => {
  const { podIdentity } = await resolve([object(), authentication({ podIdentity: { provider } })]);
  expect(podIdentity?.provider ?? null).toBe(expected);
});
