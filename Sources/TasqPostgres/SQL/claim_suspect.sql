-- Claims a suspect: a queued job that was on board when more than one worker died. It runs alone, so
-- that should it be what kills, nothing innocent is blamed so often that it is given up. A job of a
-- single dead worker is no suspect: most crashes are lost machines, and running what was on board
-- of one apart took 90 s where 13 were enough. Otherwise like claim.sql; IS TRUE as in sweep.sql.
--
--   $1 uuid    the worker
--   $2 text[]  the queues it serves
WITH due AS MATERIALIZED (
    SELECT j.id, j.attempt
    FROM tasq.job AS j
    WHERE j.status = 'queued'
        AND j.crashes > 1
        AND j.attempt < j.max_attempts
        AND j.run_at <= now()
        AND (j.queue = ANY ($2::text[])) IS TRUE
        AND j.queue <> ALL (ARRAY(SELECT s.queue FROM tasq.queue_setting AS s WHERE s.paused))
        AND EXISTS (SELECT FROM tasq.worker AS w WHERE w.id = $1::uuid)
        AND (j.kind LIKE ANY ((SELECT w.kinds FROM tasq.worker AS w WHERE w.id = $1::uuid)::text[])) IS NOT FALSE
    ORDER BY j.run_at
    LIMIT 1
    FOR NO KEY UPDATE OF j SKIP LOCKED
),
claimed AS (
    INSERT INTO tasq.executing_job AS e (job_id, id, worker_id, attempt, claimed_at)
    SELECT d.id, gen_random_uuid(), $1::uuid, d.attempt + 1, now()
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
