import type { TriggerContext } from "../../scaler/index.ts";
import { triggerInvalid } from "../failure.ts";
import { number, text, type ValuesOf } from "../metadata-key.ts";
import { shareConnection } from "../shared-connection.ts";
import { above, sourceNumber } from "../source-number.ts";
import { defineTriggerType, singleGauge, type TriggerType } from "../trigger-type.ts";
import { postgresPool, queryOne } from "./client.ts";
import { type PostgresPlace, parseConnectionString, placeFrom } from "./connection-string.ts";

const keys = {
  query: text({ from: "M", required: true, says: "SQL whose one row and column is the value" }),
  targetQueryValue: number({ from: "M", says: "The value per replica; required" }),
  activationTargetQueryValue: number({ from: "M", says: "Active above this; 0 where absent" }),
  connection: text({
    from: "AE",
    says: "`postgres://user:password@host:5432/database`, or `host=… port=… user=… …`",
  }),
  host: text({ from: "AM", says: "Instead of `connection`, with the four below" }),
  port: text({ from: "AM", says: "" }),
  userName: text({ from: "AM", says: "" }),
  dbName: text({ from: "AM", says: "" }),
  sslmode: text({
    from: "AM",
    says: "`disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`",
  }),
  password: text({ from: "AE", says: "" }),
};

/** The parts of a connection and libpq's names for them. */
const parts = {
  host: "host",
  port: "port",
  userName: "user",
  dbName: "dbname",
  sslmode: "sslmode",
} as const;

export const postgresql: TriggerType = defineTriggerType({
  type: "postgresql",
  keys,
  measures: "The number that `query` gives",
  countsInFlight: "as the query says",
  check({ connection, ...values }, { podIdentity }) {
    if (podIdentity !== null && podIdentity.provider !== "none")
      return [`podIdentity ${podIdentity.provider} is not supported here; give a password`];
    const absent = Object.keys(parts).filter((name) => values[name as keyof typeof parts] === null);
    return connection === null
      ? absent.map((name) => `${name} is required where there is no connection`)
      : [];
  },
  gauge(values, context) {
    const place = findPlace(values, context);
    const pool = shareConnection(context, postgresPool(place, context.timeoutMs));
    return singleGauge(context, {
      name: "postgresql",
      target: { key: "targetQueryValue", value: values.targetQueryValue },
      async measure(signal) {
        const raw = await pool.use(signal, (client) => queryOne(client, place, values.query));
        return above(values.activationTargetQueryValue, sourceNumber(raw, "what the query gave"));
      },
      close: pool.release,
    });
  },
});

function findPlace(values: ValuesOf<typeof keys>, context: TriggerContext): PostgresPlace {
  const { connection, password } = values;
  try {
    if (connection !== null) return parseConnectionString(connection);
    const given = Object.entries(parts).map(([name, parameter]): [string, string] => [
      parameter,
      values[name as keyof typeof parts] ?? "",
    ]);
    return placeFrom(new Map([...given, ["password", password ?? ""]]));
  } catch (error) {
    const expected = error instanceof Error ? error.message : String(error);
    throw triggerInvalid(context, [`connection: expected ${expected}`]);
  }
}
