import { describe, expect, test } from "vitest";
import { describeCases } from "./fixtures/cases.ts";
import { authentication, read } from "./fixtures/samples.ts";

describe("a TriggerAuthentication", () => {
  describeCases("authentication.yaml", authentication);
});

test("the cluster's kind may have a file", () => {
  const [found] = read(
    authentication({ filePath: "a.json" }, "ClusterTriggerAuthentication"),
  ).authentications;
  expect(found).toMatchObject({
    kind: "ClusterTriggerAuthentication",
    spec: { filePath: "a.json" },
  });
});

test("blocks that are kept elsewhere are named, in KEDA's order", () => {
  const spec = {
    boundServiceAccountToken: [{ parameter: "a", serviceAccountName: "s" }],
    azureKeyVault: { vaultUri: "https://v", secrets: [] },
  };
  expect(read(authentication(spec)).authentications[0]?.spec.elsewhere).toEqual([
    "azureKeyVault",
    "boundServiceAccountToken",
  ]);
});
