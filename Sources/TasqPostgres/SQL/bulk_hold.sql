-- Takes up the oldest running bulk action that nobody holds.
--
--   $1 uuid    who
--   $2 bigint  for how many microseconds, unless it is renewed
--
-- SKIP LOCKED: two servers that look at once take two actions.
UPDATE tasq.bulk AS b
SET holder = $1::uuid, held_until = now() + $2::bigint * interval '1 microsecond'
WHERE b.id = (
        SELECT r.id
        FROM tasq.bulk AS r
        WHERE r.state = 'running' AND (r.held_until IS NULL OR r.held_until <= now())
        ORDER BY r.created_at
        LIMIT 1
        FOR NO KEY UPDATE SKIP LOCKED
    )
RETURNING
    b.id, b.action, b.status, b.queue, b.kind, b.key, b.since, b.until, b.dry_run, b.state,
    TRUE AS held, b.cursor, b.examined, b.matched, b.changed, b.passed_over, b.reason,
    b.created_at, b.updated_at, b.finished_at
