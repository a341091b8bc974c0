import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { test } from "../support/cli.ts";

const fixture = fileURLToPath(new URL("fixtures/fill-disk.mjs", import.meta.url));
const mount = 'mount -t tmpfs -o size=12m tmpfs "$1"';

/** How to get a mount namespace of one's own on this machine: as root, as a user where that is allowed, or not at all. */
function waysToMount(): readonly string[] | null {
  const ways = [
    ["unshare", "-m"],
    ["unshare", "-rm"],
  ] as const;
  const works = ([program, flags]: readonly [string, string]): boolean =>
    spawnSync(program, [flags, "sh", "-c", mount, "sh", "/mnt"]).status === 0;
  return ways.find(works) ?? null;
}

interface Report {
  readonly confirmed: readonly string[];
  readonly refused: readonly string[];
  readonly codes: readonly string[];
  readonly whenFull: readonly string[];
  readonly receiveWhenFull: string;
  readonly confirmedAfterwards: number;
  readonly afterwards: readonly string[];
  readonly worked: readonly string[];
}

test("a full disk refuses publishes, keeps every confirmed one, and goes on once there is room", async ({
  cli,
  skip,
}) => {
  const way = waysToMount();
  if (way === null) return skip("this user may not mount a small disk (unshare -m, unshare -rm)");
  const disk = cli.path("disk");
  mkdirSync(disk);
  const inside = `${mount} && exec "$2" "$3" "$1"`;
  const filler = cli.spawn([...way, "sh", "-c", inside, "sh", disk, process.execPath, fixture]);
  const ended = await filler.ended();
  expect(ended).toMatchObject({ status: 0, stderr: "" });
  const report: Report = JSON.parse(ended.stdout);

  expect(report.codes).toEqual(["STORE_FULL"]);
  expect(report.confirmed.length).toBeGreaterThan(100);
  expect(report.refused.length).toBeGreaterThanOrEqual(40);
  const confirmedThen = report.confirmed.slice(0, -report.confirmedAfterwards);
  expect(report.whenFull).toEqual(confirmedThen);
  expect(["done", "STORE_FULL"]).toContain(report.receiveWhenFull);
  expect(report.confirmedAfterwards).toBe(20);
  expect(new Set(report.afterwards)).toEqual(new Set(report.confirmed));
  expect(report.worked.toSorted()).toEqual(report.confirmed.toSorted());
  console.log(
    `a full disk: ${report.confirmed.length} confirmed, ${report.refused.length} refused;`,
    `receive on it: ${report.receiveWhenFull}`,
  );
});
