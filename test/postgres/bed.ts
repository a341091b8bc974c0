/** What the tests of the driver share: a server, a schema of one's own for each test, and raw SQL. */
import pg from "pg";
import { beforeAll, onTestFinished } from "vitest";
import {
  type PostgresDriver,
  type PostgresOptions,
  postgresDriver,
} from "../../src/drivers/postgres/index.ts";
import { sharedServer, type TestServer, whyNoServer } from "../support/servers.ts";

/** Why there is no server; `null` when there is one. */
export const missing: string | null = whyNoServer("postgres");

/** A place where one test is undisturbed. */
export interface PostgresBed {
  readonly url: string;
  readonly schema: string;
  open(options?: Partial<PostgresOptions>): Promise<PostgresDriver>;
  /** A connection without Sluice. */
  client(url?: string): Promise<pg.Client>;
  sql(text: string, values?: unknown[]): Promise<readonly Record<string, unknown>[]>;
}

let schemas = 0;

/**
 * To be called once per file; the result makes a bed for each test, and takes it away after the test. A test that runs
 * beside others passes its own `onTestFinished`.
 */
export function postgresBeds(): (onFinished?: typeof onTestFinished) => PostgresBed {
  let server: TestServer;
  beforeAll(async () => {
    if (missing === null) server = await sharedServer("postgres");
  });
  return (onFinished = onTestFinished) => {
    schemas += 1;
    const { url } = server;
    const schema = `test_${process.pid}_${schemas}`;
    const closing: (() => Promise<unknown>)[] = [];
    onFinished(async () => {
      await Promise.all(closing.map((close) => close()));
    });
    async function client(at: string = url): Promise<pg.Client> {
      const opened = new pg.Client({ connectionString: at });
      opened.on("error", () => undefined);
      await opened.connect();
      closing.push(() => opened.end());
      return opened;
    }
    let raw: Promise<pg.Client> | null = null;
    return {
      url,
      schema,
      client,
      async open(options = {}) {
        const driver = await postgresDriver({ url, schema, ...options });
        closing.push(() => driver.close());
        return driver;
      },
      async sql(text, values = []) {
        raw ??= client();
        return (await (await raw).query(text, values)).rows;
      },
    };
  };
}
