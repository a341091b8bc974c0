import type { TriggerContext } from "../../scaler/index.ts";
import { loadClient } from "../client.ts";
import { noAnswer, reasonOf, triggerInvalid, wrongAnswer } from "../failure.ts";
import { number, text, type ValuesOf } from "../metadata-key.ts";
import { type ConnectionPlan, shareConnection } from "../shared-connection.ts";
import { above, sourceNumber } from "../source-number.ts";
import { defineTriggerType, singleGauge, type TriggerType } from "../trigger-type.ts";
import { type MysqlPlace, parseDsn } from "./connection-string.ts";

const keys = {
  query: text({ from: "M", required: true, says: "SQL whose one row and column is the value" }),
  queryValue: number({ from: "M", required: true, says: "The value per replica" }),
  activationQueryValue: number({ from: "M", fallback: "0", says: "Active above this" }),
  connectionString: text({
    from: "AE",
    says: "Go's form: `user:password@tcp(host:3306)/database`",
  }),
  host: text({ from: "MA", says: "Instead of `connectionString`, with the four below" }),
  port: text({ from: "MA", fallback: "3306", says: "" }),
  username: text({ from: "MAE", says: "" }),
  password: text({ from: "AE", says: "" }),
  dbName: text({ from: "MA", says: "" }),
  metricName: text({ from: "M", says: "Not used: KEDA sets the name itself" }),
};

type Values = ValuesOf<typeof keys>;

export const mysql: TriggerType = defineTriggerType({
  type: "mysql",
  keys,
  measures: "The number that `query` gives, of a MySQL or MariaDB",
  countsInFlight: "as the query says",
  check({ connectionString, host, username, dbName, port }) {
    if (connectionString !== null) return [];
    const absent = Object.entries({ host, username, dbName })
      .filter(([, value]) => value === null)
      .map(([name]) => `${name} is required where there is no connectionString`);
    return /^\d+$/.test(port) ? absent : [...absent, "port must be a whole number"];
  },
  gauge(values, context) {
    const place = findPlace(values, context);
    const pool = shareConnection(context, mysqlPool(place, context.timeoutMs));
    return singleGauge(context, {
      // KEDA takes what follows the last slash for the database, parameters and all.
      name: `mysql-${values.connectionString?.split("/").at(-1) ?? values.dbName ?? ""}`,
      target: { key: "queryValue", value: values.queryValue },
      async measure(signal) {
        const raw = await pool.use(signal, (client) =>
          queryOne(client, place, { sql: values.query, timeout: context.timeoutMs * 1.5 }),
        );
        return above(values.activationQueryValue, sourceNumber(raw, "what the query gave"));
      },
      close: pool.release,
    });
  },
});

function findPlace(values: Values, context: TriggerContext): MysqlPlace {
  const { connectionString, host, port, username, password, dbName } = values;
  if (connectionString === null) {
    return {
      host: host ?? "",
      port: Number(port),
      socketPath: null,
      user: username ?? "",
      password: password ?? "",
      database: dbName ?? "",
      tls: "false",
    };
  }
  try {
    return parseDsn(connectionString);
  } catch (error) {
    throw triggerInvalid(context, [`connectionString: expected ${reasonOf(error)}`]);
  }
}

interface PoolLike {
  query(query: QueryLike): Promise<readonly [unknown, unknown]>;
  end(): Promise<void>;
}

interface QueryLike {
  readonly sql: string;
  readonly timeout: number;
}

interface MysqlLike {
  createPool(options: object): PoolLike;
}

/** Connections to one server and credential, however many triggers there are. */
const poolSize = 4;

function mysqlPool(place: MysqlPlace, timeoutMs: number): ConnectionPlan<PoolLike> {
  return {
    key: `mysql ${JSON.stringify(place)}`,
    async open() {
      const client = await loadClient<MysqlLike>(
        "mysql2@^3.9",
        "the trigger mysql",
        () => import("mysql2/promise"),
      );
      return openPool(client, place, timeoutMs);
    },
    close: (pool) => pool.end(),
    atOnce: poolSize,
  };
}

async function openPool(
  client: MysqlLike,
  place: MysqlPlace,
  timeoutMs: number,
): Promise<PoolLike> {
  const { socketPath, tls, ...rest } = place;
  const unchecked = { rejectUnauthorized: false };
  const attempts = {
    false: [null],
    true: [{}],
    "skip-verify": [unchecked],
    preferred: [unchecked, null],
  }[tls];
  let lastError: unknown = null;
  for (const ssl of attempts) {
    const pool = client.createPool({
      ...rest,
      ...(socketPath !== null && { socketPath }),
      ...(ssl !== null && { ssl }),
      connectionLimit: poolSize,
      connectTimeout: timeoutMs,
      enableKeepAlive: true,
      rowsAsArray: true,
      // Values as the server wrote them.
      typeCast: (field: { string(): string | null }) => field.string(),
    });
    try {
      await pool.query({ sql: "SELECT 1", timeout: timeoutMs });
      return pool;
    } catch (error) {
      lastError = error;
      await pool.end();
    }
  }
  throw toFailure(place, lastError);
}

async function queryOne(pool: PoolLike, place: MysqlPlace, query: QueryLike): Promise<unknown> {
  const [rows] = await pool.query(query).catch((error: unknown) => {
    throw toFailure(place, error);
  });
  const row: unknown = Array.isArray(rows) ? rows[0] : undefined;
  if (!Array.isArray(row)) throw wrongAnswer("the query gave no row; expected one with a number");
  if (row.length !== 1)
    throw wrongAnswer(`the query gave ${row.length} columns; expected one, a number`);
  return row[0];
}

/** What the server says has a number and a state; of these, class 08 and its own shutdown (1053) are not about the query. */
function toFailure(place: MysqlPlace, error: unknown): Error {
  const { host, port, database } = place;
  const { errno, sqlState } = error as { readonly errno?: number; readonly sqlState?: string };
  const message = `mysql://${host}:${port}/${database} cannot be read: ${reasonOf(error)}`;
  const isServers = typeof sqlState === "string" && sqlState !== "" && !sqlState.startsWith("08");
  return isServers && errno !== 1053 ? wrongAnswer(message, error) : noAnswer(message, error);
}
