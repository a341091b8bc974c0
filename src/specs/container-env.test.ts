import { describe, expect, test } from "vitest";
import { expandVariables, resolveContainerEnv } from "./container-env.ts";
import { data, deployment, read } from "./fixtures/samples.ts";

function resolve(container: object, ...others: readonly Readonly<Record<string, unknown>>[]) {
  const set = read(deployment({ ...container }), ...others);
  const [main] = set.workloads[0]?.template.containers ?? [];
  if (main === undefined) throw new Error("there is no container");
  return resolveContainerEnv(main, { set, namespace: "default" });
}

const login = data("Secret", "login", { user: "me", password: "hush" });
const settings = data("ConfigMap", "settings", { QUEUE: "jobs", MODE: "fast" });

describe("the environment of a container", () => {
  test("is envFrom in order, with prefixes, and env over it", () => {
    const container = {
      envFrom: [
        { configMapRef: { name: "settings" } },
        { prefix: "DB_", secretRef: { name: "login" } },
        { prefix: "", configMapRef: { name: "later" } },
      ],
      env: [{ name: "MODE", value: "slow" }],
    };
    const later = data("ConfigMap", "later", { QUEUE: "mail" });
    expect(resolve(container, login, settings, later)).toEqual({
      env: { QUEUE: "mail", MODE: "slow", DB_user: "me", DB_password: "hush" },
      missing: [],
    });
  });

  test("takes keys of Secrets and ConfigMaps", () => {
    const env = [
      { name: "A", valueFrom: { secretKeyRef: { name: "login", key: "user" } } },
      { name: "B", valueFrom: { configMapKeyRef: { name: "settings", key: "QUEUE" } } },
    ];
    expect(resolve({ env }, login, settings).env).toEqual({ A: "me", B: "jobs" });
  });

  test("expands what stands before, and nothing that comes out of a Secret", () => {
    const odd = data("Secret", "odd", { url: "$(USER)" });
    const env = [
      { name: "EARLY", value: "$(USER)" },
      { name: "USER", value: "me" },
      { name: "URL", value: "amqp://$(USER)@host" },
      { name: "RAW", valueFrom: { secretKeyRef: { name: "odd", key: "url" } } },
    ];
    expect(resolve({ env }, odd).env).toEqual({
      EARLY: "$(USER)",
      USER: "me",
      URL: "amqp://me@host",
      RAW: "$(USER)",
    });
  });

  test("leaves out what only a pod has, but for the namespace", () => {
    const field = (name: string, fieldPath: string) => ({
      name,
      valueFrom: { fieldRef: { fieldPath } },
    });
    const env = [field("IP", "status.podIP"), field("NS", "metadata.namespace")];
    expect(resolve({ env })).toEqual({ env: { NS: "default" }, missing: [] });
  });

  test("names all that is missing, unless it is optional", () => {
    const from = (name: string, ref: object) => ({ name, valueFrom: { secretKeyRef: ref } });
    const container = {
      envFrom: [{ secretRef: { name: "no" } }, { configMapRef: { name: "no", optional: true } }],
      env: [
        from("A", { name: "login", key: "token" }),
        from("B", { name: "gone", key: "x" }),
        from("C", { name: "gone", key: "x", optional: true }),
      ],
    };
    expect(resolve(container, login)).toEqual({
      env: {},
      missing: [
        "Secret default/no was not read",
        "A: Secret default/login has no key token; it has password, user",
        "B: Secret default/gone was not read",
      ],
    });
  });

  test("says where there is one of the name after all", () => {
    const elsewhere = { ...login, metadata: { name: "login", namespace: "prod" } };
    expect(resolve({ envFrom: [{ secretRef: { name: "login" } }] }, elsewhere).missing).toEqual([
      "Secret default/login was not read (there is one in prod)",
    ]);
  });
});

test.each([
  ["$(A)$(B)", "12"],
  ["$(C)", "$(C)"],
  ["$$(A)", "$(A)"],
  ["$$$(A)", "$1"],
  ["$A $[A]", "$A $[A]"],
  ["$(A", "$(A"],
  ["$(", "$("],
  ["100$", "100$"],
])("%s expands to %s", (text, expanded) => {
  const env = new Map([
    ["A", "1"],
    ["B", "2"],
  ]);
  expect(expandVariables(text, env)).toBe(expanded);
});
