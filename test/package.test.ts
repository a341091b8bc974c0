/**
 * The package as users get it: packed, installed into an empty project, imported, run and compiled against.
 */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "sluice-package-"));
const project = join(folder, "project");
const isWindows = process.platform === "win32";

/** What npm says when it cannot reach the registry and has not kept what it needs. */
const isOffline = /ENOTCACHED|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH/;

async function run(command: string, args: readonly string[], cwd = project): Promise<string> {
  const { stdout } = await promisify(execFile)(command, [...args], { cwd, shell: isWindows });
  return stdout;
}

const manifest: { readonly version: string; readonly exports: Readonly<Record<string, unknown>> } =
  JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** What `npm pack --json` says of a tarball. */
interface Tarball {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

/** Every path that a program may import. */
const subpaths: readonly string[] = [
  "sluice",
  "sluice/drivers/memory",
  "sluice/drivers/postgres",
  "sluice/drivers/rabbitmq",
  "sluice/drivers/azure-service-bus",
  "sluice/drivers/redis",
  "sluice/drivers/sqlite",
  "sluice/testing",
];

const consumer = `
import { connect, defineJob, defineWorker, startWorker } from "sluice";
import { memoryDriver } from "sluice/drivers/memory";
import { sqliteDriver, type SqliteOptions } from "sluice/drivers/sqlite";
import { createVirtualClock, driverConformance } from "sluice/testing";

const options: SqliteOptions = { path: "jobs.db" };
const greet = defineJob<{ name: string }>("greet");
const definition = defineWorker({ handlers: [greet.handle(({ name }) => name.toUpperCase())] });
const sluice = await connect("memory:", { clock: createVirtualClock() });
const id: string = await sluice.publish(greet, { name: "Ada" });
await startWorker(definition, sluice).drain();
export const seen = [id, memoryDriver(), await sqliteDriver(options), driverConformance.length];
// @ts-expect-error: the job's type reaches the publisher
await sluice.publish(greet, { nam: "Ada" });
`;

describe.concurrent("the packed package", () => {
  let packed: readonly string[] = [];
  let unreachable: string | null = null;

  beforeAll(async () => {
    mkdirSync(project);
    // Without scripts: dist/ is what the script before the tests has built, and other tests run it meanwhile.
    const pack = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
    const [tarball]: readonly [Tarball] = JSON.parse(await run("npm", pack, root));
    packed = tarball.files.map((file) => file.path);
    writeFileSync(join(project, "package.json"), '{"private":true,"type":"module"}');
    const install = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"];
    await run("npm", [...install, join(folder, tarball.filename)]).catch((error: Error) => {
      if (!isOffline.test(error.message)) throw error;
      unreachable = "the npm registry cannot be reached, and npm has not kept what it needs";
    });
  }, 180_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("holds the build and its papers, and no test, source or fixture", () => {
    const strange = packed.filter(
      (path) =>
        !/^(dist\/|README\.md$|LICENSE$|package\.json$)/.test(path) ||
        /\btest\.|fixtures\//.test(path),
    );
    expect(strange).toEqual([]);
    expect(packed).toEqual(expect.arrayContaining(["README.md", "LICENSE", "dist/cli/main.js"]));
  });

  test("can be imported by every path that it exports", async ({ skip }) => {
    if (unreachable !== null) skip(unreachable);
    const imports = subpaths.map((path) => `Object.keys(await import("${path}")).length`);
    const program = `console.log(JSON.stringify([${imports.join(", ")}]))`;
    const counts: readonly number[] = JSON.parse(
      await run(process.execPath, ["--input-type=module", "-e", program]),
    );
    expect(counts).toHaveLength(subpaths.length);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });

  test("exports no path that is not tried here", () => {
    const found = packed
      .map((path) => /^dist\/((?:drivers\/[\w-]+|testing)\/)?index\.js$/.exec(path))
      .flatMap((match) => (match === null ? [] : [`sluice/${match[1] ?? ""}`.replace(/\/$/, "")]));
    const isHidden = (path: string): boolean =>
      manifest.exports[path.replace("sluice", ".")] === null;
    expect(found.filter((path) => !isHidden(path)).sort()).toEqual([...subpaths].sort());
    expect(manifest.exports).toMatchObject({ "./drivers/sql": null });
    expect(Object.keys(manifest.exports)).toHaveLength(4);
  });

  test("runs as a command", async ({ skip }) => {
    if (unreachable !== null) skip(unreachable);
    const command = join(project, "node_modules/.bin/sluice");
    expect((await run(command, ["--version"])).trim()).toBe(manifest.version);
  });

  test("has types that a program compiles against", async ({ skip }) => {
    if (unreachable !== null) skip(unreachable);
    writeFileSync(join(project, "consumer.ts"), consumer);
    const compilerOptions = {
      module: "NodeNext",
      target: "ES2023",
      strict: true,
      noEmit: true,
      types: ["node"],
      typeRoots: [join(root, "node_modules/@types")],
    };
    const settings = { compilerOptions, include: ["consumer.ts"] };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify(settings));
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const ended = await run(process.execPath, [tsc, "-p", ".", "--pretty", "false"]).catch(
      (error: unknown) => (error as { readonly stdout: string }).stdout,
    );
    expect(ended).toBe("");
  });
});
