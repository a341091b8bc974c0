import { randomUUID } from "node:crypto";
import { Argument, Command, Option } from "commander";
import { formatMs, redactUrl, SluiceError, silentLogger } from "../../core/index.ts";
import { connect } from "../../drivers/index.ts";
import type { ConformanceCase, ConformanceResult, Leftovers } from "../../testing/index.ts";
import {
  describeArea,
  describeLeftovers,
  describeTotals,
  type Totals,
  totalsOf,
} from "../conformance-report.ts";
import { collect, jsonOption } from "../options.ts";
import { print, printJson, say } from "../terminal.ts";

interface VerifyOptions {
  readonly area?: readonly string[];
  readonly json?: true;
}

const examples = `
Queues of its own are used, whose names begin with conformance- and a random part, and emptied again.
A URL with a password is better given as SLUICE_URL: other users of the machine can see arguments.

Examples:
  $ sluice driver verify sqlite:/tmp/check.db               everything, area by area
  $ SLUICE_URL=… sluice driver verify                       a server with a password
  $ sluice driver verify sqlite:/tmp/check.db --area lease --area settle
  $ sluice driver verify sqlite:/tmp/check.db --json        one JSON object with every case`;

/** `sluice driver`: what a driver holds on a server of one's own. */
export function driverCommand(): Command {
  const verify = new Command("verify")
    .description("run the conformance suite against a server; exit status 1 when a case failed")
    .addArgument(new Argument("[url]", "the queue (default: SLUICE_URL)"))
    .addOption(new Option("--area <area>", "only this area; may be repeated").argParser(collect))
    .addOption(jsonOption("print one JSON object"))
    .addHelpText("after", examples)
    .action(verifyDriver);
  return new Command("driver")
    .description("check that a server holds what its driver promises")
    .addCommand(verify);
}

/** Most cases wait most of the time. */
const concurrency = 5;

async function verifyDriver(argument: string | undefined, options: VerifyOptions): Promise<void> {
  const url = argument ?? process.env.SLUICE_URL;
  if (url === undefined || url === "")
    throw new SluiceError(
      "OPTION_INVALID",
      "say which queue: sluice driver verify URL, or set SLUICE_URL.",
    );
  const { driverConformance, recordUse, runConformance } = await import("../../testing/index.ts");
  const areas = chosenAreas(driverConformance, options.area);
  const use = recordUse(async () => (await connect(url, { logger: silentLogger })).driver);
  const driver = await nameOf(use.open); // also finds out whether the server can be reached
  const queuePrefix = `conformance-${randomUUID().slice(0, 8)}.`;
  const stop = stopOnSignal();
  const startedAt = Date.now();
  if (!options.json) print(`${driver} at ${redactUrl(url)}\n`);

  const results: ConformanceResult[] = [];
  for (const [area, cases] of areas) {
    if (stop.aborted) break;
    const areaStartedAt = Date.now();
    const run = { open: use.open, cases, concurrency, queuePrefix, signal: stop };
    const ended = (await runConformance(run)).map((result) => withoutPassword(result, url));
    results.push(...ended);
    if (!options.json) print(describeArea(area, ended, Date.now() - areaStartedAt));
  }
  const remains = await use.cleanUp();
  const outcome = { url, driver, queuePrefix, ms: Date.now() - startedAt, results, remains };
  if (options.json) printJson(toJson(outcome));
  else print(`\n${describeOutcome(outcome)}`);
  if (stop.aborted) process.exitCode = 130;
  else if (totalsOf(results).failed > 0) process.exitCode = 1;
}

interface Outcome {
  readonly url: string;
  readonly driver: string;
  readonly queuePrefix: string;
  readonly ms: number;
  readonly results: readonly ConformanceResult[];
  readonly remains: Leftovers;
}

function describeOutcome({ results, remains, queuePrefix, ms }: Outcome): string {
  const totals = describeTotals(totalsOf(results));
  return `${totals} in ${formatMs(ms)}. ${describeLeftovers(remains, queuePrefix)}`;
}

function toJson(outcome: Outcome): Totals & Readonly<Record<string, unknown>> {
  const { url, results, remains, ...others } = outcome;
  return {
    url: redactUrl(url),
    ...others,
    ...totalsOf(results),
    queues: remains.used,
    notEmptied: remains.queues,
    cases: results.map(({ case: { area, name }, status, reason, ms }) => ({
      area,
      name,
      status,
      reason,
      ms,
    })),
  };
}

/** The cases of each area, in the order of the suite. Throws `OPTION_INVALID` for an area that there is not. */
function chosenAreas(
  all: readonly ConformanceCase[],
  wanted: readonly string[] | undefined,
): ReadonlyMap<string, readonly ConformanceCase[]> {
  const areas = [...new Set(all.map(({ area }) => area))];
  const unknown = wanted?.find((area) => !areas.includes(area));
  if (unknown !== undefined) {
    throw new SluiceError(
      "OPTION_INVALID",
      `--area must be one of ${areas.join(", ")}; got ${unknown}.`,
    );
  }
  const chosen = areas.filter((area) => wanted?.includes(area) ?? true);
  return new Map(chosen.map((area) => [area, all.filter((entry) => entry.area === area)]));
}

async function nameOf(
  open: () => Promise<{ readonly name: string; close(): Promise<void> }>,
): Promise<string> {
  const driver = await open();
  await driver.close();
  return driver.name;
}

/** Ctrl-C ends the run after the cases under way, so that the clean-up still happens. */
function stopOnSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      say("Stopping after the cases under way.");
      stop.abort();
    });
  }
  return stop.signal;
}

/** A driver must not put the password into its errors; a foreign client's message, which a case may show, might. */
function withoutPassword(result: ConformanceResult, url: string): ConformanceResult {
  const encoded = /\/\/[^/?#\s@]*?:([^/?#\s]*)@/.exec(url)?.[1] ?? "";
  const plain = URL.canParse(url) ? new URL(url).password : encoded;
  const secrets = [encoded, plain, decoded(encoded)].filter((secret) => secret !== "");
  const hidden = secrets.reduce((text, secret) => text.replaceAll(secret, "***"), result.reason);
  return { ...result, reason: hidden };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a percent sign that stands for itself
  }
}
