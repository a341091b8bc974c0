/**
 * The tables. One row per message, from publish to settle, and each state has a partial index of its own, so that every
 * question (next to receive, next to wake, oldest dead) is one seek however many messages wait.
 *
 * `state`: 0 ready, 1 delayed, 2 in flight, 3 dead. `due_at` is when the message became or becomes ready, `lease` counts
 * receipts handed out and never goes back, the attempt is `lease - releases`. `holder` is a random number per lease, so
 * that a receipt stays unique even when a crash of the server takes back the newest leases, which are not synced to disk.
 *
 * `wake_at` is when a delayed or leased row is looked at again, and never later than `lease_until`. Extending a lease
 * changes `lease_until` only, which no index holds, so it is a HOT update; the look re-arms `wake_at`.
 *
 * `tally` holds the counts as differences: each statement appends one row and updates none, so writers never wait for
 * one another, not even for a long transaction of the user's that publishes. `fold` adds rows up; a count is their sum.
 */

/**
 * Half-empty pages are no use to a table whose rows live for a moment, but some room lets an extended lease stay on its
 * page. Dead rows are removed early and without pauses: a queue that is vacuumed late is slow to claim from.
 */
const storage: string = [
  "fillfactor = 90",
  "autovacuum_vacuum_scale_factor = 0.05",
  "autovacuum_vacuum_threshold = 2000",
  "autovacuum_vacuum_cost_delay = 0",
  "autovacuum_analyze_scale_factor = 0.2",
  "autovacuum_analyze_threshold = 10000",
].join(", ");

/** The statements that make the tables and their indexes in the schema `s`, a quoted identifier. */
export function tables(s: string): string {
  return `
    CREATE TABLE ${s}.queue (
      id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      name text COLLATE "C" NOT NULL UNIQUE
    );
    CREATE TABLE ${s}.message (
      seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      due_at timestamptz NOT NULL,
      wake_at timestamptz,
      lease_until timestamptz,
      published_at timestamptz NOT NULL,
      died_at timestamptz,
      queue integer NOT NULL,
      lease integer NOT NULL DEFAULT 0,
      releases integer NOT NULL DEFAULT 0,
      holder integer NOT NULL DEFAULT 0,
      state smallint NOT NULL,
      priority smallint NOT NULL,
      keyed boolean NOT NULL,
      id text COLLATE "C" NOT NULL,
      reason text,
      headers jsonb,
      history jsonb,
      body bytea NOT NULL
    ) WITH (${storage});
    CREATE INDEX message_ready ON ${s}.message (queue, priority DESC, due_at, seq) WHERE state = 0;
    CREATE INDEX message_timed ON ${s}.message (queue, wake_at) WHERE state IN (1, 2);
    CREATE INDEX message_dead ON ${s}.message (queue, died_at, seq) WHERE state = 3;
    CREATE INDEX message_keyed ON ${s}.message (queue, id) WHERE keyed;
    CREATE TABLE ${s}.known_id (
      queue integer NOT NULL,
      id text COLLATE "C" NOT NULL,
      until timestamptz NOT NULL,
      PRIMARY KEY (queue, id)
    ) WITH (${storage});
    CREATE INDEX known_id_until ON ${s}.known_id (until);
    CREATE TABLE ${s}.tally (
      queue integer NOT NULL,
      ready bigint NOT NULL,
      delayed bigint NOT NULL,
      in_flight bigint NOT NULL,
      dead bigint NOT NULL
    ) WITH (${storage});
    CREATE INDEX tally_queue ON ${s}.tally (queue);`;
}
