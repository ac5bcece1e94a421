-- Takes up the oldest running bulk action that nobody holds, or whose holder was seen to be gone.
--
--   $1 uuid    who
--   $2 bigint  for how many microseconds, unless it is renewed
--   $3 uuid[]  holds that were seen abandoned   $4 text[]  how each of them stood (bulk_holds.sql)
--   $5 boolean  a replay, or else an action on jobs
--
-- Whether a hold is over is judged by the caller's own clock, and the hold taken only if it stands
-- as it did then: compared with now(), `held_until` would keep an action lying for the hour by which
-- this server's clock went back. SKIP LOCKED: two servers that look at once take two actions.
UPDATE tasq.bulk AS b
SET holder = $1::uuid, held_until = now() + $2::bigint * interval '1 microsecond'
WHERE b.id = (
        SELECT r.id
        FROM tasq.bulk AS r
        WHERE r.state IN ('running', 'going') AND (r.action = 'replay') = $5::boolean
            AND (
                r.holder IS NULL
                OR (r.id, concat_ws('/', r.holder, extract(epoch FROM r.held_until), r.examined))
                    IN (SELECT u.id, u.standing FROM unnest($3::uuid[], $4::text[]) AS u(id, standing))
            )
        ORDER BY r.created_at
        LIMIT 1
        FOR NO KEY UPDATE SKIP LOCKED
    )
RETURNING
    b.id, b.action, b.status, b.queue, b.kind, b.key, b.since, b.until, b.retrying, b.with_reason,
    b.source, b.rate, b.dry_run, 'running'::text AS state, TRUE AS held, b.cursor, b.examined, b.matched,
    b.changed, b.passed_over, b.reason, b.created_at, b.updated_at, b.finished_at
