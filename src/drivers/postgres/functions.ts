/**
 * The functions of publishing and working. They live in the database so that every call is one round trip, takes its
 * time from the server, and can be made from any language.
 *
 * Their plans are fixed by settings: a planner whose statistics are of a moment when the queue was empty would read a
 * million rows one by one. All reach rows by index only.
 */
export const functionsByIndex: string = [
  "SET enable_seqscan = off",
  "SET enable_bitmapscan = off",
  "SET enable_hashjoin = off",
  "SET enable_mergejoin = off",
  "SET plan_cache_mode = force_generic_plan",
].join(" ");

/** `+ 0` keeps the planner to the primary key: by the index of leases it would read every lease for each message. */
const ofLeased = "m.state + 0 = 2";

/** How many due or expired messages one call makes ready, so that none takes long. */
const promoteLimit = 1000;

/** The statements that make the functions in the schema `s`, a quoted identifier. */
export function functions(s: string): string {
  return [
    queueId(s),
    ...publishing(s),
    promote(s),
    claim(s),
    appendFailure(s),
    settle(s),
    extend(s),
    prospect(s),
    fold(s),
  ].join("\n");
}

/** A queue that is new to two transactions at once: the second waits for the first and then finds its row. */
function queueId(s: string): string {
  return `
    CREATE FUNCTION ${s}.queue_id(p_name text) RETURNS integer LANGUAGE plpgsql AS $$
    DECLARE
      found_id integer;
    BEGIN
      SELECT id INTO found_id FROM ${s}.queue WHERE name = p_name;
      IF found_id IS NULL THEN
        INSERT INTO ${s}.queue (name) VALUES (p_name) ON CONFLICT DO NOTHING RETURNING id INTO found_id;
      END IF;
      IF found_id IS NULL THEN
        SELECT id INTO found_id FROM ${s}.queue WHERE name = p_name;
      END IF;
      RETURN found_id;
    END $$;`;
}

/**
 * Bodies come as one value and are cut by size. Ids are remembered in their order, so that two batches with the same
 * ids cannot wait for each other. Inside a transaction of the user's, listeners are told only when the queue had
 * nothing ready: who works on a backlog looks again by itself.
 */
function publishing(s: string): readonly string[] {
  return [
    `
    CREATE FUNCTION ${s}.admit(p_queue integer, p_ids text[], p_keyed boolean[], p_window_ms float8)
    RETURNS bigint[] LANGUAGE plpgsql ${functionsByIndex} AS $$
    DECLARE
      t timestamptz := clock_timestamp();
      admitted bigint[];
    BEGIN
      DELETE FROM ${s}.known_id WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM ${s}.known_id WHERE until <= t ORDER BY until LIMIT 200 FOR UPDATE SKIP LOCKED));
      WITH chosen AS (
        SELECT DISTINCT ON (u.id) u.id, u.ord FROM unnest(p_ids, p_keyed) WITH ORDINALITY AS u (id, keyed, ord)
        WHERE u.keyed ORDER BY u.id, u.ord
      ), fresh AS (
        INSERT INTO ${s}.known_id AS k (queue, id, until)
        SELECT p_queue, c.id, t + p_window_ms * interval '1 millisecond' FROM chosen c
        WHERE NOT EXISTS (
          SELECT FROM ${s}.message m WHERE m.queue = p_queue AND m.id = c.id AND m.keyed AND m.state < 3)
        ORDER BY c.id
        ON CONFLICT (queue, id) DO UPDATE SET until = excluded.until WHERE k.until <= t
        RETURNING k.id
      )
      SELECT coalesce(array_agg(c.ord), '{}') INTO admitted FROM fresh f JOIN chosen c ON c.id = f.id;
      RETURN admitted;
    END $$;`,
    `
    CREATE FUNCTION ${s}.publish_batch(p_queue text, p_ids text[], p_bodies bytea, p_sizes integer[],
      p_headers text[], p_delays float8[], p_priorities integer[], p_keyed boolean[], p_window_ms float8, p_tell boolean)
    RETURNS void LANGUAGE plpgsql ${functionsByIndex} AS $$
    DECLARE
      q integer := ${s}.queue_id(p_queue);
      t timestamptz;
      admitted bigint[];
    BEGIN
      IF p_tell AND NOT EXISTS (SELECT FROM ${s}.message WHERE queue = q AND state = 0) THEN
        PERFORM pg_notify(${channelLiteral(s)}, p_queue);
      END IF;
      IF p_keyed IS NOT NULL THEN
        admitted := ${s}.admit(q, p_ids, p_keyed, p_window_ms);
      END IF;
      t := clock_timestamp();
      WITH given AS (
        SELECT u.*, coalesce(u.wait, 0) * interval '1 millisecond' AS delay, sum(u.size) OVER (ORDER BY u.ord) AS ends
        FROM unnest(p_ids, p_sizes, p_headers, p_delays, p_priorities, p_keyed) WITH ORDINALITY
          AS u (id, size, headers, wait, priority, keyed, ord)
      ), stored AS (
        INSERT INTO ${s}.message (queue, state, priority, keyed, due_at, wake_at, published_at, id, headers, body)
        SELECT q, CASE WHEN g.wait > 0 THEN 1 ELSE 0 END, coalesce(g.priority, 0), coalesce(g.keyed, false),
          t + g.delay, CASE WHEN g.wait > 0 THEN t + g.delay END, t, g.id, g.headers::jsonb,
          substr(p_bodies, (g.ends - g.size)::integer + 1, g.size)
        FROM given g
        WHERE g.keyed IS NOT TRUE OR g.ord = ANY (admitted)
        ORDER BY g.ord
        RETURNING state
      )
      INSERT INTO ${s}.tally
      SELECT q, count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1), 0, 0 FROM stored
      HAVING count(*) > 0;
    END $$;`,
    `
    CREATE FUNCTION ${s}.publish(queue text, body jsonb, delay interval DEFAULT '0', priority integer DEFAULT 0,
      headers jsonb DEFAULT NULL, id text DEFAULT NULL)
    RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      own_id text := coalesce(publish.id, gen_random_uuid()::text);
      bytes bytea := convert_to(publish.body::text, 'UTF8');
      wait_ms float8 := extract(epoch FROM publish.delay) * 1000;
    BEGIN
      PERFORM ${s}.check_message(publish.queue, bytes, wait_ms, publish.priority, publish.headers, own_id);
      PERFORM ${s}.publish_batch(publish.queue, ARRAY[own_id], bytes, ARRAY[length(bytes)],
        ARRAY[nullif(publish.headers, '{}')::text], ARRAY[greatest(wait_ms, 0)], ARRAY[publish.priority],
        CASE WHEN publish.id IS NULL THEN NULL ELSE ARRAY[true] END, 600000, true);
      RETURN own_id;
    END $$;
    COMMENT ON FUNCTION ${s}.publish(text, jsonb, interval, integer, jsonb, text) IS
      'Publishes a job and returns its id. Part of the transaction it is called in.';`,
    checkMessage(s),
  ];
}

/** What `publish` of the library checks before it sends. */
function checkMessage(s: string): string {
  return `
    CREATE FUNCTION ${s}.check_message(p_queue text, p_body bytea, p_wait_ms float8, p_priority integer,
      p_headers jsonb, p_id text) RETURNS void LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN
      IF p_queue IS NULL OR length(p_queue) > 128 OR p_queue !~ '^[A-Za-z0-9_][A-Za-z0-9._:/-]*$' THEN
        RAISE EXCEPTION 'queue name must be 1 to 128 letters, digits or . _ - : / and begin with a letter, digit or _'
          USING ERRCODE = 'invalid_parameter_value';
      ELSIF p_body IS NULL OR length(p_body) > 16777216 THEN
        RAISE EXCEPTION 'body must be JSON of at most 16 MiB' USING ERRCODE = 'invalid_parameter_value';
      ELSIF p_wait_ms IS NULL OR p_wait_ms < 0 OR p_wait_ms > 315360000000 THEN
        RAISE EXCEPTION 'delay must be from 0 to 3650 days' USING ERRCODE = 'invalid_parameter_value';
      ELSIF p_priority IS NULL OR p_priority NOT BETWEEN 0 AND 9 THEN
        RAISE EXCEPTION 'priority must be from 0 to 9' USING ERRCODE = 'invalid_parameter_value';
      ELSIF length(p_id) NOT BETWEEN 1 AND 128 OR p_id ~ '[[:cntrl:]]' THEN
        RAISE EXCEPTION 'id must be 1 to 128 characters without control characters'
          USING ERRCODE = 'invalid_parameter_value';
      ELSIF p_headers IS NOT NULL AND (jsonb_typeof(p_headers) <> 'object' OR length(p_headers::text) > 65536
        OR EXISTS (SELECT FROM jsonb_each(p_headers) h WHERE jsonb_typeof(h.value) <> 'string'
          OR h.key !~ '^[a-z0-9!#$%&''*+.^_\`|~-]{1,100}$' OR h.key LIKE 'sluice-%')) THEN
        RAISE EXCEPTION 'headers must be an object of texts with names in lower case, not beginning with sluice-'
          USING ERRCODE = 'invalid_parameter_value';
      END IF;
    END $$;`;
}

/** The channel is named after the schema: the identifier without its quotes, as a literal. */
function channelLiteral(s: string): string {
  return `'${s.slice(1, -1)}'`;
}

/** Makes due and expired messages ready; a lease that was extended meanwhile is looked at again at its new end. */
function promote(s: string): string {
  return `
    CREATE FUNCTION ${s}.promote(p_queue integer, p_now timestamptz) RETURNS integer LANGUAGE plpgsql ${functionsByIndex} AS $$
    DECLARE
      looked integer;
    BEGIN
      WITH woken AS (
        UPDATE ${s}.message
        SET state = CASE WHEN lease_until > p_now THEN 2 ELSE 0 END, wake_at = CASE WHEN lease_until > p_now THEN lease_until END
        WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM ${s}.message WHERE queue = p_queue AND state IN (1, 2) AND wake_at <= p_now
          ORDER BY wake_at LIMIT ${promoteLimit} FOR UPDATE SKIP LOCKED))
        RETURNING state, lease_until IS NOT NULL AS leased
      ), counted AS (
        SELECT count(*) AS looked, count(*) FILTER (WHERE state = 0) AS ready,
          count(*) FILTER (WHERE state = 0 AND leased) AS expired FROM woken
      ), noted AS (
        INSERT INTO ${s}.tally SELECT p_queue, c.ready, c.expired - c.ready, -c.expired, 0 FROM counted c WHERE c.ready > 0
      )
      SELECT c.looked INTO looked FROM counted c;
      RETURN looked;
    END $$;`;
}

/** Losing a lease to a crash of the server only causes a second delivery, so nobody waits for the disk here. */
function claim(s: string): string {
  return `
    CREATE FUNCTION ${s}.claim(p_queue text, p_max integer, p_lease_ms float8, p_holder integer)
    RETURNS TABLE (seq bigint, lease integer, id text, attempt integer, priority smallint, due float8, published float8,
      headers text, history text, body bytea, place float8)
    LANGUAGE plpgsql ${functionsByIndex} AS $$
    #variable_conflict use_column
    DECLARE
      q integer;
      t timestamptz := clock_timestamp();
    BEGIN
      PERFORM set_config('synchronous_commit', 'off', true);
      SELECT o.id INTO q FROM ${s}.queue o WHERE o.name = p_queue;
      IF q IS NULL THEN RETURN; END IF;
      IF EXISTS (SELECT FROM ${s}.message m WHERE m.queue = q AND m.state IN (1, 2) AND m.wake_at <= t) THEN
        PERFORM ${s}.promote(q, t);
      END IF;
      RETURN QUERY WITH taken AS (
        UPDATE ${s}.message m
        SET state = 2, lease = m.lease + 1, holder = p_holder,
          lease_until = t + p_lease_ms * interval '1 millisecond', wake_at = t + p_lease_ms * interval '1 millisecond'
        WHERE m.ctid = ANY (ARRAY(
          SELECT r.ctid FROM ${s}.message r WHERE r.queue = q AND r.state = 0
          ORDER BY r.priority DESC, r.due_at, r.seq LIMIT p_max FOR UPDATE SKIP LOCKED))
        RETURNING m.*
      ), noted AS (
        INSERT INTO ${s}.tally SELECT q, -count(*), 0, count(*), 0 FROM taken HAVING count(*) > 0
      )
      SELECT m.seq, m.lease, m.id, m.lease - m.releases, m.priority, ${epochMs("m.due_at")}, ${epochMs("m.published_at")},
        m.headers::text, m.history::text, m.body, extract(epoch FROM m.due_at)::float8 FROM taken m;
    END $$;`;
}

/** Whole milliseconds since 1970 of a column. */
export function epochMs(column: string): string {
  return `floor(extract(epoch FROM ${column}) * 1000)::float8`;
}

function appendFailure(s: string): string {
  return `
    CREATE FUNCTION ${s}.append_failure(p_history jsonb, p_failure jsonb, p_limit integer) RETURNS jsonb
    LANGUAGE sql IMMUTABLE AS $$
      SELECT jsonb_agg(x.e ORDER BY x.o) FROM (
        SELECT e, o FROM jsonb_array_elements(coalesce(p_history, '[]') || p_failure) WITH ORDINALITY AS f (e, o)
        ORDER BY o DESC LIMIT p_limit) x
    $$;`;
}

/**
 * Acknowledgements come as arrays, everything rarer as JSON; the answer says which of each took effect. Callers sort by
 * `seq`: two calls about the same messages then wait for each other in one order and cannot deadlock.
 */
function settle(s: string): string {
  return `
    CREATE FUNCTION ${s}.settle(p_queue text, p_seqs bigint[], p_leases integer[], p_holders integer[], p_others jsonb,
      p_history_limit integer, OUT acked integer[], OUT ended integer[])
    LANGUAGE plpgsql ${functionsByIndex} AS $$
    DECLARE
      q integer;
      t timestamptz := clock_timestamp();
      now_ready bigint := 0; now_delayed bigint := 0; now_dead bigint := 0;
    BEGIN
      acked := '{}';
      ended := '{}';
      SELECT o.id INTO q FROM ${s}.queue o WHERE o.name = p_queue;
      IF q IS NULL THEN RETURN; END IF;
      IF p_seqs IS NOT NULL THEN
        WITH gone AS (
          DELETE FROM ${s}.message m
          USING unnest(p_seqs, p_leases, p_holders) WITH ORDINALITY AS u (seq, lease, holder, ord)
          WHERE m.seq = u.seq AND m.lease = u.lease AND m.holder = u.holder AND ${ofLeased} AND m.queue + 0 = q
          RETURNING u.ord
        )
        SELECT coalesce(array_agg(g.ord), '{}') INTO acked FROM gone g;
      END IF;
      IF p_others IS NOT NULL THEN
        WITH changed AS (
          UPDATE ${s}.message m SET
            state = CASE WHEN a.outcome = 'dead-letter' THEN 3 WHEN a.delay > 0 THEN 1 ELSE 0 END,
            due_at = CASE WHEN a.outcome = 'retry' THEN t + a.delay * interval '1 millisecond' ELSE m.due_at END,
            wake_at = CASE WHEN a.delay > 0 THEN t + a.delay * interval '1 millisecond' END,
            lease_until = NULL,
            releases = m.releases + (a.outcome = 'release')::integer,
            died_at = CASE WHEN a.outcome = 'dead-letter' THEN t END,
            reason = a.reason,
            history = CASE WHEN a.failure IS NULL THEN m.history
              ELSE ${s}.append_failure(m.history, a.failure, p_history_limit) END
          FROM jsonb_to_recordset(p_others) AS a (ord integer, seq bigint, lease integer, holder integer, outcome text,
            delay float8, reason text, failure jsonb)
          WHERE m.seq = a.seq AND m.lease = a.lease AND m.holder = a.holder AND ${ofLeased} AND m.queue + 0 = q
          RETURNING a.ord, m.state
        )
        SELECT coalesce(array_agg(c.ord), '{}'), count(*) FILTER (WHERE c.state = 0),
          count(*) FILTER (WHERE c.state = 1), count(*) FILTER (WHERE c.state = 3)
        INTO ended, now_ready, now_delayed, now_dead FROM changed c;
      END IF;
      IF acked <> '{}' OR ended <> '{}' THEN
        INSERT INTO ${s}.tally
        VALUES (q, now_ready, now_delayed, -(cardinality(acked) + cardinality(ended)), now_dead);
      END IF;
    END $$;`;
}

function extend(s: string): string {
  return `
    CREATE FUNCTION ${s}.extend(p_queue text, p_seqs bigint[], p_leases integer[], p_holders integer[], p_lease_ms float8)
    RETURNS integer[] LANGUAGE plpgsql ${functionsByIndex} AS $$
    DECLARE
      until timestamptz := clock_timestamp() + p_lease_ms * interval '1 millisecond';
      kept integer[];
    BEGIN
      PERFORM set_config('synchronous_commit', 'off', true);
      WITH renewed AS (
        UPDATE ${s}.message m SET lease_until = until, wake_at = least(m.wake_at, until)
        FROM unnest(p_seqs, p_leases, p_holders) WITH ORDINALITY AS u (seq, lease, holder, ord)
        WHERE m.seq = u.seq AND m.lease = u.lease AND m.holder = u.holder AND ${ofLeased}
          AND m.queue + 0 = (SELECT o.id FROM ${s}.queue o WHERE o.name = p_queue)
        RETURNING u.ord
      )
      SELECT coalesce(array_agg(r.ord), '{}') INTO kept FROM renewed r;
      RETURN kept;
    END $$;`;
}

/** What each queue has to offer, and in how many milliseconds that may change by itself. */
function prospect(s: string): string {
  return `
    CREATE FUNCTION ${s}.prospect(p_queues text[])
    RETURNS TABLE (queue text, ready boolean, wait_ms float8) LANGUAGE plpgsql STABLE ${functionsByIndex} AS $$
    #variable_conflict use_column
    BEGIN
      RETURN QUERY
      SELECT o.name, EXISTS (SELECT FROM ${s}.message m WHERE m.queue = o.id AND m.state = 0),
        (SELECT extract(epoch FROM m.wake_at - clock_timestamp()) * 1000 FROM ${s}.message m
          WHERE m.queue = o.id AND m.state IN (1, 2) ORDER BY m.wake_at LIMIT 1)::float8
      FROM unnest(p_queues) AS u (name) JOIN ${s}.queue o ON o.name = u.name;
    END $$;`;
}

/** Adds up the differences of a queue. Those that another fold holds are left to it. */
function fold(s: string): string {
  return `
    CREATE FUNCTION ${s}.fold(p_queue text) RETURNS void LANGUAGE plpgsql ${functionsByIndex} AS $$
    DECLARE
      q integer;
    BEGIN
      PERFORM set_config('synchronous_commit', 'off', true);
      SELECT o.id INTO q FROM ${s}.queue o WHERE o.name = p_queue;
      WITH folded AS (
        DELETE FROM ${s}.tally WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM ${s}.tally WHERE queue = q LIMIT 5000 FOR UPDATE SKIP LOCKED))
        RETURNING ready, delayed, in_flight, dead
      )
      INSERT INTO ${s}.tally SELECT q, sum(ready), sum(delayed), sum(in_flight), sum(dead) FROM folded HAVING count(*) > 0;
    END $$;`;
}
