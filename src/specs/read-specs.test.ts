import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, expect, test } from "vitest";
import { data, scaledObject } from "./fixtures/samples.ts";
import { readSpecs } from "./read-specs.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-specs-"));
afterAll(() => rmSync(folder, { recursive: true }));

function write(path: string, ...objects: readonly object[]): string {
  const whole = join(folder, path);
  mkdirSync(join(whole, ".."), { recursive: true });
  writeFileSync(whole, objects.map((one) => JSON.stringify(one)).join("\n---\n"));
  return whole;
}

const secret = (name: string) => data("Secret", name, { a: "b" });

test("reads folders with all below them, in the order of their names", async () => {
  write("all/b.yaml", secret("b1"), secret("b2"));
  write("all/a.yml", secret("a"));
  write("all/c/d/e.json", secret("e"));
  write("all/c/readme.md", secret("no"));
  write("all/.hidden/f.yaml", secret("no"));
  write("all/node_modules/f.yaml", secret("no"));
  symlinkSync(write("elsewhere/g.yaml", secret("g")), join(folder, "all/g.yaml"));
  const { data: read } = await readSpecs([join(folder, "all")]);
  expect(read.map(({ metadata }) => metadata.name)).toEqual(["a", "b1", "b2", "e", "g"]);
});

test("reads several paths together, and standard input as -", async () => {
  const file = write("one.yaml", scaledObject());
  const standardInput = Readable.from([JSON.stringify(secret("piped"))]);
  const set = await readSpecs([file, "-"], { standardInput });
  expect(set.scaledObjects[0]?.source.file).toBe(file);
  expect(set.data[0]?.source.file).toBe("-");
});

test("finds what does not go together across files", async () => {
  const files = [write("x.yaml", scaledObject()), write("y.yaml", scaledObject())];
  await expect(readSpecs(files)).rejects.toMatchObject({
    code: "SPEC_INVALID",
    problems: [
      { source: { file: files[1] }, message: expect.stringContaining(`in ${files[0]}:1`) },
    ],
  });
});

test("says which path cannot be read, and why", async () => {
  const missing = join(folder, "missing.yaml");
  await expect(readSpecs([missing])).rejects.toMatchObject({
    code: "SPEC_UNREADABLE",
    message: expect.stringMatching(/missing\.yaml .* failed with ENOENT/),
  });
  mkdirSync(join(folder, "empty"));
  await expect(readSpecs([join(folder, "empty")])).rejects.toMatchObject({
    code: "SPEC_UNREADABLE",
    message: expect.stringContaining("must be a folder that holds *.yaml, *.yml, *.json"),
  });
});
