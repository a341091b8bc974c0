/** The counts, for people, dashboards and KEDA. */
import { functionsByIndex } from "./functions.ts";

/** A reader cannot make messages ready that are due, so it adds them to the counts: this many of them at most. */
export const dueLimit = 10_000;

/** The statements that make the view and the function that reads one row of it. */
export function views(s: string): string {
  return `
    CREATE VIEW ${s}.backlog AS
    SELECT o.name AS queue, t.ready + d.due + d.expired AS ready, t.delayed - d.due AS delayed,
      t.in_flight - d.expired AS in_flight, t.dead,
      coalesce(extract(epoch FROM greatest(clock_timestamp() - least(r.oldest, d.oldest), '0')), 0)::float8
        AS oldest_age_seconds,
      d.due + d.expired AS unpromoted, t.rows AS tally_rows
    FROM ${s}.queue o
    CROSS JOIN LATERAL (
      SELECT coalesce(sum(c.ready), 0)::bigint AS ready, coalesce(sum(c.delayed), 0)::bigint AS delayed,
        coalesce(sum(c.in_flight), 0)::bigint AS in_flight, coalesce(sum(c.dead), 0)::bigint AS dead, count(*) AS rows
      FROM ${s}.tally c WHERE c.queue = o.id) t
    CROSS JOIN LATERAL (
      SELECT count(*) FILTER (WHERE w.lease_until IS NULL) AS due,
        count(*) FILTER (WHERE w.lease_until <= statement_timestamp()) AS expired,
        min(w.due_at) FILTER (WHERE w.lease_until IS NULL OR w.lease_until <= statement_timestamp()) AS oldest
      FROM (
        SELECT m.lease_until, m.due_at FROM ${s}.message m
        WHERE m.queue = o.id AND m.state IN (1, 2) AND m.wake_at <= statement_timestamp()
        ORDER BY m.wake_at LIMIT ${dueLimit}) w) d
    CROSS JOIN LATERAL (
      SELECT min(x.due_at) AS oldest FROM generate_series(0, 9) AS p (priority)
      CROSS JOIN LATERAL (
        SELECT m.due_at FROM ${s}.message m WHERE m.queue = o.id AND m.state = 0 AND m.priority = p.priority
        ORDER BY m.due_at, m.seq LIMIT 1) x) r;
    COMMENT ON VIEW ${s}.backlog IS 'How many messages of each queue wait, run and are dead. Reads no message twice.';
    CREATE FUNCTION ${s}.depth(p_queue text) RETURNS SETOF ${s}.backlog LANGUAGE plpgsql STABLE ${functionsByIndex} AS $$
    BEGIN
      RETURN QUERY SELECT b.* FROM ${s}.backlog b WHERE b.queue = p_queue;
    END $$;`;
}
