import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative, resolve } from "node:path";
import { Command } from "commander";
import { SluiceError } from "../../core/index.ts";
import { print } from "../terminal.ts";
import { canRunTypescript } from "../worker-file.ts";

const typescriptWorker = `import { defineJob, defineWorker } from "sluice";

/** The job: publishers and the worker share its type. */
export const greet = defineJob<{ name: string }>("greet", { retry: { attempts: 5 } });

export default defineWorker({
  handlers: [
    greet.handle(async (input, job) => {
      console.log(\`Hello \${input.name} (attempt \${job.attempt})\`);
    }),
  ],
  concurrency: 4,
  scale: { minReplicaCount: 0, maxReplicaCount: 4, messageCount: 5 },
});
`;

const examples = `
Examples:
  $ sluice init            a worker file in this folder
  $ sluice init jobs       in the folder jobs`;

/** `sluice init`: a worker file to start from. */
export function initCommand(): Command {
  return new Command("init")
    .description("write a worker file to start from")
    .argument("[folder]", "where", ".")
    .addHelpText("after", examples)
    .action(init);
}

/** The endings say that the file is a module, also in a package whose type is commonjs, as `npm init` makes it. */
function init(folder: string): void {
  const isTypescript = canRunTypescript(folder);
  const file = join(folder, isTypescript ? "worker.mts" : "worker.mjs");
  if (existsSync(file)) {
    throw new SluiceError(
      "OPTION_INVALID",
      `${file} exists and is not overwritten. Name another folder: sluice init FOLDER`,
    );
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    file,
    isTypescript ? typescriptWorker : typescriptWorker.replace("<{ name: string }>", ""),
  );
  const shown = relative(".", file);
  print(`Wrote ${shown}. Next:`);
  if (!canResolveSluice(folder)) print("  npm install sluice");
  print(`  npx sluice publish greet --data '{"name":"Ada"}'`);
  print(`  npx sluice up ${shown}`);
}

/** Whether the new file's import of this package would succeed. */
function canResolveSluice(folder: string): boolean {
  try {
    createRequire(resolve(folder, "worker.mts")).resolve("sluice/package.json");
    return true;
  } catch (error) {
    // A package that keeps its package.json to itself is there all the same.
    return (
      error instanceof Error && "code" in error && error.code === "ERR_PACKAGE_PATH_NOT_EXPORTED"
    );
  }
}
