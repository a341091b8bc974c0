/**
 * The documents say what is true: links lead somewhere, tables equal the code that they show, programs compile, and the
 * reference lists every command and option.
 */
import { execFile } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { generatedDocuments, regenerateCommand } from "../scripts/capabilities.ts";
import { errorTable } from "../src/core/index.ts";

const root = join(import.meta.dirname, "..");
const cli = join(root, "dist/cli/main.js");
const run = promisify(execFile);

function listFiles(folder: string, ending: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(folder, path));
}

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const documents = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  ...listFiles("docs", ".md"),
  ...listFiles("examples", ".md"),
];

describe("README.md", () => {
  const lines = read("README.md").split("\n");

  test("shows a program by line 25", () => {
    expect(lines.indexOf("```ts")).toBeGreaterThan(-1);
    expect(lines.indexOf("```ts")).toBeLessThan(25);
  });

  test("has fewer than 150 lines", () => {
    expect(lines.length).toBeLessThan(150);
  });
});

describe("links", () => {
  /** The anchors that GitHub gives to the headings of a document. */
  function anchorsOf(path: string): readonly string[] {
    const headings = withoutCode(read(path)).matchAll(/^#+ (.+)$/gm);
    return [...headings].map(([, text = ""]) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    );
  }

  function withoutCode(text: string): string {
    return text.replaceAll(/^```.*?^```/gms, "");
  }

  test.each(documents)("of %s lead to what is there", (path) => {
    const broken = [...withoutCode(read(path)).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link = ""]) => link)
      .filter((link) => !/^https?:/.test(link))
      .filter((link) => {
        const [file = "", anchor] = link.split("#");
        const target = file === "" ? path : relative(root, join(root, dirname(path), file));
        if (!existsSync(join(root, target))) return true;
        return anchor !== undefined && !anchorsOf(target).includes(anchor);
      });
    expect(broken).toEqual([]);
  });
});

describe("docs/6-reference/errors.md", () => {
  const page = read("docs/6-reference/errors.md");
  const sections = new Map(
    page
      .split(/^## /m)
      .slice(1)
      .map((section): [string, string] => [section.split("\n")[0] ?? "", section]),
  );

  test("has a section for each code of the table, in its order, and no other", () => {
    expect([...sections.keys()]).toEqual(Object.keys(errorTable));
  });

  test.each(Object.entries(errorTable))("says of %s what the table says", (code, kind) => {
    const facts = `- Retryable: ${kind.retryable ? "yes" : "no"} · exit status: ${kind.exit} · HTTP: ${kind.http}\n`;
    const section = sections.get(code);
    expect(section).toContain(`\n\n${kind.summary}\n\n`);
    expect(section).toMatch(/^- Cause: .+\n- Cure: .+$/m);
    expect(section).toContain(facts);
  });
});

describe("capability tables", () => {
  test.each(generatedDocuments())("of $path are up to date", ({ path, present, wanted }) => {
    expect(present === wanted, `${path} is out of date; run: ${regenerateCommand}`).toBe(true);
  });
});

describe("docs/6-reference/glossary.md", () => {
  const rows = [...read("docs/6-reference/glossary.md").matchAll(/^\| ([a-z][^|]*) \| .+ \|$/gm)];
  const words = rows.map(([, word = ""]) => word).slice(1);

  test("lists its words once each, in alphabetical order", () => {
    expect(words.length).toBeGreaterThan(20);
    expect(words).toEqual([...new Set(words)].sort());
  });

  test("has every word that the concepts introduce", () => {
    const introduction = /## The words\n(.*?)\n## /s.exec(read("docs/2-concepts.md"))?.[1] ?? "";
    const introduced = [...introduction.matchAll(/\*\*([^*]+)\*\*/g)].map(([, word = ""]) => word);
    expect(introduced.length).toBeGreaterThan(10);
    expect(introduced.filter((word) => !words.includes(word))).toEqual([]);
  });
});

describe("docs/6-reference/cli.md", () => {
  interface HelpPage {
    readonly usage: string;
    readonly options: readonly string[];
    readonly commands: readonly string[];
  }

  async function helpOf(command: readonly string[]): Promise<HelpPage> {
    const { stdout } = await run(process.execPath, [cli, ...command, "--help"]);
    const [, commands = ""] = /\nCommands:\n(.*?)(?:\n\n|$)/s.exec(stdout) ?? [];
    const [, options = ""] = /\nOptions:\n(.*?)(?:\n\n|$)/s.exec(stdout) ?? [];
    const list = (text: string, item: RegExp) =>
      [...text.matchAll(item)].map(([, name = ""]) => name);
    return {
      usage: (/^Usage: (.*)$/m.exec(stdout)?.[1] ?? "").replace(" [options]", ""),
      options: list(options, /^ {2}(?:-\w, )?(--[\w-]+(?: [<[][^>\]]+[>\]])?)/gm),
      commands: list(commands, /^ {2}(\w+)/gm).filter((name) => name !== "help"),
    };
  }

  /** Every command that does something, with its help: `sluice dead list`, but not `sluice dead`. */
  async function allHelp(command: readonly string[] = []): Promise<Map<string, HelpPage>> {
    const help = await helpOf(command);
    const inner = await Promise.all(help.commands.map((verb) => allHelp([...command, verb])));
    const own: [string, HelpPage][] =
      command.length > 0 && inner.length > 0 ? [] : [[["sluice", ...command].join(" "), help]];
    return new Map([...own, ...inner.flatMap((pages) => [...pages])]);
  }

  function documentedOptions(section: string): readonly string[] {
    const cells = [...section.matchAll(/^\| (`-[^|]*) \|/gm)].map(([, cell = ""]) => cell);
    return cells.flatMap((cell) => [...cell.matchAll(/`(--[^`]+)`/g)].map(([, name = ""]) => name));
  }

  test("lists every command and option that --help prints, and no other", async () => {
    const pages = await allHelp();
    const sections = new Map(
      read("docs/6-reference/cli.md")
        .split(/^## /m)
        .slice(1)
        .map((section): [string, string] => [section.split("\n")[0] ?? "", section]),
    );
    expect([...sections.keys()]).toEqual([...pages.keys()]);
    for (const [command, { usage, options }] of pages) {
      const section = sections.get(command) ?? "";
      const common = command === "sluice" ? [] : ["--help"];
      expect([...documentedOptions(section), ...common].sort(), command).toEqual(
        [...options].sort(),
      );
      if (command !== "sluice") expect(section, command).toContain(usage);
    }
  });
});

describe("docs/1-start.md", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-start-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("shows the worker file that sluice init writes", async () => {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(join(root, "node_modules/tsx"), join(folder, "node_modules/tsx"), "junction");
    await run(process.execPath, [cli, "init"], { cwd: folder });
    const written = readFileSync(join(folder, "worker.mts"), "utf8");
    expect(read("docs/1-start.md")).toContain(`\`\`\`ts\n${written}\`\`\``);
  });
});

/** A program of a document, on the lines on which it stands there, so that an error names them. */
interface Program {
  readonly name: string;
  readonly text: string;
}

function programsOf(path: string): readonly Program[] {
  const text = read(path);
  return [...text.matchAll(/^```ts\n(.*?)^```/gms)].map((fence, index) => {
    const before = text.slice(0, fence.index).split("\n").length;
    return { name: `${path}.${index + 1}.ts`, text: "\n".repeat(before) + (fence[1] ?? "") };
  });
}

/** The `@example` blocks of a source. One that imports nothing stands in its room: it sees what doors export. */
async function examplesOf(path: string): Promise<readonly Program[]> {
  const text = read(path);
  const found = [...text.matchAll(/^ \* @example\n(.*?)^ \*\/\n/gms)];
  const programs = found.map(async (block, index) => {
    const code = (block[1] ?? "").replaceAll(/^ \* ?/gm, "").replaceAll(/^```.*$/gm, "");
    const before = text.slice(0, block.index).split("\n").length;
    const context = /^import /m.test(code) ? "" : await contextOf(path, code);
    return { name: `${path}.${index + 1}.ts`, text: context + "\n".repeat(before) + code };
  });
  return Promise.all(programs);
}

const given: Readonly<Record<string, string>> = {
  sluice: 'import("sluice").Sluice',
  worker: 'import("sluice").Worker',
  trigger: `import("${root}/src/scaler/index.ts").Trigger`,
  target: `import("${root}/src/scaler/index.ts").Target`,
  triggers: `readonly import("${root}/src/scaler/index.ts").ScalerTrigger[]`,
  seen: `import("${root}/src/scaler/index.ts").ObjectObservation`,
  scaledObject: `import("${root}/src/specs/index.ts").ScaledObject`,
  connect: `typeof import("${root}/src/drivers/index.ts").connect`,
};

/** What an example without imports may take as given. */
async function contextOf(path: string, code: string): Promise<string> {
  const room = path.split(/[\\/]/)[1] ?? "";
  const doors = [join(root, "src/core/index.ts"), join(root, "src", room, "index.ts")];
  const imports = doors.map(async (door) => {
    const names = Object.keys(await import(door)).join(", ");
    return `import { ${names} } from "${door}";`;
  });
  const constants = Object.entries(given)
    .filter(([name]) => !new RegExp(`const ${name}\\b`).test(code))
    .map(([name, type]) => `declare const ${name}: ${type};`);
  return [...(await Promise.all(imports)), ...constants].join(" ");
}

function prepareFolder(folder: string, programs: readonly Program[]): void {
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/sluice"), "junction");
  for (const name of ["zod", "@types", "@opentelemetry"])
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name), "junction");
  for (const { name, text } of programs) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  const compilerOptions = {
    isolatedDeclarations: false,
    declaration: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
    rewriteRelativeImportExtensions: false,
  };
  const settings = { extends: join(root, "tsconfig.json"), compilerOptions };
  const include = [...programs.map(({ name }) => name), join(root, "examples/**/*.ts")];
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ ...settings, include }));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
}

describe("programs in the documents", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-docs-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("compile, as do the examples and those in comments", { timeout: 60_000 }, async () => {
    const sources = listFiles("src", ".ts").filter((path) => !path.endsWith(".test.ts"));
    const inComments = (await Promise.all(sources.map(examplesOf))).flat();
    const inDocuments = documents.flatMap(programsOf);
    expect(inComments.length).toBeGreaterThan(5);
    expect(inDocuments.length).toBeGreaterThan(15);
    prepareFolder(folder, [...inDocuments, ...inComments]);
    const tsc = join(root, "node_modules/typescript/bin/tsc");
    const ended = await run(process.execPath, [tsc, "-p", folder, "--pretty", "false"]).catch(
      (error: unknown) => error as { readonly stdout: string },
    );
    expect(ended.stdout).toBe("");
  });
});
