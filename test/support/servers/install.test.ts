import { expect, test } from "vitest";
import { find, type Machine, type Needed, whyMissing } from "./install.ts";

const needed: Needed = {
  program: "brokerd",
  folders: () => ["/usr/lib/broker"],
  debianPackage: "broker",
  variable: "SLUICE_TEST_BROKER_URL",
};

/** A machine with these files, where the package brings `brings`, and what was installed on it. */
function machine(about: Partial<Machine> & { files?: string[]; brings?: string } = {}) {
  const { files = [], brings, ...rest } = about;
  const installed: string[] = [];
  const made: Machine = {
    env: { PATH: "/usr/bin:/opt/bin" },
    isDebian: true,
    isRoot: true,
    isExecutable: (path) => files.includes(path),
    async install(name) {
      installed.push(name);
      if (brings !== undefined) files.push(brings);
    },
    ...rest,
  };
  return { made, installed };
}

test.each([
  [["/opt/bin/brokerd"], "/opt/bin/brokerd"],
  [["/opt/bin/brokerd", "/usr/lib/broker/brokerd"], "/usr/lib/broker/brokerd"],
])("a program that is there is used, its own folder first: %j", async (files, path) => {
  const { made, installed } = machine({ files });
  expect(whyMissing(needed, made)).toBeNull();
  expect(await find(needed, made)).toBe(path);
  expect(installed).toEqual([]);
});

test("a missing program is installed by root on Debian", async () => {
  const { made, installed } = machine({ brings: "/usr/bin/brokerd" });
  expect(whyMissing(needed, made)).toBeNull();
  expect(await find(needed, made)).toBe("/usr/bin/brokerd");
  expect(installed).toEqual(["broker"]);
});

test.each([
  [{ isDebian: false }, "this is not Debian"],
  [{ isRoot: false }, "installing it takes root"],
])("where it cannot be installed, the reason and the way out are told: %j", async (about, why) => {
  const { made, installed } = machine(about);
  const text = `brokerd is not installed and ${why}: install it, or set SLUICE_TEST_BROKER_URL`;
  expect(whyMissing(needed, made)).toBe(text);
  await expect(find(needed, made)).rejects.toThrow(text);
  expect(installed).toEqual([]);
});

test("a package that does not bring the program is told of", async () => {
  const { made } = machine();
  await expect(find(needed, made)).rejects.toThrow("its Debian package did not bring it");
});

test("a server that is named needs no program", () => {
  const { made } = machine({ isDebian: false, env: { SLUICE_TEST_BROKER_URL: "x:" } });
  expect(whyMissing(needed, made)).toBeNull();
});
