import { expect, test } from "vitest";
import { loadClient } from "./client.ts";

test("a client that is not installed is an error that says what to type", async () => {
  const load = () => import("./no-such-package.ts" as string);
  const packages = "@grpc/grpc-js@^1.13 @grpc/proto-loader@^0.8";
  await expect(loadClient(packages, "the trigger external", load)).rejects.toMatchObject({
    code: "CLIENT_MISSING",
    message:
      "the trigger external needs @grpc/grpc-js @grpc/proto-loader: npm install @grpc/grpc-js@^1.13 @grpc/proto-loader@^0.8",
  });
});

test("what a package exports by default is taken, or all of it", async () => {
  const named = await loadClient("a", "b", async () => ({ x: 1 }));
  expect(named).toEqual({ x: 1 });
  expect(await loadClient("a", "b", async () => ({ default: { x: 2 } }))).toEqual({ x: 2 });
});
