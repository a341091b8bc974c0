/**
 * The rooms of src/ and the arrows between them, read from the sources. Fails on an arrow that is not drawn here, on one
 * that goes past a door, on a cycle, and on a file that has grown too long.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative, sep } from "node:path";
import { describe, expect, test } from "vitest";

/** What a room may import besides itself and `node:*`: rooms at their doors, and packages. */
interface Room {
  readonly rooms: readonly string[];
  readonly packages?: readonly string[];
  /** Packages that may only be imported when they are needed, since they may not be there. */
  readonly optional?: readonly string[];
}

const everyRoom = [
  "main",
  "core",
  "drivers",
  "worker",
  "specs",
  "scaler",
  "triggers",
  "targets",
  "simulator",
  "testing",
];

/** `main` is src/index.ts. A new driver is one more entry, with its client library among `optional`. */
const rooms: Readonly<Record<string, Room>> = {
  core: { rooms: [], optional: ["@opentelemetry/api"] },
  "drivers/azure-service-bus": {
    rooms: ["core"],
    optional: ["@azure/identity", "@azure/service-bus"],
  },
  "drivers/memory": { rooms: ["core"] },
  "drivers/postgres": { rooms: ["core", "drivers/sql"], optional: ["pg"] },
  "drivers/rabbitmq": { rooms: ["core"], optional: ["amqplib"] },
  "drivers/redis": { rooms: ["core"], optional: ["ioredis"] },
  "drivers/sql": { rooms: ["core"] },
  "drivers/sqlite": { rooms: ["core", "drivers/sql"], optional: ["@photostructure/sqlite"] },
  drivers: {
    rooms: [
      "core",
      "drivers/azure-service-bus",
      "drivers/memory",
      "drivers/postgres",
      "drivers/rabbitmq",
      "drivers/redis",
      "drivers/sqlite",
    ],
  },
  worker: { rooms: ["core"] },
  specs: { rooms: ["core"], packages: ["yaml"] },
  scaler: { rooms: ["core", "specs"] },
  triggers: {
    rooms: ["core", "specs", "scaler"],
    packages: ["croner", "yaml"],
    optional: [
      "@aws-sdk/client-sqs",
      "@grpc/grpc-js",
      "@grpc/proto-loader",
      "kafkajs",
      "amqplib",
      "fast-xml-parser",
      "ioredis",
      "mysql2/promise",
      "pg",
    ],
  },
  targets: { rooms: ["core", "specs", "scaler"] },
  simulator: { rooms: ["core", "specs", "scaler"], optional: ["highs"] },
  testing: { rooms: ["core"] },
  main: { rooms: ["core", "drivers", "worker"] },
  cli: { rooms: everyRoom, packages: ["commander", "log-update", "picocolors", "yaml"] },
};

const longestFile = 400;
const longestTest = 700;
const emptyNames =
  /\b(utils?|helpers?|managers?|misc|adapters?|providers?|processors?|backends?)\b/;

/** Source texts by path from src/, with `/`. */
type Sources = ReadonlyMap<string, string>;

interface Import {
  readonly specifier: string;
  readonly kind: "static" | "type" | "dynamic";
}

const staticImport = /^(?:import|export)\s+(type\s+)?(?:[\w*{][^;"']*?\sfrom\s+)?"([^"]+)"/gm;
const dynamicImport = /(typeof\s+)?\bimport\(\s*"([^"]+)"\s*\)(\.[A-Z])?/g;

function importsOf(text: string): readonly Import[] {
  const code = text.replaceAll(/^\s*(\*|\/\*|\/\/).*$/gm, "");
  return [
    ...[...code.matchAll(staticImport)].map(
      ([, type, specifier = ""]): Import => ({ specifier, kind: type ? "type" : "static" }),
    ),
    ...[...code.matchAll(dynamicImport)].map(
      ([, typeOf, specifier = "", member]): Import => ({
        specifier,
        kind: typeOf || member ? "type" : "dynamic",
      }),
    ),
  ];
}

/** The room of a path from src/: the longest that is drawn, or the top folder for one that is not. */
function roomOf(path: string): string {
  if (!path.includes("/")) return "main";
  const [top = "", second = ""] = path.split("/");
  const inner = `${top}/${second}`;
  return path.split("/").length > 2 && inner in rooms ? inner : top;
}

function violations(sources: Sources): readonly string[] {
  return [...sources].flatMap(([path, text]) =>
    importsOf(text).flatMap((one) => {
      const problem = one.specifier.startsWith(".")
        ? wrongArrow(path, one.specifier)
        : wrongPackage(path, one);
      return problem === null ? [] : [`${path} imports ${one.specifier}: ${problem}`];
    }),
  );
}

function wrongArrow(path: string, specifier: string): string | null {
  const to = posix.join(posix.dirname(path), specifier);
  const [here, there] = [roomOf(path), roomOf(to)];
  if (here === there) return null;
  const allowed = rooms[here]?.rooms;
  if (allowed === undefined) return `the room ${here} is not drawn in test/architecture.test.ts`;
  if (!allowed.includes(there)) return `${here} may not import ${there}`;
  const door = there === "main" ? "index.ts" : `${there}/index.ts`;
  return to === door ? null : `${there} is entered through ${door}`;
}

function wrongPackage(path: string, { specifier, kind }: Import): string | null {
  if (specifier.startsWith("node:")) return null;
  const room = rooms[roomOf(path)];
  if (room?.packages?.includes(specifier)) return null;
  if (!room?.optional?.includes(specifier)) return `${roomOf(path)} may not import that package`;
  return kind === "static" ? "it may not be installed; import it where it is needed" : null;
}

/** Files that import each other in a circle, be it for types alone. */
function findCycle(sources: Sources): readonly string[] | null {
  const done = new Set<string>();
  function visit(path: string, trail: readonly string[]): readonly string[] | null {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path)) return null;
    done.add(path);
    for (const { specifier, kind } of importsOf(sources.get(path) ?? "")) {
      if (kind === "dynamic" || !specifier.startsWith(".")) continue;
      const cycle = visit(posix.join(posix.dirname(path), specifier), [...trail, path]);
      if (cycle !== null) return cycle;
    }
    return null;
  }
  for (const path of sources.keys()) {
    const cycle = visit(path, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

function lineCount(text: string): number {
  return text.split("\n").filter((line) => line.trim() !== "").length;
}

const root = join(import.meta.dirname, "../src");
const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => relative(root, join(root, path)).replaceAll(sep, "/"));
const texts: Sources = new Map(files.map((path) => [path, readFileSync(join(root, path), "utf8")]));
const product: Sources = new Map(
  [...texts].filter(([path]) => !path.endsWith(".test.ts") && !path.includes("/fixtures/")),
);

describe("src", () => {
  test("has only the arrows that are drawn, from door to door", () => {
    expect(violations(product)).toEqual([]);
  });

  test("has no import cycle", () => {
    expect(findCycle(product)).toBeNull();
  });

  test("has no file that is too long", () => {
    const long = [...texts]
      .map(([path, text]) => ({ path, lines: lineCount(text) }))
      .filter(({ path, lines }) => lines > (product.has(path) ? longestFile : longestTest));
    expect(long).toEqual([]);
  });

  test("has no file whose name says nothing", () => {
    expect(files.filter((path) => emptyNames.test(path))).toEqual([]);
  });

  test("has no room without a rule, and no rule without a room", () => {
    const found = new Set([...product.keys()].map(roomOf));
    expect([...found].sort()).toEqual(Object.keys(rooms).sort());
  });
});

describe("the rules", () => {
  const oneFile = (path: string, text: string): Sources => new Map([[path, text]]);

  test.each([
    ["worker/a.ts", 'import { x } from "../drivers/sqlite/store.ts";', "worker may not import"],
    [
      "worker/a.ts",
      'import {\n  type X,\n} from "../core/job.ts";',
      "entered through core/index.ts",
    ],
    ["core/a.ts", 'export * from "../worker/index.ts";', "core may not import worker"],
    ["core/a.ts", 'import type { X } from "zod";', "may not import that package"],
    ["core/a.ts", 'import { trace } from "@opentelemetry/api";', "import it where it is needed"],
    ["drivers/memory/a.ts", 'import "../sqlite/index.ts";', "may not import drivers/sqlite"],
    ["scaler/a.ts", 'const x = await import("../targets/index.ts");', "may not import targets"],
    ["sidecar/a.ts", 'import { x } from "../core/index.ts";', "is not drawn"],
  ])("refuse what %s may not: %s", (path, text, problem) => {
    expect(violations(oneFile(path, text)).join()).toContain(problem);
  });

  test("let pass what is drawn, and imports that stand in comments", () => {
    const text = [
      'import { setTimeout as wait } from "node:timers/promises";',
      'import { sleep } from "../core/index.ts";',
      'import type { Target } from "../scaler/index.ts";',
      ' * import { x } from "../cli/main.ts";',
    ].join("\n");
    expect(violations(oneFile("targets/process/a.ts", text))).toEqual([]);
  });

  test.each(["import", "import type"])("find a cycle that %s closes", (how) => {
    const sources = new Map([
      ["core/a.ts", 'import { b } from "./b.ts";'],
      ["core/b.ts", `${how} { A } from "./a.ts";`],
    ]);
    expect(findCycle(sources)).toEqual(["core/a.ts", "core/b.ts", "core/a.ts"]);
  });
});
