/** A test with a temporary folder of its own, in which it runs the built command line as real processes. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base, type TestAPI } from "vitest";
import { connect, type Sluice, silentLogger } from "../../src/index.ts";
import {
  expectNoProcessesWith,
  type FoundProcess,
  killAll,
  processesWith,
} from "./live-processes.ts";
import { type Ended, type Program, type ProgramOptions, startProgram } from "./program.ts";

/** The repository. */
export const repository: string = join(import.meta.dirname, "../..");
const main = join(repository, "dist/cli/main.js");

/** What a command may be given besides its arguments. */
export type CliOptions = Partial<ProgramOptions> & { readonly withinMs?: number };

/** See the top of this file. */
export interface Cli {
  /** The working directory of all commands; their queues are in its `sluice.db`. */
  readonly folder: string;
  /** The command line that is tested. */
  readonly main: string;
  path(name: string): string;
  /** Writes a file of the folder; returns its path. */
  write(name: string, content: string | Uint8Array): string;
  /** Makes `import "sluice"` and `tsx` resolvable in the folder. */
  installSluice(): void;
  /** Runs a command to its end. */
  run(args: readonly string[], options?: CliOptions): Promise<Ended>;
  /** Starts a command. */
  start(args: readonly string[], options?: CliOptions): Program;
  /** Starts another program. */
  spawn(command: readonly string[], options?: CliOptions): Program;
  /** A connection to the folder's `sluice.db`, closed after the test. */
  open(url?: string): Promise<Sluice>;
  /** The processes that the test has started, with all that they have started. */
  processes(): readonly FoundProcess[];
  /** Waits until none is left; throws otherwise. */
  expectNoProcesses(withinMs?: number): Promise<void>;
}

/** A test that gets a {@link Cli}. Afterwards every process must be gone, and the folder is removed. */
export const test: TestAPI<{ cli: Cli }> = base.extend<{ cli: Cli }>({
  cli: async ({ task }, use) => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), "sluice-test-")));
    const programs: Program[] = [];
    const connections: Sluice[] = [];
    await use(createCli(folder, programs, connections));
    await Promise.all(connections.map((sluice) => sluice.close()));
    await cleanUp(folder, programs, task.name);
  },
});

function createCli(folder: string, programs: Program[], connections: Sluice[]): Cli {
  const path = (name: string): string => join(folder, name);
  const spawn = (command: readonly string[], options: CliOptions = {}): Program => {
    const { withinMs: _, env = {}, ...own } = options;
    const program = startProgram(command, { cwd: folder, ...own, env: cleanEnv(folder, env) });
    programs.push(program);
    return program;
  };
  const start = (args: readonly string[], options?: CliOptions): Program =>
    spawn([process.execPath, main, ...args], options);
  return {
    folder,
    main,
    path,
    write(name, content) {
      writeFileSync(path(name), content);
      return path(name);
    },
    installSluice() {
      mkdirSync(path("node_modules"));
      symlinkSync(repository, path("node_modules/sluice"));
      symlinkSync(join(repository, "node_modules/tsx"), path("node_modules/tsx"));
    },
    run: (args, options) => start(args, options).ended(options?.withinMs),
    start,
    spawn,
    async open(url = `sqlite:${path("sluice.db")}`) {
      const sluice = await connect(url, { logger: silentLogger });
      connections.push(sluice);
      return sluice;
    },
    processes: () => processesWith(folder),
    expectNoProcesses: (withinMs = 5000) => expectNoProcessesWith(folder, withinMs),
  };
}

/** Settings of whoever runs the tests must not leak in; every descendant carries the folder's name. */
function cleanEnv(folder: string, own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const foreign =
    /^(SLUICE_|VITEST|NODE_OPTIONS$|NODE_ENV$|NODE_V8_COVERAGE$|FORCE_COLOR$|NO_COLOR$|TEST$)/;
  const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return { ...Object.fromEntries(kept), TEST_FOLDER: folder, ...own };
}

/** How long workers of a killed parent may take to leave by themselves. */
const orphansMs = 8000;

async function cleanUp(folder: string, programs: readonly Program[], name: string): Promise<void> {
  for (const program of programs) if (program.isRunning) program.kill("SIGKILL");
  try {
    await expectNoProcessesWith(folder, orphansMs);
  } catch (cause) {
    killAll(processesWith(folder));
    throw new Error(`"${name}" leaves processes behind`, { cause });
  } finally {
    if (existsSync(folder)) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
