/**
 * The bench: `npm run bench -- postgres redis rabbitmq`, with `--rounds 5`, `--json`, `--only sends,drains` and
 * `--contenders bullmq`. Without a name it measures SQLite, which needs no server. The machine should be otherwise idle.
 */
import { parseArgs } from "node:util";
import { type BenchOptions, benchBroker, scenarioNames } from "./brokers.ts";
import { postgresBench } from "./postgres.ts";
import { rabbitmqBench } from "./rabbitmq.ts";
import { redisBench } from "./redis.ts";

const benches: Readonly<Record<string, (options: BenchOptions) => Promise<unknown>>> = {
  sqlite: () => import("./sqlite.ts"),
  simulator: () => import("./simulator.ts"),
  postgres: (options) => benchBroker(postgresBench, options),
  redis: (options) => benchBroker(redisBench, options),
  rabbitmq: (options) => benchBroker(rabbitmqBench, options),
  scaler: () => import("./scaler.ts"),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "5" },
    json: { type: "boolean", default: false },
    only: { type: "string" },
    contenders: { type: "string" },
  },
});

const names = positionals.length > 0 ? positionals : ["sqlite"];
const unknown = names.find((name) => !Object.hasOwn(benches, name));
if (unknown !== undefined)
  throw new Error(`there is no bench of ${unknown}; expected ${Object.keys(benches).join(", ")}.`);
const only = values.only?.split(",");
const odd = only?.find((name) => !scenarioNames.includes(name));
if (odd !== undefined)
  throw new Error(`there is no scenario ${odd}; expected ${scenarioNames.join(", ")}.`);
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds must be a whole number from 1; got ${values.rounds}.`);

const options: BenchOptions = {
  rounds,
  json: values.json,
  ...(only && { only }),
  ...(values.contenders !== undefined && { contenders: values.contenders.split(",") }),
};
for (const name of names) await benches[name]?.(options);
