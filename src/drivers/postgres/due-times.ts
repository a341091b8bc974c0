/** When delayed messages become ready. */
import { functionsByIndex } from "./functions.ts";

/** The statements that make the function. */
export function dueTimes(s: string): string {
  return `
    CREATE FUNCTION ${s}.due_within(p_queue text, p_edges_ms float8[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE ${functionsByIndex} AS $$
    DECLARE
      q integer;
      t timestamptz := clock_timestamp();
    BEGIN
      SELECT o.id INTO q FROM ${s}.queue o WHERE o.name = p_queue;
      RETURN (
        SELECT array_agg(b.due ORDER BY b.ord) FROM (
          SELECT e.ord, (sum(d.due) OVER (ORDER BY e.ord))::bigint AS due
          FROM (
            SELECT u.ord, t + u.ms * interval '1 millisecond' AS until,
              t + coalesce(lag(u.ms) OVER (ORDER BY u.ord), 0) * interval '1 millisecond' AS since
            FROM unnest(p_edges_ms) WITH ORDINALITY AS u (ms, ord)) e
          CROSS JOIN LATERAL (
            SELECT count(*) AS due FROM ${s}.message m
            WHERE m.queue = q AND m.state IN (1, 2) AND m.wake_at > e.since AND m.wake_at <= e.until
              AND m.lease_until IS NULL) d) b);
    END $$;
    COMMENT ON FUNCTION ${s}.due_within(text, float8[]) IS
      'How many delayed messages become ready within each of these times from now, which ascend.';`;
}
