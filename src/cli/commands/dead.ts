import { Command, Option } from "commander";
import {
  checkQueueName,
  type DeadLetter,
  type Sluice,
  SluiceError,
  silentLogger,
} from "../../core/index.ts";
import { openQueues } from "../open-queues.ts";
import { collect, jsonOption, urlOption, wholeNumber } from "../options.ts";
import { colors, print, printJson, say } from "../terminal.ts";

interface DeadOptions {
  readonly url: string;
  readonly json?: true;
}

interface SelectionOptions extends DeadOptions {
  readonly id?: readonly string[];
  readonly all?: true;
}

const examples = `
Examples:
  $ sluice dead list resize                 the oldest 20, with their reasons
  $ sluice dead list resize --json          one JSON object per line, with body and history
  $ sluice dead redrive resize --all        try all of them again
  $ sluice dead redrive resize --id ID      try one again
  $ sluice dead purge resize --all          delete them for good`;

/** `sluice dead`: jobs that no longer run by themselves. */
export function deadCommand(): Command {
  const list = new Command("list")
    .description("show the dead letters of a queue, the oldest first")
    .argument("<queue>")
    .addOption(urlOption())
    .option("--limit <n>", "at most this many", wholeNumber(1), 20)
    .addOption(jsonOption("print one JSON object per line"))
    .action(listDead);
  const redrive = selecting(new Command("redrive"))
    .description("put dead letters back into their queue, attempts starting anew")
    .action((queue: string, options: SelectionOptions) => act(queue, options, "redriven"));
  const purge = selecting(new Command("purge"))
    .description("delete dead letters for good")
    .action((queue: string, options: SelectionOptions) => act(queue, options, "purged"));
  return new Command("dead")
    .description("list, redrive or purge dead letters")
    .addHelpText("after", examples)
    .addCommand(list)
    .addCommand(redrive)
    .addCommand(purge);
}

function selecting(command: Command): Command {
  return command
    .argument("<queue>")
    .addOption(urlOption())
    .addOption(new Option("--id <id>", "this one; may be repeated").argParser(collect))
    .option("--all", "every one of the queue")
    .addOption(jsonOption("print the count as JSON"));
}

async function act(
  queue: string,
  options: SelectionOptions,
  done: "redriven" | "purged",
): Promise<void> {
  if ((options.id === undefined) === (options.all === undefined)) {
    throw new SluiceError(
      "OPTION_INVALID",
      "say which dead letters: either --all, or --id once or more.",
    );
  }
  const selection = options.id === undefined ? {} : { ids: options.id };
  const count = await withSluice({ url: options.url, queue }, (sluice) =>
    done === "redriven"
      ? sluice.redrive(queue, selection)
      : sluice.purgeDeadLetters(queue, selection),
  );
  if (options.json) printJson({ queue, [done]: count });
  else print(`${count} ${done}`);
}

async function listDead(
  queue: string,
  options: DeadOptions & { readonly limit: number },
): Promise<void> {
  const [letters, depth] = await withSluice({ url: options.url, queue }, (sluice) =>
    Promise.all([sluice.deadLetters(queue, { limit: options.limit }), sluice.depth(queue)]),
  );
  if (options.json) {
    for (const letter of letters) printJson({ ...letter, body: bodyText(letter) });
    return;
  }
  for (const letter of letters) print(describe(letter));
  const total = depth.dead === null ? "" : ` of ${depth.dead}`;
  say(
    letters.length === 0
      ? `No dead letters in ${queue}.`
      : `${letters.length}${total} dead letters. Try again: sluice dead redrive ${queue} --all`,
  );
}

function describe(letter: DeadLetter): string {
  const c = colors(process.stdout);
  const died = new Date(letter.deadAt).toISOString();
  const body = bodyText(letter);
  return [
    `${c.bold(letter.id)}  ${died}  attempts ${letter.attempts}`,
    `  reason  ${letter.reason.replaceAll("\n", "\n          ")}`,
    `  body    ${body.length > 200 ? `${body.slice(0, 200)}…` : body}`,
  ].join("\n");
}

/** Text as it is; bytes that are no text in base64, marked as such. */
function bodyText(letter: DeadLetter): string {
  const bytes = Buffer.from(letter.body.buffer, letter.body.byteOffset, letter.body.byteLength);
  const text = bytes.toString("utf8");
  return Buffer.from(text).equals(bytes) ? text : `base64:${bytes.toString("base64")}`;
}

async function withSluice<T>(
  { url, queue }: { readonly url: string; readonly queue: string },
  use: (sluice: Sluice) => Promise<T>,
): Promise<T> {
  checkQueueName(queue);
  const sluice = await openQueues(url, silentLogger, { create: false });
  try {
    return await use(sluice);
  } finally {
    await sluice.close();
  }
}
