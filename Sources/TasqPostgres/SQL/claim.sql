-- Claims those of the offered jobs that may run now, and returns them with their bodies.
--
--   $1 uuid[]  ids, as announced: hints, possibly repeated, stale or foreign
--   $2 uuid    the worker
--   $3 text[]  the queues it serves
--
-- Lock order, here and in every statement that ends a claim: job rows, then claim rows, nothing
-- else. The row lock comes first and re-checks the row as it is now, so an id whose claim is just
-- being settled is skipped. The obvious form, INSERT … SELECT … ON CONFLICT DO NOTHING without
-- the lock, waits for the other session's delete of the same claim and then inserts from its old
-- snapshot: the finished job runs again. `attempt` is taken from the locking select for the same
-- reason. SKIP LOCKED: a claim never waits for a job row, so its order of locking cannot deadlock.
-- ON CONFLICT: no row can stand in the way while the job row is locked and queued; should one, it
-- must not hold back the others. IS TRUE leaves the ids alone for an index
-- to go by: a plan made while few rows wait would walk the index of those that wait and compare each
-- with every id, and be kept for when there are a million of them; one for a table never analyzed
-- would read every row of the queue from an index that somebody added. `attempt < max_attempts`: a row
-- made by hand that has none left would fail the whole batch. Kinds the worker has no handler for
-- are left to others; null, as an older program leaves it, means that it has one for all. LEFT JOIN: a claim must never be made and not returned.
-- A body above 65536 bytes is left out: hundreds of them at once could be more than the worker's memory,
-- so each is read when its job runs (piece.sql). The length is known without reading the body.
WITH due AS MATERIALIZED (
    SELECT j.id, j.attempt
    FROM tasq.job AS j
    WHERE j.id = ANY ($1::uuid[])
        AND (
            j.status = 'queued'
            AND j.run_at <= now()
            AND j.crashes < 2
            AND j.attempt < j.max_attempts
            AND j.queue = ANY ($3::text[])
        ) IS TRUE
        AND j.queue <> ALL (ARRAY(SELECT s.queue FROM tasq.queue_setting AS s WHERE s.paused))
        AND EXISTS (SELECT FROM tasq.worker AS w WHERE w.id = $2::uuid)
        AND (j.kind LIKE ANY ((SELECT w.kinds FROM tasq.worker AS w WHERE w.id = $2::uuid)::text[])) IS NOT FALSE
    ORDER BY j.id
    FOR NO KEY UPDATE OF j SKIP LOCKED
),
claimed AS (
    INSERT INTO tasq.executing_job AS e (job_id, id, worker_id, attempt, claimed_at)
    SELECT d.id, gen_random_uuid(), $2::uuid, d.attempt + 1, now()
    FROM due AS d
    ON CONFLICT (job_id) DO NOTHING
    RETURNING e.job_id, e.id, e.attempt
),
moved AS (
    UPDATE tasq.job AS j
    SET status = 'executing', attempt = c.attempt, claimed_at = now()
    FROM claimed AS c
    WHERE j.id = ANY (ARRAY[c.job_id])
    RETURNING j.id, c.id AS claim, j.kind, j.queue, j.priority, j.attempt, j.max_attempts,
        j.crashes, j.key, j.payload_id, j.run_at, j.budget, j.put_off_at
)
SELECT
    m.id, m.claim, m.kind, m.queue, m.priority, m.attempt, m.max_attempts, m.crashes, m.key,
    m.payload_id, p.source, p.content_type, p.headers,
    CASE WHEN octet_length(p.body) <= 65536 THEN p.body END AS body,
    m.run_at, now() AS claimed_at, m.max_attempts - coalesce(m.budget, m.max_attempts) AS before,
    m.put_off_at, octet_length(p.body)::bigint AS bytes
FROM moved AS m
LEFT JOIN tasq.payload AS p ON p.id = ANY (ARRAY[m.payload_id])
