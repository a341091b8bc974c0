#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { redactUrl } from "../core/index.ts";
import { reportError, say } from "./terminal.ts";
import { version } from "./version.ts";

/** One entry per verb; the module of a verb is loaded only when it is wanted, since workers start through here too. */
const verbs: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import("./commands/demo.ts")).demoCommand(),
  init: async () => (await import("./commands/init.ts")).initCommand(),
  publish: async () => (await import("./commands/publish.ts")).publishCommand(),
  work: async () => (await import("./commands/work.ts")).workCommand(),
  up: async () => (await import("./commands/up.ts")).upCommand(),
  status: async () => (await import("./commands/status.ts")).statusCommand(),
  dead: async () => (await import("./commands/dead.ts")).deadCommand(),
  scale: async () => (await import("./commands/scale.ts")).scaleCommand(),
  explain: async () => (await import("./commands/explain.ts")).explainCommand(),
  schema: async () => (await import("./commands/schema.ts")).schemaCommand(),
  simulate: async () => (await import("./commands/simulate.ts")).simulateCommand(),
  tune: async () => (await import("./commands/tune.ts")).tuneCommand(),
  driver: async () => (await import("./commands/driver.ts")).driverCommand(),
};

const overview = `
Examples:
  $ sluice demo                                        watch 200 jobs bring workers from zero and back
  $ sluice publish resize --data '{"id":7}'            put a job on the queue resize
  $ cat jobs.jsonl | sluice publish resize             one job per line
  $ sluice up --queue resize --exec './resize.sh'      work it with a command; workers follow the backlog
  $ sluice status --watch                              see the queues
  $ sluice simulate -f so.yaml --load spike            try a scaling policy before it runs

The queue is the file sluice.db in this folder unless --url or SLUICE_URL names another.`;

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command("sluice")
    .description(
      "Background work on any queue: publish jobs, work them, and let workers follow the backlog.",
    )
    .version(version())
    .addHelpText("after", overview)
    .exitOverride()
    .showSuggestionAfterError();
  const wanted =
    argv[2] !== undefined && Object.hasOwn(verbs, argv[2]) ? [argv[2]] : Object.keys(verbs);
  for (const verb of wanted) {
    const command = await verbs[verb]?.();
    if (command) program.addCommand(inherit(command, program));
  }
  await program.parseAsync(argv);
}

/** Errors of nested commands throw as well, so that this file alone decides how the process ends. */
function inherit(command: Command, parent: Command): Command {
  for (const nested of command.commands) inherit(nested, parent);
  return command.copyInheritedSettings(parent);
}

/** Whoever reads our output may have seen enough (`sluice status --watch | head`). A supervised worker drains instead. */
function leaveWhenNobodyReads(): void {
  for (const output of [process.stdout, process.stderr]) {
    output.on("error", (error) => {
      if (process.send === undefined)
        process.exit("code" in error && error.code === "EPIPE" ? 0 : 1);
    });
  }
}

/** Other users of the machine can read the arguments of a process: a password is covered as soon as it runs. */
function coverPasswords(given: readonly string[]): void {
  const shown = given.map(redactUrl);
  if (shown.join() !== given.join()) process.title = ["sluice", ...shown].join(" ");
}

coverPasswords(process.argv.slice(2));
leaveWhenNobodyReads();
try {
  await main(process.argv);
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has said what is wrong; help and version are no errors.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
    if (process.exitCode !== 0) say("Run sluice --help, or sluice VERB --help, for what there is.");
  } else {
    process.exitCode = reportError(error);
  }
}
// A worker file may hold timers and connections of its own; a worker that has left does not wait for them.
if (["work", "up", "scale"].includes(process.argv[2] ?? "")) process.exit();
