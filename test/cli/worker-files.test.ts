import { mkdirSync } from "node:fs";
import { describe, expect } from "vitest";
import { type Cli, test } from "../support/cli.ts";

const runsTypescript = Boolean(Reflect.get(process.features, "typescript"));

const handler = `defineJob("q").handle((input) => console.log("got", JSON.stringify(input)))`;
const imports = `import { defineJob, defineWorker } from "sluice";`;
const defined = `defineWorker({ handlers: [${handler}] })`;

/** Publishes one job and works it with the file. */
async function workFile(cli: Cli, name: string, content: string) {
  cli.installSluice();
  cli.write(name, content);
  await (await cli.open()).publish("q", { id: 7 });
  return cli.run(["work", name, "--exit-when-idle", "200ms"]);
}

describe.concurrent("a worker file", () => {
  test("may export its worker as default", async ({ cli }) => {
    const ended = await workFile(cli, "worker.mjs", `${imports}\nexport default ${defined};`);
    expect(ended).toMatchObject({ status: 0, stdout: 'got {"id":7}\n' });
  });

  test("may export its worker by any name, beside other things", async ({ cli }) => {
    const content = `${imports}\nexport const a = null;\nexport const crew = ${defined};`;
    const ended = await workFile(cli, "worker.mjs", content);
    expect(ended).toMatchObject({ status: 0, stdout: 'got {"id":7}\n' });
  });

  test("may be TypeScript, with types that only a compiler can take away", async ({ cli }) => {
    const job = `defineJob<{ id: number }>("q")`;
    const content = `${imports}
      interface Shown { readonly id: number }
      export const job = ${job};
      const show = (input: Shown): void => console.log("got", input.id satisfies number);
      export const worker = defineWorker({ handlers: [job.handle(show)] });`;
    expect(await workFile(cli, "worker.ts", content)).toMatchObject({
      status: 0,
      stdout: "got 7\n",
    });
  });

  test("may be a TypeScript module that imports another one", async ({ cli }) => {
    cli.write("package.json", '{"type":"module"}');
    cli.write("job.ts", `${imports}\nexport const job = defineJob<{ id: number }>("q");`);
    const content = `import { defineWorker } from "sluice";
      import { job } from "./job.ts";
      export default defineWorker({ handlers: [job.handle(({ id }) => console.log("got", id))] });`;
    expect(await workFile(cli, "worker.ts", content)).toMatchObject({
      status: 0,
      stdout: "got 7\n",
    });
  });

  test("gives its own numbers, which options override", async ({ cli }) => {
    const content = `${imports}\nexport default defineWorker({ handlers: [${handler}], concurrency: 3 });`;
    const ended = await workFile(cli, "worker.mjs", content);
    expect(ended.stderr).toContain("concurrency=3");
    const overridden = await cli.run([
      "work",
      "worker.mjs",
      "--concurrency",
      "5",
      "--exit-when-idle",
      "100ms",
    ]);
    expect(overridden.stderr).toContain("concurrency=5");
  });
});

const broken: readonly (readonly [what: string, content: string, says: RegExp])[] = [
  ["a syntax error", "export default {{;", /worker\.mjs does not load: SyntaxError/],
  [
    "an import of a file that is missing",
    `import "./missing.mjs";`,
    /does not load: .*Cannot find module .*missing\.mjs/,
  ],
  ["an error while it loads", `throw new Error("boom");`, /does not load: Error: boom/],
  ["no exports", "", /it exports nothing\. Write: export default defineWorker/],
  ["other exports only", "export const a = 1, b = 2;", /it exports a, b\. Write: export default/],
  [
    "a queue name that is not allowed",
    `${imports}\nexport default defineWorker({ handlers: [defineJob("a b").handle(() => 1)] });`,
    /does not load: QUEUE_NAME_INVALID/,
  ],
];

for (const [verb, files] of [
  ["work", broken],
  ["up", broken.slice(0, 2)],
] as const) {
  describe.concurrent(`${verb} refuses a worker file with`, () => {
    for (const [what, content, says] of files) {
      test(what, async ({ cli }) => {
        cli.installSluice();
        const ended = await cli.run([verb, cli.write("worker.mjs", content)]);
        expect(ended).toMatchObject({ status: 2, stdout: "" });
        expect(ended.stderr).toMatch(says);
        expect(ended.stderr.match(/WORKER_FILE_INVALID/g)).toHaveLength(1);
        expect(ended.stderr).not.toContain("    at ");
      });
    }
  });
}

describe.concurrent("work refuses", () => {
  test("a worker file that does not exist", async ({ cli }) => {
    const ended = await cli.run(["work", "nope.mjs"]);
    expect(ended.status).toBe(2);
    expect(ended.stderr).toContain(`the worker file ${cli.path("nope.mjs")} does not exist.`);
  });

  test.skipIf(runsTypescript)(
    "TypeScript where neither Node nor tsx can run it, and says what would help",
    async ({ cli }) => {
      mkdirSync(cli.path("node_modules/tsx"), { recursive: true });
      cli.write("node_modules/tsx/package.json", '{"name":"tsx","exports":{}}'); // hides any other
      const ended = await cli.run(["work", cli.write("worker.ts", "export {};")]);
      expect(ended.status).toBe(78);
      expect(ended.stderr).toMatch(/npm install tsx, use Node 22\.18 or newer.*\(CLIENT_MISSING\)/);
    },
  );
});
