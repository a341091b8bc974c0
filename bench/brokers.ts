/** Runs all scenarios against one broker, on a private server of its default durability, and reports. */
import { cpus, loadavg } from "node:os";
import { startServerOf, type TestServer } from "../test/support/servers.ts";
import { type Contender, type ContenderPlan, startContender } from "./contender.ts";
import { installPeers, nodeForPeers } from "./peers.ts";
import { printResults, type Result, toResults } from "./results.ts";
import {
  type Bench,
  drains,
  idle,
  latencies,
  type QueryCounter,
  recoveries,
  type Series,
  sends,
} from "./scenarios.ts";

/** One broker and who is measured on it. */
export interface BrokerBench {
  readonly broker: "postgres" | "redis" | "rabbitmq";
  readonly plans: (server: TestServer) => Promise<readonly ContenderPlan[]>;
  readonly countQueries?: (
    server: TestServer,
    plans: readonly ContenderPlan[],
  ) => Promise<QueryCounter>;
  readonly version: (server: TestServer) => Promise<string>;
}

/** What may be chosen. */
export interface BenchOptions {
  readonly rounds: number;
  readonly json: boolean;
  /** Only these scenarios; all without. */
  readonly only?: readonly string[];
  /** Only these contenders, besides ourselves. */
  readonly contenders?: readonly string[];
}

/** In this order: what a restart leaves of a contender is no fair start. */
const scenarios = { sends, drains, latencies, idle, recoveries } as const;

/** Names of scenarios. */
export const scenarioNames: readonly string[] = Object.keys(scenarios);

/** Starts the server, measures, prints. */
export async function benchBroker(entry: BrokerBench, options: BenchOptions): Promise<void> {
  await installPeers();
  const server = await startServerOf(entry.broker);
  const started: Contender[] = [];
  try {
    const plans = (await entry.plans(server)).filter(({ name }) => isWanted(name, options));
    const pairs = [];
    for (const plan of plans) {
      // The second process finds the schema that the first one made.
      const worker = await startContender(plan, nodeForPeers());
      started.push(worker);
      const sender = await startContender(plan, nodeForPeers());
      started.push(sender);
      pairs.push({ worker, sender });
    }
    const all: Series[] = [];
    const note = (series: Omit<Series, "figures">, value: number): void => {
      const { scenario, unit, contender } = series;
      const known = all.find(
        (other) =>
          other.scenario === scenario && other.unit === unit && other.contender === contender,
      );
      if (known) known.figures.push(value);
      else all.push({ ...series, figures: [value] });
    };
    const { countQueries } = entry;
    const bench: Bench = {
      pairs,
      rounds: options.rounds,
      note,
      server,
      ...(countQueries && { countQueries: () => countQueries(server, plans) }),
    };
    const about = await describe(entry, server, started);
    for (const [name, run] of Object.entries(scenarios)) {
      if (options.only && !options.only.includes(name)) continue;
      console.error(`${entry.broker}: ${name} …`);
      await run(bench);
    }
    print({ ...about, loadAfter: loadavg() }, toResults(all), options);
  } finally {
    await Promise.all(started.map((contender) => contender.close()));
    await server.close();
  }
}

function isWanted(name: string, { contenders }: BenchOptions): boolean {
  return contenders === undefined || name === "sluice" || contenders.includes(name);
}

/** What figures depend on. */
async function describe(
  entry: BrokerBench,
  server: TestServer,
  started: readonly Contender[],
): Promise<Readonly<Record<string, unknown>>> {
  const settings: Record<string, string> = {};
  let node = "";
  for (const contender of started) {
    const about = await contender.ask<{ tuning: string; node: string }>("about");
    settings[contender.plan.name] = about.tuning;
    node = about.node;
  }
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? process.arch}`;
  const version = await entry.version(server);
  return { broker: version, node, machine, loadBefore: loadavg(), settings };
}

function print(
  about: Readonly<Record<string, unknown>>,
  results: readonly Result[],
  { json, rounds }: BenchOptions,
): void {
  if (json) {
    console.log(JSON.stringify({ ...about, rounds, results }, null, 2));
    return;
  }
  const { settings, ...rest } = about;
  console.log(
    `${JSON.stringify(rest)}\nmedians of ${rounds} interleaved rounds [min–max]; ×: how many times better Sluice is`,
  );
  for (const [name, tuning] of Object.entries(settings ?? {})) console.log(`  ${name}: ${tuning}`);
  printResults(results);
}
