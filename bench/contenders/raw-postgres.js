// What the server can do when a table and three statements are all there is: one insert per send over 20 connections,
// and two loops that delete and read 100 rows at a time. No lease: a crash loses what was read.
import pg from "pg";

export const tuning = "plain pg: one INSERT per send, 20 connections; DELETE of 100 rows, 2 loops";

const insert = "INSERT INTO job (queue, body) VALUES ($1, $2)";
const claim = `DELETE FROM job WHERE id = ANY (ARRAY(
  SELECT id FROM job WHERE queue = $1 ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED)) RETURNING body`;

export async function open(url) {
  const pool = new pg.Pool({ connectionString: url, max: 20 });
  pool.on("error", () => undefined);
  await createTable(pool);
  const send = (queue, data) => pool.query({ name: "send", text: insert, values: [queue, data] });
  return {
    send,
    async ping(queue, data) {
      await send(queue, data);
      await pool.query("SELECT pg_notify('job', '')");
    },
    fill: (queue, count, data) =>
      pool.query(
        "INSERT INTO job (queue, body) SELECT $1, $2::jsonb FROM generate_series(1, $3::integer)",
        [queue, data, count],
      ),
    work: (queue, handler) => work({ url, pool, queue, handler }),
    close: () => pool.end(),
  };
}

async function createTable(pool) {
  const client = await pool.connect();
  await client.query("SELECT pg_advisory_lock(1)");
  await client.query(
    "CREATE TABLE IF NOT EXISTS job (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, queue text, body jsonb)",
  );
  await client.query("CREATE INDEX IF NOT EXISTS job_queue ON job (queue, id)");
  await client.query("SELECT pg_advisory_unlock(1)");
  client.release();
}

async function work({ url, pool, queue, handler }) {
  const bells = [createBell(), createBell()];
  const ringAll = () => {
    for (const bell of bells) bell.ring();
  };
  let isOver = false;
  let listener = null;
  /** Without a library, somebody has to notice that the connection broke. */
  const listen = async () => {
    listener = new pg.Client({ connectionString: url });
    listener.on("error", () => undefined);
    listener.on("notification", ringAll);
    listener.on("end", () => isOver || setTimeout(() => listen().catch(() => undefined), 100));
    await listener.connect();
    await listener.query("LISTEN job");
    ringAll();
  };
  await listen();
  const loop = async (bell) => {
    while (!isOver) {
      const { rows } = await pool
        .query({ name: "claim", text: claim, values: [queue] })
        .catch(() => ({ rows: [] }));
      for (const { body } of rows) {
        handler.onStart(body);
        handler.onDone();
      }
      if (rows.length === 0 && !isOver) await bell.rung();
    }
  };
  const loops = bells.map(loop);
  return async () => {
    isOver = true;
    ringAll();
    await Promise.all(loops);
    await listener.end();
  };
}

/** Remembers a ring until somebody waits for it. */
function createBell() {
  let hasRung = false;
  let wake = () => undefined;
  return {
    ring() {
      hasRung = true;
      wake();
    },
    async rung() {
      if (!hasRung) {
        await new Promise((resolve) => {
          wake = resolve;
        });
      }
      hasRung = false;
    },
  };
}
