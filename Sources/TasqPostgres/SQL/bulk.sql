-- One bulk action.
--
--   $1 uuid  its id
--
-- `going` is another word for running; see migration 0016. `held` is for people and goes by this server's
-- clock; who may take the action up does not (bulk_hold.sql).
SELECT
    b.id, b.action, b.status, b.queue, b.kind, b.key, b.since, b.until, b.retrying, b.with_reason,
    b.source, b.rate, b.dry_run,
    CASE WHEN b.finished_at IS NULL THEN 'running' ELSE b.state END AS state,
    coalesce(b.finished_at IS NULL AND b.holder IS NOT NULL AND b.held_until > now(), FALSE) AS held,
    b.cursor, b.examined, b.matched, b.changed, b.passed_over, b.reason, b.created_at, b.updated_at,
    b.finished_at
FROM tasq.bulk AS b
WHERE b.id = $1::uuid
