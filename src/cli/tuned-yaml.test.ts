import { describe, expect, test } from "vitest";
import { parseSpecs } from "../specs/index.ts";
import { tunedYaml } from "./tuned-yaml.ts";

const fields = [
  { path: ["spec", "pollingInterval"], value: 5 },
  { path: ["spec", "triggers", 0, "metadata", "listLength"], value: "50" },
  {
    path: [
      ...["spec", "advanced", "horizontalPodAutoscalerConfig", "behavior"],
      ...["scaleDown", "stabilizationWindowSeconds"],
    ],
    value: 30,
  },
];

const header = "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\n";
const spec = `spec:
  scaleTargetRef: {name: w}
  triggers:
  - {type: redis, metadata: {listName: q}}
`;

/** What is read of the tuned text. */
function tuned(text: string, place = 0) {
  const object = parseSpecs(text, "so.yaml").scaledObjects[place];
  if (object === undefined) throw new Error("no ScaledObject");
  const yaml = tunedYaml({ object, text, fields });
  const read = parseSpecs(yaml, "tuned.yaml").scaledObjects;
  return { yaml, read: read[0], count: read.length };
}

function expectTuned({ read, count }: ReturnType<typeof tuned>): void {
  expect(count).toBe(1);
  expect(read?.spec.pollingInterval).toBe(5);
  expect(read?.spec.triggers[0]?.metadata).toEqual({ listName: "q", listLength: "50" });
  const { behavior } = read?.spec.advanced.horizontalPodAutoscalerConfig ?? {};
  expect(behavior?.scaleDown?.stabilizationWindowSeconds).toBe(30);
}

describe("tuned YAML", () => {
  test("is the object's own, comments and style and all", () => {
    const outcome = tuned(`# mine\n${header}metadata: {name: w}\n${spec}`);
    expectTuned(outcome);
    expect(outcome.yaml).toMatch(/^# mine\n.*metadata: {name: w}\n.*\n {2}- {type: redis/s);
  });

  test("is the object alone where the file has others", () => {
    const other = `${header}metadata: {name: other}\n${spec.replace("name: w", "name: other")}`;
    const outcome = tuned(`${other}---\n${header}metadata: {name: w}\n${spec}`, 1);
    expectTuned(outcome);
    expect(outcome.read?.metadata.name).toBe("w");
  });

  test("is the object of a list, as kubectl prints it", () => {
    const item = (name: string): string =>
      `- ${`${header}metadata: {name: ${name}}\n${spec.replace("name: w", `name: ${name}`)}`.trimEnd().replaceAll("\n", "\n  ")}\n`;
    const outcome = tuned(`apiVersion: v1\nkind: List\nitems:\n${item("other")}${item("w")}`, 1);
    expectTuned(outcome);
    expect(outcome.read?.metadata.name).toBe("w");
  });

  test("has a place where there is a key without a value, or an alias", () => {
    expectTuned(tuned(`${header}metadata: {name: w}\n${spec}  advanced:\n`));
    const alias = spec
      .replace("  triggers:\n  -", "  triggers:\n  - &one")
      .replace("spec:", "x-y: &n {name: w}\nspec:")
      .replace("{name: w}\n  triggers", "*n\n  triggers");
    const named = `${header}metadata: {name: w}\n${alias}`.replace("x-y: &n {name: w}\n", "");
    const text = named.replace("metadata: {name: w}", "metadata: &n {name: w}");
    expectTuned(tuned(text));
  });

  test("is JSON where the file is", () => {
    const text = JSON.stringify({
      ...{ apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", metadata: { name: "w" } },
      spec: {
        scaleTargetRef: { name: "w" },
        triggers: [{ type: "redis", metadata: { listName: "q" } }],
      },
    });
    expectTuned(tuned(text));
  });
});
